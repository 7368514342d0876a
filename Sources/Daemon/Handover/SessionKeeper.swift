import Cells
import EventLoop
import Linux

/// What of one session outlives this process: its descriptors, where the service manager keeps them, and its journal. Of
/// one whose client cannot be handed over, for it speaks by the bus, only the journal: what was under way in a crash is
/// on record then, and what was asked for is taken back.
// Unchecked: touched on the loop's thread only.
final class SessionKeeper: StreamKeeper, @unchecked Sendable {
    /// `nil` where the session ends with this process.
    private let stream: SocketStream?
    /// Where in the journal is what the client has not been sent.
    private var unsent: [(offset: UInt64, count: Int)] = []
    private let store: DescriptorStore
    private let slot: Int
    private let journal: Journal
    /// Of the journal, when all of it was written anew.
    private var sizeWhenNew = 0
    private var input = Held()
    private var cellInput = Held()
    private var isLost = false
    /// Where the sockets of commands on the host are kept, by call.
    private var commands: [UInt64: Int] = [:]

    /// `nil` where nothing can be kept.
    init?(
        _ stream: SocketStream?, of client: Client, vouchedBy voucher: SocketStream?,
        in store: DescriptorStore
    ) {
        (self.stream, self.store) = (stream, store)
        slot = store.takeSlot()
        do throws(SystemError) {
            journal = try Journal()
            var table = DescriptorTable()
            try stream?.pass(into: &table)
            try journal.pass(into: &table)
            if client.credentials.pidfd != nil { try table.add(client.credentials.pidfd!) }
            guard store.keep(table, as: DescriptorStore.Name.session(slot)) else {
                throw SystemError("send", .wouldBlock, "FDSTORE")
            }
            if let stream, let voucher, voucher !== stream {
                _ = try store.keep(voucher, as: DescriptorStore.Name.voucher(slot))
            }
        } catch {
            store.dropSession(slot)
            store.free(slot)
            return nil
        }
        stream?.isShared = true
        stream?.keeper = self
    }

    /// Whether another process can go on with it.
    var goesOn: Bool { stream != nil }

    /// One that is kept already.
    init(_ stream: SocketStream, slot: Int, journal: Journal, in store: DescriptorStore) {
        (self.stream, self.store, self.slot, self.journal) = (stream, store, slot, journal)
        store.claim(slot)
        stream.keeper = self
    }

    // MARK: The journal

    func write(_ records: [SessionRecord]) {
        guard !records.isEmpty, !isLost else { return }
        attempt { () throws(SystemError) in
            note(records, endingAt: try journal.append(records.map(\.encoded)))
        }
    }

    /// With these everything is on record that has been read, or it has been handled.
    func writeAllRead(_ records: [SessionRecord]) {
        guard !isLost, journal.hasLanded else { return write(records) }
        write(records + [.landed(journal.landingNumber)])
        if !isLost { journal.clearLanding() }
    }

    func receive(
        into buffer: UnsafeMutableRawBufferPointer, from socket: borrowing OwnedFD
    ) throws(SystemError) -> Int? {
        try unsafe journal.receive(into: buffer, from: socket)
    }

    /// All that there is to say, instead of all that was said.
    func rewrite(_ records: [SessionRecord]) {
        guard !isLost else { return }
        attempt { () throws(SystemError) in
            let all = records + [.landed(journal.landingNumber)]
            let ends = try journal.replace(all.map(\.encoded))
            journal.clearLanding()
            unsent = []
            note(records, endingAt: ends)
            sizeWhenNew = journal.size
        }
    }

    private func note(_ records: [SessionRecord], endingAt ends: [UInt64]) {
        for (record, end) in zip(records, ends) {
            guard case .said(let bytes, _) = record, !bytes.isEmpty else { continue }
            unsent.append((end - UInt64(bytes.count), bytes.count))
        }
    }

    func send(atMost count: Int, to socket: borrowing OwnedFD) throws(SystemError) -> Int? {
        var sent = 0
        while sent < count, let next = unsent.first {
            let most = min(next.count, count - sent)
            guard let taken = try journal.send(most, from: next.offset, to: socket) else { break }
            sent += taken
            if taken == next.count {
                unsent.removeFirst()
            } else {
                unsent[0] = (next.offset + UInt64(taken), next.count - taken)
                break
            }
        }
        return sent == 0 && count > 0 ? nil : sent
    }

    var isWorthRewriting: Bool { !isLost && journal.size > 4 * sizeWhenNew + 32 << 10 }

    /// What is not written as it should be is not believed later: without a journal nobody goes on.
    private func attempt(_ body: () throws(SystemError) -> Void) {
        do throws(SystemError) {
            try body()
        } catch {
            end()
        }
    }

    /// Bytes that were read and not handled, of which `new` have just come.
    struct Held {
        private var kept = 0

        /// What is to be written; `last` gives the last so many of them.
        mutating func change(
            _ held: Int, new: Int, _ last: (Int) -> [UInt8]
        ) -> (bytes: [UInt8], isMore: Bool)? {
            defer { kept = held }
            if held == kept, new == 0 || held == 0 { return nil }
            return held == kept + new && kept > 0 ? (last(new), true) : (last(held), false)
        }

        mutating func isWritten(_ held: Int) { kept = held }
    }

    func inputRecord(_ held: Int, new: Int, _ last: (Int) -> [UInt8]) -> SessionRecord? {
        input.change(held, new: new, last).map { .input($0.bytes, isMore: $0.isMore) }
    }

    func writeCellInput(_ held: Int, new: Int, _ last: (Int) -> [UInt8]) {
        guard let change = cellInput.change(held, new: new, last) else { return }
        write([.cellInput(change.bytes, isMore: change.isMore)])
    }

    func inputIsWritten(_ held: Int, ofCell: Int) {
        input.isWritten(held)
        cellInput.isWritten(ofCell)
    }

    // MARK: The cell

    func keepCell(_ cell: CellMemory, _ stream: SocketStream) {
        guard !isLost else { return }
        attempt { () throws(SystemError) in
            // One that is not kept ends with us, and so does what runs in it.
            guard try store.keep(stream, as: DescriptorStore.Name.cell(slot)) else { return }
            cellInput.isWritten(0)
            write([.cell(cell)])
        }
    }

    func dropCell() {
        guard !isLost else { return }
        store.drop(DescriptorStore.Name.cell(slot))
        write([.cellIsGone])
    }

    // MARK: Commands on the host

    func keepCommand(_ command: Cell, of call: UInt64) {
        guard !isLost, goesOn else { return }
        let slot = store.takeSlot()
        attempt { () throws(SystemError) in
            // On record also where it is not kept: the next process finds that it is lost, and does not start it again.
            _ = try store.keep(command.stream, as: DescriptorStore.Name.command(slot))
            adoptCommand(slot, of: call)
            write([.command(call: call, memory(of: command, slot))])
        }
    }

    func adoptCommand(_ slot: Int, of call: UInt64) {
        store.claim(slot)
        commands[call] = slot
    }

    /// For all that there is to say.
    func record(of command: Cell, _ call: UInt64) -> SessionRecord? {
        commands[call].map { .command(call: call, memory(of: command, $0)) }
    }

    private func memory(of command: Cell, _ slot: Int) -> CommandMemory {
        CommandMemory(slot: UInt32(slot), number: command.number, report: command.report)
    }

    func dropCommand(of call: UInt64) {
        guard let slot = commands.removeValue(forKey: call) else { return }
        store.drop(DescriptorStore.Name.command(slot))
        store.free(slot)
    }

    // MARK: The end

    func end() {
        guard !isLost else { return }
        isLost = true
        stream?.keeper = nil
        store.dropSession(slot)
        store.free(slot)
        for call in commands.keys { dropCommand(of: call) }
    }
}
