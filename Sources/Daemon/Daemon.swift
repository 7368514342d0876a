// The daemon: who may connect, who is connected, and when it ends.
//
//   starting ──▶ serving ──SIGTERM, SIGINT, or idle after socket activation──▶ stopping ──▶ ended
//
// Stopping accepts nobody new and lets calls in flight be answered; when the last session is gone, or
// its closing time is up, the loop ends. A second signal ends it at once.
//
// A connection becomes a session when celld has said what its process is; until then nothing of it is read.
//
// Invariants: a connection is counted from accept until it is gone; a session is in `sessions` as long as it is
// one; no user has more than their share.

import Audit
import Bus
import CLinux
import Cells
import CommandLine
import EventLoop
import JSON
import Linux
import MCP
import Policy
import PolicyFiles
import Tools

package actor Daemon {
    package struct Settings: Sendable {
        package var session = Session.Settings()
        package var mostSessions = 4096
        package var mostSessionsOfUser = 1024
        /// Set when a service manager holds our socket: without clients for so long, the daemon ends.
        package var idleTime: Duration?
        /// Only this user and root are served, where the daemon cannot act for anybody else.
        package var onlyUser: UInt32?
        package var toolsPerPage = 100
        package var cell = CellPlace.Settings()
        package var policy = PolicyDirectories.builtIn
        /// Where records are kept, and whether the journal has them, too; `nil`: nothing is recorded.
        package var audit: (directory: AuditDirectory, journal: String?)?
        /// Where grants outlive the daemon; `nil`: they do not.
        package var grants: String?
        /// Where polkit is, for rules that want a person to be asked there. Nobody connects before that, unless
        /// the bus is served.
        package var bus = BusAddress.system
        /// Whether this daemon is org.cloister.Cloister1 there.
        package var servesBus = false

        package init() {}
    }

    package typealias ToolSource = @Sendable (Daemon) -> [RegisteredTool]

    nonisolated let loop: EventLoop
    private let settings: Settings
    let log: Log
    private let manager: ServiceManager
    private let toolSource: ToolSource
    let celld: CelldLink?
    /// Runs commands on the host.
    let commands: CelldLink?
    /// What outlives us, where the service manager keeps it.
    let store: DescriptorStore?
    let policy: PolicyStore
    let office: Gatekeeper.Office

    private var catalogue = ToolCatalogue([])
    private var modules: [ModuleDescription] = []
    private var gatekeeper: Gatekeeper
    let names = AccountNames()
    private let digests: ProgramDigests
    private var listeners: [Listener] = []
    private var control: ControlServer?
    var door: BusDoor?
    private let bus: BusConnection
    private let polkit: Polkit
    private var signals: SignalSource?
    var sessions: [UInt64: Session] = [:]
    /// Of each user, with those that are only on their way to a session.
    private var connectionsOfUser: [UInt32: Int] = [:]
    private var connections = 0
    var lastSession: UInt64 = 0
    private var idleTimer: TimerID?
    private var statusTimer: TimerID?
    private var isStopping = false

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    package init(
        on loop: EventLoop, settings: Settings, log: Log, manager: ServiceManager,
        celld: CelldLink? = nil, commands: CelldLink? = nil, store: DescriptorStore? = nil,
        tools: @escaping ToolSource
    ) throws {
        self.store = store
        (self.loop, self.settings, self.log) = (loop, settings, log)
        (self.manager, self.celld, self.commands) = (manager, celld, commands ?? celld)
        toolSource = tools
        let policy = PolicyStore(settings.policy, on: loop, log: log)
        // First, for it says how records are to be kept.
        _ = policy.read()
        let auditor = try Self.auditor(settings, policy.set.audit, on: loop, log: log)
        policy.auditor = auditor
        policy.record()
        bus = BusConnection(to: settings.bus, on: loop)
        polkit = Polkit(bus)
        let consent = try Consent(
            on: loop, auditor: auditor, store: settings.grants.map { GrantStore(directory: $0) },
            polkit: polkit, log: log)
        self.policy = policy
        digests = ProgramDigests(on: loop, log: log)
        office = Gatekeeper.Office(auditor, consent, CallMeter())
        gatekeeper = Gatekeeper([], office, log: log)
    }

    private static func auditor(
        _ settings: Settings, _ policy: AuditSettings, on loop: EventLoop, log: Log
    ) throws(AuditFault) -> Auditor {
        guard let place = settings.audit else { return Auditor(nil, on: loop, log: log) }
        var audit = AuditLog.Settings()
        audit.isRequired = policy.isRequired
        audit.file = AuditFile.Settings(policy)
        audit.journal = place.journal
        let start = AuditStart(version: Release.version, mayLack: settings.cell.mayLack.walls.map(\.rawValue))
        return Auditor(
            try AuditLog(in: place.directory, audit, start: start), on: loop, log: log)
    }

    // MARK: Serving

    package func start(signals numbers: [CInt] = [SIGTERM, SIGINT, SIGHUP]) throws(SystemError) {
        signals = try SignalSource(numbers, on: loop) { [unowned self] signal in
            if signal == SIGHUP { reload() } else { stop() }
        }
        policy.watch { [unowned self] in assumeIsolated { $0.readPolicy() } }
        setTools(toolSource(self))
        patWatchdog()
        serveBus()
    }

    /// There when the bus is: it may come later than we do, and come again.
    private func serveBus() {
        bus.onChange = { [unowned self] state in
            log.debug("the connection to \(settings.bus) is \(state)")
            assumeIsolated { $0.door }?.busIs(state)
        }
        guard settings.servesBus else { return }
        let host = BusSessions.Host(
            open: { [unowned self] (caller, stream) async throws(BusFault) in
                try await openFromBus(caller, over: stream)
            },
            close: { [unowned self] number in
                assumeIsolated { $0.sessions[number]?.assumeIsolated { $0.beginClosing() } }
            },
            lineLimit: settings.session.lineLimit)
        let door = BusDoor(bus, polkit, on: loop, log: log, host: host) { [unowned self] in
            assumeIsolated { $0.administration }
        }
        self.door = door
        door.onBusy = { [unowned self] isBusy in
            assumeIsolated { $0.busIsBusy(isBusy) }
        }
        office.consent.onChange = { [unowned door] in door.touch() }
        office.auditor.onWritable { [unowned door] in door.touch() }
        door.open()
    }

    private func busIsBusy(_ isBusy: Bool) {
        if isBusy { stopIdling() } else { watchForIdleness() }
    }

    package func listen(on listener: Listener) throws(SystemError) {
        try listener.start(
            onConnection: { [unowned self] in accept($0) },
            onTrouble: { [unowned self] in log.error("cannot accept connections: \($0)") })
        listeners.append(listener)
    }

    /// Where there is no bus, administration has a socket of its own.
    package func administer(on listener: Listener) throws(SystemError) {
        let server = ControlServer(on: loop, log: log) {
            [unowned self] (request, uid) throws(ControlServer.Refusal) in
            try assumeIsolated { $0.administer(request, by: uid) }.get()
        }
        control = server
        try listener.start(
            onConnection: { server.accept($0) },
            onTrouble: { [unowned self] in log.error("cannot accept connections: \($0)") })
        listeners.append(listener)
    }

    private func administer(_ request: JSONValue, by uid: UInt32) -> Result<[UInt8], ControlServer.Refusal> {
        do throws(ControlServer.Refusal) {
            return .success(try administration.answer(request, by: uid))
        } catch {
            return .failure(error)
        }
    }

    private var administration: Administration {
        Administration(
            consent: office.consent, auditor: office.auditor, policy: policy, mayLack: settings.cell.mayLack,
            sessions: { [sessions] in sessions.sorted { $0.key < $1.key }.map(\.value) },
            session: { [sessions] in sessions[$0] }, modules: { [modules] in modules },
            readAgain: { [unowned self] in assumeIsolated { $0.reload() } }, now: { [loop] in loop.now })
    }

    package func becomeReady() {
        manager.ready(status: status)
        watchForIdleness()
    }

    private func accept(_ stream: SocketStream) {
        do throws(SystemError) {
            let uid = try stream.peerCredentials().uid
            if let refusal = refusal(of: uid) {
                log.warning("a connection of uid \(uid) was refused: \(refusal)")
                return Self.refuse(stream, because: refusal)
            }
            lastSession += 1
            let number = lastSession
            count(1, of: uid)
            stopIdling()
            guard let celld else { return admit(stream, of: uid, number, ClientIdentity()) }
            _ = loop.spawn {
                let identity = await self.identity(of: stream, by: celld)
                await self.admit(stream, of: uid, number, identity, digest: await self.digest(of: identity))
            }
        } catch {
            log.warning("a connection was lost at its start: \(error)")
        }
    }

    /// Whoever cannot be known for certain is served as somebody of whom nothing is known.
    private func identity(of stream: SocketStream, by celld: CelldLink) async -> ClientIdentity {
        do throws(CellRefusal) {
            return try await celld.identify(stream)
        } catch {
            log.warning("a client's program is not known: \(error)")
            return ClientIdentity()
        }
    }

    private func digest(of identity: ClientIdentity) async -> String? {
        policy.set.asksForDigests ? await digests.digest(of: identity) : nil
    }

    private func admit(
        _ stream: SocketStream, of uid: UInt32, _ number: UInt64, _ identity: ClientIdentity,
        digest: String? = nil
    ) {
        do throws(SystemError) {
            guard !isStopping else { throw SystemError("accept", .brokenPipe, "cloisterd is stopping") }
            let client = Client(
                try stream.peerCredentials(), identity, digest: digest, session: number)
            try begin(client, over: stream, vouchedBy: stream)
        } catch {
            log.warning("a connection was lost at its start: \(error)")
            stream.close()
            isGone(of: uid)
        }
    }

    /// Serves a client over a stream that is already its own.
    package func open(_ client: Client, over stream: any ByteStream) throws(SystemError) {
        count(1, of: client.credentials.uid)
        stopIdling()
        do throws(SystemError) {
            try begin(client, over: stream, vouchedBy: stream as? SocketStream)
        } catch {
            isGone(of: client.credentials.uid)
            throw error
        }
    }

    /// A session of somebody on the bus, over a stream of ours. celld asks the bus itself who that is, and vouches for
    /// them from then on.
    private func openFromBus(
        _ caller: BusCaller, over stream: any ByteStream
    ) async throws(BusFault) -> UInt64 {
        let uid = caller.uid
        if let refusal = refusal(of: uid) { throw BusFault(.limitsExceeded, refusal) }
        lastSession += 1
        let number = lastSession
        count(1, of: uid)
        stopIdling()
        do throws(SystemError) {
            let (identity, voucher) = await meet(caller)
            let digest = await digest(of: identity)
            guard !isStopping else { throw SystemError("open", .brokenPipe, "cloisterd is stopping") }
            let client = Client(
                try PeerCredentials(caller), identity, digest: digest, session: number, busName: caller.name)
            try begin(client, over: stream, vouchedBy: voucher)
            return number
        } catch {
            stream.close()
            isGone(of: uid)
            throw BusFault(.failed, "the session cannot begin: \(error)")
        }
    }

    private func meet(_ caller: BusCaller) async -> (ClientIdentity, SocketStream?) {
        guard let celld else { return (ClientIdentity(), nil) }
        do throws(CellRefusal) {
            return try await celld.meet(caller.name)
        } catch {
            log.warning("celld does not know \(caller.name) of the bus: \(error)")
            return (ClientIdentity(), nil)
        }
    }

    private func begin(
        _ client: Client, over stream: any ByteStream, vouchedBy voucher: SocketStream? = nil
    ) throws(SystemError) {
        let policy = SessionPolicy(policy.set, for: ClientFacts(client, names))
        if let most = policy.client.limits[.sessions], sessionsLike(policy.facts) >= most {
            throw SystemError("accept", .quotaExceeded, "policy gives this client \(most) sessions")
        }
        // What nobody could account for does not begin.
        let opened = AuditRecord(.session(AuditSession(.opened)), of: AuditClient(client, policy.facts))
        _ = office.auditor.write(opened)
        let session = session(of: client, over: stream, by: policy, vouchedBy: voucher)
        log.debug("\(client.description) opened")
        try start(session)
        if let store,
            let keeper = SessionKeeper(
                stream as? SocketStream, of: client, vouchedBy: voucher, in: store)
        {
            session.assumeIsolated { $0.keep(in: keeper) }
        }
    }

    func session(
        of client: Client, over stream: any ByteStream, by policy: SessionPolicy,
        vouchedBy voucher: SocketStream?
    ) -> Session {
        let (number, uid) = (client.session, client.credentials.uid)
        policy.onChange = { [unowned self] in assumeIsolated { $0.door }?.touch() }
        return Session(
            client, over: stream, on: loop, as: Self.description, with: catalogue, through: gatekeeper,
            by: policy,
            in: CellPlace(
                celld, commands: commands, for: voucher, onBus: client.busName, by: policy, settings.cell,
                on: loop
            ) { [unowned self] in assumeIsolated { $0.countsHaveChanged() } },
            settings: settings.session, log: log
        ) { [unowned self] in
            assumeIsolated { $0.sessionIsGone(number, of: uid) }
        }
    }

    func start(_ session: Session) throws(SystemError) {
        sessions[session.client.session] = session
        countsHaveChanged()
        do {
            try session.assumeIsolated { try $0.start() }
        } catch {
            sessions[session.client.session] = nil
            throw error as? SystemError ?? SystemError("start", .invalid)
        }
    }

    private func refusal(of uid: UInt32) -> String? {
        if let onlyUser = settings.onlyUser, uid != onlyUser, uid != 0 {
            return "this cloisterd runs as uid \(onlyUser) and serves nobody else"
        }
        if connections >= settings.mostSessions {
            return "cloisterd has \(settings.mostSessions) sessions, which is its limit"
        }
        if connectionsOfUser[uid, default: 0] >= settings.mostSessionsOfUser {
            return "this user has \(settings.mostSessionsOfUser) sessions, which is the limit"
        }
        return nil
    }

    /// One line that says why, for a client that reads it; nothing is kept for one that does not.
    private static func refuse(_ stream: SocketStream, because reason: String) {
        _ = try? stream.write(ProtocolError.internalError(reason).line(answering: nil).span)
        stream.close()
    }

    private func sessionIsGone(_ number: UInt64, of uid: UInt32) {
        guard let session = sessions.removeValue(forKey: number) else { return }
        countsHaveChanged()
        office.consent.sessionEnded(number)
        let facts = session.assumeIsolated { $0.policy.facts }
        office.auditor.note(
            AuditRecord(.session(AuditSession(.closed)), of: AuditClient(session.client, facts)))
        isGone(of: uid)
    }

    private func sessionsLike(_ facts: ClientFacts) -> Int {
        let holder = Asker(facts)
        return sessions.values.count { $0.assumeIsolated { Asker($0.policy.facts) } == holder }
    }

    func isGone(of uid: UInt32) {
        count(-1, of: uid)
        watchForIdleness()
        endIfDone()
    }

    func count(_ change: Int, of uid: UInt32) {
        connections += change
        let left = connectionsOfUser[uid, default: 0] + change
        connectionsOfUser[uid] = left > 0 ? left : nil
    }

    // MARK: Tools

    /// From here on every session sees these tools, and those that are open are told.
    package func setTools(_ tools: [RegisteredTool]) {
        catalogue = ToolCatalogue(tools.map(\.tool), pageSize: settings.toolsPerPage)
        gatekeeper = Gatekeeper(tools, office, log: log)
        modules = [.builtIn(tools)]
        door?.touch()
        for session in sessions.values {
            session.assumeIsolated { [catalogue, gatekeeper] in
                $0.setTools(catalogue, gatekeeper)
            }
        }
    }

    /// Looks again at what was read once: policy, and the machine that `system_info` describes.
    private func reload() {
        guard !isStopping else { return }
        manager.reloading(at: loop.now)
        readPolicy()
        setTools(toolSource(self))
        log.notice("reloaded")
        manager.ready(status: status)
    }

    private func readPolicy() {
        defer { countsHaveChanged() }
        guard policy.read() else { return }
        log.notice("policy \(policy.generation) is in force, from \(policy.files.count) files")
        let set = policy.set
        office.auditor.adopt(set.audit)
        for session in sessions.values {
            guard set.asksForDigests, session.assumeIsolated({ $0.policy.facts.digest }) == nil else {
                session.assumeIsolated { $0.setPolicy(set) }
                continue
            }
            _ = loop.spawn {
                let digest = await self.digest(of: session.client.identity)
                await self.setPolicy(of: session, digest)
            }
        }
    }

    /// By now it may be another one again.
    private func setPolicy(of session: Session, _ digest: String?) {
        session.assumeIsolated { [set = policy.set] in $0.setPolicy(set, digest: digest) }
    }

    private static let description = ServerDescription(
        name: "cloister", title: "Cloister", version: Release.version,
        instructions: """
            Cloister gives you tools on the user's Linux machine. What you may do is decided by the \
            machine's administrator; a refusal says which rule refused and what would allow it.
            """)

    /// For tools that wait: on the loop, without blocking it.
    package nonisolated func sleep(for duration: Duration) async throws(CancellationError) {
        try await loop.sleep(for: duration)
    }

    // MARK: Service manager

    /// One line, for systemctl status.
    private var status: String {
        let cells = sessions.values.count { session in
            session.assumeIsolated { $0.place }.assumeIsolated { $0.standingCell != nil }
        }
        let clients = "Serving \(Self.counted(sessions.count, "client")) in \(Self.counted(cells, "cell"))"
        return "\(clients); \(policy.state)"
    }

    private static func counted(_ count: Int, _ what: String) -> String {
        "\(count) \(what)\(count == 1 ? "" : "s")"
    }

    /// Clients or cells have come or gone. A thousand of them at once are one line.
    private func countsHaveChanged() {
        door?.touch()
        guard statusTimer == nil, manager.isThere else { return }
        statusTimer = loop.schedule(after: .milliseconds(200)) { [unowned self] in
            assumeIsolated { daemon in
                daemon.statusTimer = nil
                if !daemon.isStopping { daemon.manager.status(daemon.status) }
            }
        }
    }

    private func patWatchdog() {
        guard let interval = manager.watchdogInterval else { return }
        manager.patWatchdog()
        _ = loop.schedule(after: interval) { [weak self] in
            self?.assumeIsolated { $0.patWatchdog() }
        }
    }

    private func watchForIdleness() {
        guard let idleTime = settings.idleTime, connections == 0, !isStopping else { return }
        stopIdling()
        idleTimer = loop.schedule(after: idleTime) { [weak self] in
            self?.assumeIsolated { daemon in
                daemon.log.info("no client for \(idleTime); the socket starts me again")
                daemon.stop()
            }
        }
    }

    private func stopIdling() {
        if let idleTimer { loop.cancel(idleTimer) }
        idleTimer = nil
    }

    // MARK: Stopping

    package func stop() {
        guard !isStopping else {
            log.notice("asked twice to stop: leaving \(sessions.count) sessions")
            office.consent.close()
            return loop.stop()
        }
        isStopping = true
        stopIdling()
        manager.stopping()
        for listener in listeners { listener.close() }
        listeners = []
        if store != nil { return handOver() }
        for session in sessions.values { session.assumeIsolated { $0.beginClosing() } }
        endIfDone()
    }

    private func endIfDone() {
        guard isStopping, connections == 0, store == nil else { return }
        endWhenQuiet(because: "asked to stop")
    }

    /// When calls that were cancelled are on record.
    func endWhenQuiet(because reason: String) {
        loop.whenQuiet { [unowned self] in
            assumeIsolated { daemon in
                daemon.office.consent.close()
                daemon.office.auditor.close(because: reason)
                daemon.loop.stop()
            }
        }
    }
}
