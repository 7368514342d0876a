// A session as the daemon sees it: one connection, one protocol state, the calls it started.
//
//     bytes ─▶ framer ─▶ ServerSession ─▶ lines ─▶ connection
//                            │ effects
//                            ▼
//                       one task a call ─▶ gatekeeper ─▶ result ─▶ ServerSession
//
//   open ──peer finished / daemon stops──▶ closing ──last call answered, last byte taken──▶ gone
//     └───────────peer gone / dropped / time is up──────────────────────────────────────────▶ gone
//
// Invariants: while the peer is slow nothing more of it is read. `closing` refuses new calls and lets those
// in flight be answered, for a limited time. `gone` is final: every call is cancelled, and the daemon is
// told once.

import EventLoop
import JSON
import Linux
import MCP
import Policy
import Tools

package actor Session {
    package struct Settings: Sendable {
        package var lineLimit = 16 << 20
        package var linesPerTurn = 64
        package var stream = StreamConnection.Limits()
        package var mcp = SessionLimits()
        /// How long calls in flight may go on after the peer has finished, or the daemon wants to stop.
        package var closingTime: Duration = .seconds(5)

        package init() {}
    }

    package nonisolated let client: Client
    private nonisolated let loop: EventLoop
    private let settings: Settings
    private let log: Log
    private var gatekeeper: Gatekeeper
    private let onGone: @Sendable () -> Void

    private let stream: any ByteStream
    let policy: SessionPolicy
    let place: CellPlace
    /// All tools there are; the client sees those that policy does not deny it.
    private var tools: ToolCatalogue
    private var connection: StreamConnection?
    private var framer: LineFramer
    private var mcp: ServerSession
    private var tasks: [CallID: Task<Void, Never>] = [:]
    private var stages: [CallID: CallStage] = [:]
    /// Who waits for what the client says.
    private var askers: [CallID: @Sendable (FormAnswer) -> Void] = [:]
    private var closingTimer: TimerID?
    private var bridgeHasClaimed = false
    private var isClosing = false
    private var isContinuing = false
    private var isPaused = false
    private var peerHasFinished = false
    /// Where it is on record what it would take to go on in another process.
    var keeper: SessionKeeper?
    private var kept = SessionStanding.new
    /// Of what is held, how much has just come.
    private var newInput = 0

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    package init(
        _ client: Client, over stream: any ByteStream, on loop: EventLoop,
        as server: ServerDescription, with tools: ToolCatalogue, through gatekeeper: Gatekeeper,
        by policy: SessionPolicy, in place: CellPlace, settings: Settings, log: Log,
        onGone: @escaping @Sendable () -> Void
    ) {
        (self.client, self.loop, self.settings) = (client, loop, settings)
        (self.tools, self.gatekeeper, self.policy) = (tools, gatekeeper, policy)
        (self.log, self.onGone) = (log, onGone)
        (self.stream, self.place) = (stream, place)
        mcp = ServerSession(
            server, tools: tools.filtered { gatekeeper.maySee($0, by: policy) }, limits: settings.mcp)
        framer = LineFramer(limit: settings.lineLimit)
    }

    package func start() throws(SystemError) {
        connection = try StreamConnection(
            stream, on: loop, limits: settings.stream,
            StreamConnection.Handlers(
                onBytes: { [unowned self] in receive($0) },
                onFinish: { [unowned self] in finishReading() },
                onDrain: { [unowned self] in handleLines() },
                onEnd: { [unowned self] in connectionEnded($0) }))
    }

    var callsUnderWay: Int { tasks.count }

    // MARK: In

    private func receive(_ bytes: Span<UInt8>) {
        framer.append(bytes)
        newInput = bytes.count
        handleLines()
    }

    /// As many lines as are this session's share of a turn: one read can bring 32,000 tiny ones, and
    /// everybody else would wait for their answers. Meanwhile nothing more of this peer is read.
    private func handleLines() {
        guard !isPaused else { return }
        var out = Outbox()
        out.bytes.reserveCapacity(256)
        var share = settings.linesPerTurn
        while share > 0, connection?.isBackedUp == false, let line = framer.next() {
            share -= 1
            mcp.receive(line, lineLimit: settings.lineLimit, &out)
            if out.bytes.count >= settings.stream.lowWater { flush(&out) }
        }
        flush(&out)
        connection?.holdReading(share == 0)
        if share == 0 {
            continueNextTurn()
        } else if peerHasFinished, connection?.isBackedUp == false {
            // Not before: lines that wait behind a backlog are still to be answered.
            beginClosing()
        }
    }

    private func continueNextTurn() {
        guard !isContinuing else { return }
        isContinuing = true
        loop.later { [weak self] in
            self?.assumeIsolated { session in
                session.isContinuing = false
                session.handleLines()
            }
        }
    }

    private func finishReading() {
        peerHasFinished = true
        handleLines()
    }

    // MARK: Out

    private func flush(_ out: inout Outbox) {
        record(saying: out.bytes)
        if !out.bytes.isEmpty { connection?.send(out.bytes) }
        if keeper?.isWorthRewriting == true { rewrite(records) }
        let effects = out.effects
        out = Outbox()
        for effect in effects { carryOut(effect) }
    }

    private func carryOut(_ effect: Effect) {
        switch effect {
        case .start(let call):
            guard connection != nil else { return }
            if let name = mcp.clientInfo?.name {
                policy.claim(name: name)
                // What the bridge was told by its user comes before what the application says by itself.
                if !bridgeHasClaimed { place.assumeIsolated { $0.claim(name) } }
            }
            begin(call, at: stage(of: call.id))
        case .cancel(let call):
            stages[call] = nil
            tasks.removeValue(forKey: call)?.cancel()
            closeIfDone()
        case .answered(let call, let answer):
            askers.removeValue(forKey: call)?(answer)
        case .claim(let name):
            log.debug("\(client.description) says it is \(name)")
            bridgeHasClaimed = true
            policy.claim(bridge: name)
            place.assumeIsolated { $0.claim(name) }
            keeper?.write([.claim(name)])
            showWhatMayBeSeen()
        }
    }

    // MARK: Calls

    private func begin(_ call: ToolCall, at stage: CallStage) {
        stages[call.id] = stage
        tasks[call.id] = loop.spawn { await self.perform(call, stage) }
    }

    private func stage(of call: CallID) -> CallStage {
        guard let keeper else { return CallStage() }
        return CallStage(remembers: true) { keeper.write([.job(call: call.number, number: $0)]) }
    }

    private func perform(_ call: ToolCall, _ stage: CallStage) async {
        let channel = Channel(session: self, call: call.id)
        var out = Outbox()
        do throws(ProtocolError) {
            switch try await gatekeeper.perform(
                call, for: client, by: policy, in: place, over: channel, stage)
            {
            case .result(let result): mcp.finish(call.id, with: result, &out)
            case .inputRequired(let form, let state): mcp.requireInput(call.id, form, state: state, &out)
            }
        } catch {
            mcp.fail(call.id, with: error, &out)
        }
        (tasks[call.id], stages[call.id]) = (nil, nil)
        flush(&out)
        closeIfDone()
    }

    private struct Channel: CallChannel {
        let session: Session
        let call: CallID

        func progress(_ progress: Double, of total: Double?, message: String?) async {
            await session.report { mcp, out in
                mcp.progress(call, progress, of: total, message: message, &out)
            }
        }

        func log(_ level: LogLevel, logger: String, data: [UInt8]) async {
            await session.report { mcp, out in
                mcp.log(call, level, logger: logger, data: data, &out)
            }
        }

        func ask(_ form: Form, onAnswer: @escaping @Sendable (FormAnswer) -> Void) -> Bool {
            session.assumeIsolated { $0.ask(call, form, onAnswer) }
        }

        func withdrawQuestion() { session.assumeIsolated { $0.withdrawQuestion(of: call) } }
    }

    private func ask(
        _ call: CallID, _ form: Form, _ onAnswer: @escaping @Sendable (FormAnswer) -> Void
    ) -> Bool {
        var out = Outbox()
        guard mcp.ask(call, form, &out) else { return false }
        askers[call] = onAnswer
        flush(&out)
        return true
    }

    private func withdrawQuestion(of call: CallID) {
        askers[call] = nil
        report { mcp, out in mcp.withdrawQuestion(of: call, &out) }
    }

    private func report(_ write: @Sendable (inout ServerSession, inout Outbox) -> Void) {
        var out = Outbox()
        write(&mcp, &out)
        flush(&out)
    }

    /// From here on the client sees, and calls, these tools.
    package func setTools(_ tools: ToolCatalogue, _ gatekeeper: Gatekeeper) {
        (self.tools, self.gatekeeper) = (tools, gatekeeper)
        tell(toolsInSight)
    }

    private func tell(_ seen: ToolCatalogue) {
        report { mcp, out in mcp.setTools(seen, &out) }
        keeper?.write([.tools(seen.tools.map(\.name))])
    }

    private var toolsInSight: ToolCatalogue {
        tools.filtered { gatekeeper.maySee($0, by: policy) }
    }

    /// From here on its calls are decided by this policy; those that are under way keep what they had.
    package func setPolicy(_ set: PolicySet, digest: String? = nil) {
        policy.adopt(set, digest: digest)
        showWhatMayBeSeen()
        place.assumeIsolated { $0.policyHasChanged() }
    }

    /// Tells the client where that is not what it was.
    private func showWhatMayBeSeen() {
        let seen = toolsInSight
        guard !seen.tools.map(\.name).elementsEqual(mcp.catalogue.tools.map(\.name)) else { return }
        tell(seen)
    }

    // MARK: In another process

    /// From its first moment on.
    func keep(in keeper: SessionKeeper) {
        self.keeper = keeper
        mcp.changes = []
        place.assumeIsolated { $0.keep(in: keeper) }
        keeper.rewrite(records)
    }

    /// Nothing more is read, neither of the client nor of the cell.
    func pause() {
        isPaused = true
        connection?.holdReading(true)
        place.assumeIsolated { $0.pause() }
    }

    /// What has changed since the last time, and what is said now. It is on record before it is sent, and what is sent is
    /// sent from there: so the next process knows to the byte what the client has.
    private func record(saying bytes: [UInt8]) {
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
        if !bytes.isEmpty {
            records.append(.said(bytes, closed: closed))
        } else {
            records += closed.map { .closed(call: $0) }
        }
        keeper.writeAllRead(records)
    }

    private func rewrite(_ records: [SessionRecord]) {
        keeper?.rewrite(records)
        keeper?.inputIsWritten(framer.held, ofCell: place.assumeIsolated { $0.heldOfCell })
    }

    /// All that there is to say at this moment.
    private var records: [SessionRecord] {
        var records: [SessionRecord] = [
            .client(
                ClientMemory(
                    session: client.session, uid: client.credentials.uid, pid: client.credentials.pid,
                    identity: client.identity, digest: client.digest)),
            .standing(mcp.standing), .tools(mcp.catalogue.tools.map(\.name)),
            .input(framer.heldBytes(framer.held), isMore: false),
        ]
        if bridgeHasClaimed, let claim = policy.facts.bridgeClaim { records.append(.claim(claim)) }
        if let (cell, held) = place.assumeIsolated({ $0.memory }) {
            records += [.cell(cell), .cellInput(held, isMore: false)]
        }
        if let unsent = connection?.unsent, !unsent.isEmpty { records.append(.said(unsent, closed: [])) }
        records += mcp.openBatches.map { .batch($0) }
        for request in mcp.openRequests {
            records.append(.opened(request))
            if let job = stages[CallID(number: request.call)]?.job {
                records.append(.job(call: request.call, number: job))
            }
        }
        return records
    }

    /// Leaves it to the next process, as it is at this moment. From here on nothing happens in it.
    func handOver() -> Bool {
        guard let keeper, let connection, !isClosing else { return false }
        // They are asked again.
        var out = Outbox()
        for call in stages.keys { mcp.withdrawQuestion(of: call, &out) }
        flush(&out)
        var records = records
        let cell = place.assumeIsolated { $0.standingCell }
        for (call, stage) in stages {
            var memory = stage.memory
            if let job = stage.job { memory.seen += cell?.assumeIsolated { $0.unseen(job) } ?? [] }
            records.append(.stage(call: call.number, memory))
        }
        if let cell { records.append(.cellOutput(cell.assumeIsolated { $0.unhandled.output })) }
        keeper.rewrite(records + [.complete])
        self.keeper = nil
        connection.letGo()
        place.assumeIsolated { $0.letGo() }
        return true
    }

    /// Goes on with what a process before us had begun, after it was started.
    func resume(_ memory: SessionMemory, overCell cell: SocketStream?, keeper: SessionKeeper) {
        guard let connection else { return }
        self.keeper = keeper
        place.assumeIsolated { $0.resume(memory, over: cell, keeper: keeper) }
        var out = Outbox()
        mcp.changes = []
        mcp.resume(memory.standing, memory.batches)
        if let name = mcp.clientInfo?.name { policy.claim(name: name) }
        if let claim = memory.claim { carryOut(.claim(claim)) }
        for call in memory.calls { takeUp(call, memory, &out) }
        mcp.endTakingUp(&out)
        framer.append(memory.input.span)
        let unsent = memory.output + out.bytes
        // A line that ends every daemon that reads it shall not end the next one, too.
        let isSuspect = !memory.isComplete && !memory.input.isEmpty
        keeper.rewrite(
            records + (isSuspect ? [.isSuspect(true)] : [])
                + (unsent.isEmpty ? [] : [.said(unsent, closed: [])]))
        (kept, mcp.changes, out.bytes) = (mcp.standing, [], [])
        connection.send(unsent)
        flush(&out)
        // A new version of us may have others.
        if let tools = memory.tools, tools != mcp.catalogue.tools.map(\.name) { tell(mcp.catalogue) }
        handleLines()
        if isSuspect { keeper.write([.isSuspect(false)]) }
    }

    private func takeUp(_ old: SessionMemory.Call, _ memory: SessionMemory, _ out: inout Outbox) {
        guard let call = mcp.takeUp(old.request, &out) else { return }
        let loss: Gatekeeper.Loss? =
            !memory.isComplete ? .crash : old.memory?.isOnHost == true ? .command : nil
        if let loss {
            let channel = Channel(session: self, call: call.id)
            let error = gatekeeper.lose(call, by: loss, of: client, by: policy, over: channel)
            return mcp.fail(call.id, with: error, &out)
        }
        begin(
            call,
            at: CallStage(old.memory ?? CallMemory(), job: old.job, in: memory.cell?.number) { [keeper] in
                keeper?.write([.job(call: call.id.number, number: $0)])
            })
    }

    // MARK: The end

    package func beginClosing() {
        guard !isClosing, connection != nil else { return }
        isClosing = true
        report { mcp, out in mcp.beginClosing(&out) }
        closingTimer = loop.schedule(after: settings.closingTime) { [unowned self] in
            closingTimer = nil
            log.info("\(client.description): closed with \(tasks.count) calls unanswered")
            connection?.close()
            gone()
        }
        closeIfDone()
    }

    private func closeIfDone() {
        if isClosing, tasks.isEmpty { connection?.closeWhenSent() }
    }

    private func connectionEnded(_ end: StreamConnection.End) {
        switch end {
        case .byPeer, .sent: log.debug("\(client.description): \(end)")
        case .overflowed, .stalled, .failed: log.warning("\(client.description): \(end)")
        }
        gone()
    }

    private func gone() {
        guard connection != nil else { return }
        connection = nil
        if let closingTimer { loop.cancel(closingTimer) }
        for task in tasks.values { task.cancel() }
        (tasks, stages) = ([:], [:])
        place.assumeIsolated { $0.close() }
        keeper?.end()
        onGone()
    }
}
