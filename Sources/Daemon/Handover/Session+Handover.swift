// A session on its way to the next process: what is on record of it while it lasts, and how it goes on from that.

import Cells
import EventLoop
import Linux
import MCP

extension Session {
    /// From its first moment on.
    func keep(in keeper: SessionKeeper) {
        self.keeper = keeper
        // A cell ends with its session, where that ends with us.
        if keeper.goesOn { place.assumeIsolated { $0.keep(in: keeper) } }
        rewriteRecords()
    }

    static func recorder(of call: CallID, in keeper: SessionKeeper) -> CallStage.Recorder {
        let call = call.number
        return CallStage.Recorder(
            onJob: { keeper.write([.job(call: call, number: $0)]) },
            onRequest: { keeper.write([.hostRequest(call: call, number: $0)]) },
            onCommand: { command in
                if let command {
                    keeper.keepCommand(command, of: call)
                } else {
                    keeper.dropCommand(of: call)
                }
            })
    }

    /// Nothing more is read, neither of the client nor of the cell.
    func pause() {
        isPaused = true
        connection?.holdReading(true)
        place.assumeIsolated { $0.pause() }
        for stage in stages.values { stage.command?.assumeIsolated { $0.pause() } }
    }

    /// What has changed since the last time, and what is said now. It is on record before it is sent, and what is sent is
    /// sent from there: so the next process knows to the byte what the client has.
    func record(saying bytes: [UInt8]) {
        guard let keeper else { return }
        var (records, closed) = ([SessionRecord](), [UInt64]())
        if mcp.standing != kept {
            kept = mcp.standing
            records.append(.standing(kept))
        }
        for change in mcp.changes ?? [] {
            switch change {
            case .opened(let call):
                if let request = mcp.openRequest(call) { records.append(.opened(request)) }
            case .closed(let call): closed.append(call.number)
            case .answeredIn(let batch):
                records.append(mcp.openBatch(batch).map { .batch($0) } ?? .batchIsOver(batch))
            }
        }
        mcp.changes = []
        if let input = keeper.inputRecord(framer.held, new: newInput, { framer.heldBytes($0) }) {
            records.append(input)
        }
        newInput = 0
        if !bytes.isEmpty, keeper.goesOn {
            records.append(.said(bytes, closed: closed))
        } else {
            records += closed.map { .closed(call: $0) }
        }
        keeper.writeAllRead(records)
    }

    /// All that there is to say at this moment, and this, instead of all that was said.
    func rewriteRecords(and more: [SessionRecord] = []) {
        guard let keeper else { return }
        keeper.rewrite(records + more)
        (kept, mcp.changes) = (mcp.standing, [])
        keeper.inputIsWritten(framer.held, ofCell: place.assumeIsolated { $0.heldOfCell })
    }

    private var records: [SessionRecord] {
        var records: [SessionRecord] = [
            .client(
                ClientMemory(
                    session: client.session, uid: client.credentials.uid, pid: client.credentials.pid,
                    identity: client.identity, digest: client.digest, bus: client.memoryOfBus)),
            .standing(mcp.standing), .tools(mcp.catalogue.tools.map(\.name)),
            .input(framer.heldBytes(framer.held), isMore: false),
        ]
        if bridgeHasClaimed, let claim = policy.facts.bridgeClaim { records.append(.claim(claim)) }
        records += place.assumeIsolated { $0.records }
        if keeper?.goesOn == true, let unsent = connection?.unsent, !unsent.isEmpty {
            records.append(.said(unsent, closed: []))
        }
        records += mcp.openBatches.map { .batch($0) }
        for request in mcp.openRequests {
            records.append(.opened(request))
            guard let stage = stages[CallID(number: request.call)] else { continue }
            if let number = stage.hostRequest {
                records.append(.hostRequest(call: request.call, number: number))
            }
            if let command = stage.command, let record = keeper?.record(of: command, request.call) {
                records.append(record)
            }
            if let job = stage.job { records.append(.job(call: request.call, number: job)) }
        }
        return records
    }

    var isKept: Bool { keeper?.goesOn == true }

    /// Leaves it to the next process, as it is at this moment. From here on nothing happens in it.
    func handOver() -> Bool {
        guard isKept, let connection, !isClosing else { return false }
        // They are asked again.
        var out = Outbox()
        for call in stages.keys { mcp.withdrawQuestion(of: call, &out) }
        flush(&out)
        var last: [SessionRecord] = []
        let cell = place.assumeIsolated { $0.standingCell }
        for (call, stage) in stages {
            var memory = stage.memory
            if let job = stage.job {
                memory.seen += (stage.command ?? cell)?.assumeIsolated { $0.unseen(job) } ?? []
            }
            memory.held = stage.command?.assumeIsolated { $0.unhandled.input } ?? []
            last.append(.stage(call: call.number, memory))
        }
        last += gatekeeper.office.consent.grants(of: client.session).map { .grant($0) }
        if let cell { last.append(.cellOutput(cell.assumeIsolated { $0.unhandled.output })) }
        rewriteRecords(and: last + [.complete])
        keeper = nil
        connection.letGo()
        for stage in stages.values { stage.command?.assumeIsolated { $0.letGo() } }
        place.assumeIsolated { $0.letGo() }
        return true
    }

    /// Goes on with what a process before us had begun, after it was started.
    func resume(
        _ memory: SessionMemory, overCell cell: SocketStream?, keeper: SessionKeeper,
        command: (Int) -> SocketStream?
    ) {
        guard let connection else { return }
        self.keeper = keeper
        place.assumeIsolated { $0.resume(memory, over: cell, keeper: keeper) }
        var out = Outbox()
        if let name = memory.standing.clientInfo?.name { policy.claim(name: name) }
        if let claim = memory.claim { believe(claim) }
        // What has changed of that it is told below, when what it was being told is on its way.
        var unheard = Outbox()
        mcp.setTools(toolsInSight, &unheard)
        mcp.resume(memory.standing, memory.batches)
        gatekeeper.office.consent.resume(memory.grants, of: client.session)
        for call in memory.calls { takeUp(call, memory, command, &out) }
        mcp.endTakingUp(&out)
        framer.append(memory.input.span)
        let unsent = memory.output + out.bytes
        // A line that ends every daemon that reads it shall not end the next one, too.
        let isSuspect = !memory.isComplete && !memory.input.isEmpty
        rewriteRecords(
            and: (isSuspect ? [.isSuspect(true)] : [])
                + (unsent.isEmpty ? [] : [.said(unsent, closed: [])]))
        out.bytes = []
        connection.send(unsent)
        flush(&out)
        // A new version of us may have others.
        if let tools = memory.tools, tools != mcp.catalogue.tools.map(\.name) { tell(mcp.catalogue) }
        handleLines()
        if isSuspect { keeper.write([.isSuspect(false)]) }
    }

    /// A call of what is not there any more for this client. It is answered, and what it waits for is not wanted.
    private func drop(_ old: SessionMemory.Call, _ memory: SessionMemory) {
        let cell = place.assumeIsolated { $0.standingCell }
        if let job = old.job, old.command == nil { cell?.assumeIsolated { $0.takeBack(job) } }
        guard let number = old.hostRequest else { return }
        log.warning("\(client.description): a command that it may not have any more is taken back")
        place.assumeIsolated { $0.takeBack(number) }
    }

    /// What was asked for in a process before us, by a call that ended before it came to that.
    func takeBack(_ stage: CallStage) {
        guard let number = stage.hostRequest else { return }
        place.assumeIsolated { $0.takeBack(number) }
    }

    private func takeUp(
        _ old: SessionMemory.Call, _ memory: SessionMemory, _ commands: (Int) -> SocketStream?,
        _ out: inout Outbox
    ) {
        guard let keeper else { return }
        guard let call = mcp.takeUp(old.request, &out) else { return drop(old, memory) }
        let progress = old.memory ?? CallMemory()
        var hostRequest: UInt32?
        if let number = old.hostRequest {
            if !memory.isComplete {
                place.assumeIsolated { $0.takeBack(number) }
            } else if place.assumeIsolated({ $0.expect(number) }) {
                hostRequest = number
            }
        }
        var command: Cell?
        if memory.isComplete, let kept = old.command, let socket = commands(Int(kept.slot)) {
            command = place.assumeIsolated { $0.adopt(kept, progress, over: socket) }
            if command != nil { keeper.adoptCommand(Int(kept.slot), of: call.id.number) }
        }
        let isLost =
            old.hostRequest != nil && hostRequest == nil || old.command != nil && command == nil
        let loss: Gatekeeper.Loss? = !memory.isComplete ? .crash : isLost ? .command : nil
        if let loss {
            let channel = Channel(session: self, call: call.id)
            let error = gatekeeper.lose(call, by: loss, of: client, by: policy, over: channel)
            return mcp.fail(call.id, with: error, &out)
        }
        begin(
            call,
            at: CallStage(
                progress, job: old.job, in: command?.number ?? memory.cell?.number,
                hostRequest: hostRequest, command: command, Self.recorder(of: call.id, in: keeper)))
    }
}

extension Client {
    fileprivate var memoryOfBus: ClientMemory.BusMemory? {
        busName.map {
            ClientMemory.BusMemory(
                name: $0, groups: credentials.groups, label: credentials.label,
                isExact: credentials.pidfdIsExact)
        }
    }
}
