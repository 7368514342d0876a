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
    let log: Log
    var gatekeeper: Gatekeeper
    private let onGone: @Sendable () -> Void

    let stream: any ByteStream
    let policy: SessionPolicy
    let place: CellPlace
    /// All tools there are; the client sees those that policy does not deny it.
    private var tools: ToolCatalogue
    var connection: StreamConnection?
    var framer: LineFramer
    var mcp: ServerSession
    private var tasks: [CallID: Task<Void, Never>] = [:]
    var stages: [CallID: CallStage] = [:]
    /// Who waits for what the client says.
    private var askers: [CallID: @Sendable (FormAnswer) -> Void] = [:]
    private var closingTimer: TimerID?
    var bridgeHasClaimed = false
    var isClosing = false
    private var isContinuing = false
    var isPaused = false
    private var peerHasFinished = false
    /// Where it is on record what it would take to go on in another process.
    var keeper: SessionKeeper?
    var kept = SessionStanding.new
    /// Of what is held, how much has just come.
    var newInput = 0

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
    func handleLines() {
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

    func flush(_ out: inout Outbox) {
        record(saying: out.bytes)
        if !out.bytes.isEmpty { connection?.send(out.bytes) }
        if keeper?.isWorthRewriting == true { rewriteRecords() }
        let effects = out.effects
        out = Outbox()
        for effect in effects { carryOut(effect) }
    }

    func carryOut(_ effect: Effect) {
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
            believe(name)
            keeper?.write([.claim(name)])
            showWhatMayBeSeen()
        }
    }

    /// What the bridge was told by its user.
    func believe(_ claim: String) {
        bridgeHasClaimed = true
        policy.claim(bridge: claim)
        place.assumeIsolated { $0.claim(claim) }
    }

    // MARK: Calls

    func begin(_ call: ToolCall, at stage: CallStage) {
        stages[call.id] = stage
        tasks[call.id] = loop.spawn { await self.perform(call, stage) }
    }

    private func stage(of call: CallID) -> CallStage {
        guard let keeper else { return CallStage() }
        return CallStage(Self.recorder(of: call, in: keeper))
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
        takeBack(stage)
        flush(&out)
        closeIfDone()
    }

    struct Channel: CallChannel {
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

    func tell(_ seen: ToolCatalogue) {
        report { mcp, out in mcp.setTools(seen, &out) }
        keeper?.write([.tools(seen.tools.map(\.name))])
    }

    var toolsInSight: ToolCatalogue {
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

    // MARK: The end

    package func beginClosing() {
        guard !isClosing, connection != nil else { return }
        isClosing = true
        report { mcp, out in mcp.beginClosing(&out) }
        // It may be that nobody is there to hear that.
        guard connection != nil else { return }
        closingTimer = loop.schedule(after: settings.closingTime) { [weak self] in
            self?.assumeIsolated { session in
                session.closingTimer = nil
                session.log.info(
                    "\(session.client.description): closed with \(session.tasks.count) calls unanswered")
                session.end()
            }
        }
        closeIfDone()
    }

    /// At once, whatever is under way.
    func end() {
        connection?.close()
        gone()
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
