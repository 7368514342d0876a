// A cell goes on while the process that talks to it ends, and with what the next one says.

import Cells
import EventLoop
import Linux

extension Cell {
    /// From here on it is on record what it would take to go on with it.
    func keep(in keeper: SessionKeeper, as plan: CellPlan) {
        self.keeper = keeper
        keeper.keepCell(memory(plan), stream)
    }

    private func memory(_ plan: CellPlan) -> CellMemory {
        CellMemory(number: number, plan: plan, report: report, lastJob: lastCall)
    }

    func records(_ plan: CellPlan) -> [SessionRecord] {
        [
            .cell(memory(plan)), .cellInput(unhandled.input, isMore: false), .cellIsBehind(isBehind),
        ]
    }

    func pause() { connection?.holdReading(true) }

    /// For the next process.
    func letGo() {
        keeper = nil
        connection?.letGo()
    }

    /// What is between us and it.
    var unhandled: (input: [UInt8], output: [UInt8]) {
        (reader.heldBytes(reader.held), connection?.unsent ?? [])
    }

    var held: Int { reader.held }

    /// What has come for a request, and nobody has seen.
    func unseen(_ job: UInt32) -> [CellFrame] {
        (mailboxes[job]?.letters ?? []).compactMap { if case .frame(let frame) = $0 { frame } else { nil } }
    }

    func noteBacklog() {
        guard let keeper, let connection, isBehind != (connection.backlogCount > 0) else { return }
        isBehind.toggle()
        keeper.write([.cellIsBehind(isBehind)])
    }

    /// One that stood before this process: with the requests that go on in it. All others are ended.
    func resume(_ memory: SessionMemory, keeper: SessionKeeper) {
        self.keeper = keeper
        (lastCall, rules) = (memory.cell?.lastJob ?? 0, nil)
        if memory.isComplete { send(memory.cellOutput) }
        for call in memory.calls {
            guard let job = call.job, call.command == nil else { continue }
            if memory.isComplete {
                mailboxes[job] = Mailbox(letters: (call.memory?.seen ?? []).map { .frame($0) })
            } else {
                send(CellFrame(.cancel, call: job).encoded)
            }
        }
        reader.append(memory.cellInput.span)
        takeFrames()
    }

    /// A request that went on, and that nobody waits for.
    func takeBack(_ job: UInt32) {
        mailboxes[job] = nil
        send(CellFrame(.cancel, call: job).encoded)
    }

    /// A command that began before this process.
    func resumeCommand(_ memory: CallMemory) {
        mailboxes[Self.command] = Mailbox(letters: memory.seen.map { .frame($0) })
        reader.append(memory.held.span)
        takeFrames()
    }
}
