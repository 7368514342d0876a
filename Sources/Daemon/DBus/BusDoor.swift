// Cloister on the system bus: who calls, whether they may, and what becomes of it.
//
//   call ─▶ who is it (asked of the bus, once) ─▶ the object, its method, its arguments ─▶ may they? ─▶ done ─▶ reply
//             ▲                                                                              │
//             └───────────────── polkit says yes: from the top, everything looked up anew ◀──┴─▶ no: refused, on record
//
// Invariants: nobody is decided about before the bus has said who they are. Whoever leaves the bus takes all their calls
// along, and polkit's questions about these. Calls are bounded, by caller, by user and in all.
//
// What others do is not told to everybody: signals to all carry numbers and no values, and who wants those asks.

import Bus
import EventLoop
import Linux

// Unchecked: touched on the loop's thread only.
final class BusDoor: BusHouse, @unchecked Sendable {
    struct Limits: Sendable {
        var callsOfCaller = 64
        var callsOfUser = 512
        var calls = 4096
        /// Dialogs that one user can have open.
        var questionsOfUser = 4

        init() {}
    }

    let loop: EventLoop
    let bus: BusConnection
    let administration: () -> Administration
    private let polkit: Polkit
    private let log: Log
    private let limits = Limits()
    let callers: BusCallers
    private let sessions: BusSessions
    private var calls: [String: [UInt64: Task<Void, Never>]] = [:]
    private var callsOfUser: [UInt32: Int] = [:]
    private var questionsOfUser: [UInt32: Int] = [:]
    private var lastCall: UInt64 = 0
    private var count = 0
    /// Another process has our name.
    private var isQueued = false
    /// Told while there are calls, and when there are none any more.
    var onBusy: (Bool) -> Void = { _ in }
    private var changes: ObjectChanges?

    init(
        _ bus: BusConnection, _ polkit: Polkit, on loop: EventLoop, log: Log, host: BusSessions.Host,
        administration: @escaping () -> Administration
    ) {
        (self.bus, self.polkit, self.loop, self.log) = (bus, polkit, loop, log)
        self.administration = administration
        callers = BusCallers(bus, on: loop)
        sessions = BusSessions(bus, on: loop, host)
    }

    /// From here on the objects are there whenever the bus is.
    func open() {
        changes = ObjectChanges(self)
        bus.onCall = { [unowned self] in take($0) }
        bus.onDeparture = { [unowned self] in hasLeft($0) }
        bus.onName = { [unowned self] name in
            guard name == DBusNames.bus, isQueued else { return }
            isQueued = false
            log.notice("\(name) is ours on the bus now")
        }
        bus.open()
    }

    func busIs(_ state: BusConnection.State) {
        switch state {
        case .ready: loop.spawn { await self.takeName() }
        case .away, .closed:
            for name in calls.keys { hasLeft(name) }
            sessions.everybodyHasLeft()
            callers.forgetAll()
        case .idle, .connecting: break
        }
    }

    private func takeName() async {
        do throws(BusError) {
            // First: whoever calls can leave at once.
            try await bus.watchForDepartures()
            for name in sessions.adopted { await checkPresence(of: name) }
            switch try await bus.request(name: DBusNames.bus) {
            case .owner, .alreadyOwner: log.info("\(DBusNames.bus) is on the bus")
            case .queued:
                isQueued = true
                log.warning(
                    "\(DBusNames.bus) belongs to another process on the bus; it is ours when that leaves")
            }
        } catch {
            log.error(
                "nobody finds us on the bus: \(error). An administrator has to install dbus/org.cloister.Cloister1.conf."
            )
        }
    }

    /// A session of a process before us. Whether its caller is there still is asked when the bus is.
    func adopt(_ session: UInt64, of name: String) { sessions.adopt(session, of: name) }

    private func checkPresence(of name: String) async {
        do throws(BusError) {
            _ = try await callers.caller(named: name)
        } catch {
            hasLeft(name)
        }
    }

    // MARK: Calls

    private func take(_ call: BusCall) {
        guard calls[call.sender, default: [:]].count < limits.callsOfCaller, count < limits.calls else {
            return call.fail(BusFault(.limitsExceeded, "too many calls wait for their answers"))
        }
        lastCall += 1
        let number = lastCall
        count += 1
        if count == 1 { onBusy(true) }
        // It begins in another turn of the loop.
        calls[call.sender, default: [:]][number] = loop.spawn {
            await self.handle(call)
            self.isDone(call, number)
        }
    }

    private func isDone(_ call: BusCall, _ number: UInt64) {
        calls[call.sender]?[number] = nil
        if calls[call.sender]?.isEmpty == true { calls[call.sender] = nil }
        count -= 1
        if count == 0 { onBusy(false) }
    }

    private func handle(_ call: BusCall) async {
        do throws(BusError) {
            call.caller = try await callers.caller(named: call.sender)
        } catch {
            return call.fail(BusFault(.accessDenied, "the bus does not say who calls: \(error)"))
        }
        let uid = call.uid
        guard callsOfUser[uid, default: 0] < limits.callsOfUser else {
            return call.fail(BusFault(.limitsExceeded, "too many calls of this user wait for their answers"))
        }
        callsOfUser[uid, default: 0] += 1
        defer { Self.take(1, of: uid, from: &callsOfUser) }
        while !Task.isCancelled {
            do throws(BusFault) {
                return call.answer(try await answer(call))
            } catch {
                guard let wanted = error.wants else { return call.fail(error) }
                do throws(BusFault) {
                    try await authorize(wanted, for: call)
                    call.authorized.insert(wanted)
                } catch {
                    // Nobody has refused what was taken back.
                    if !Task.isCancelled { refuse(call, wanted, error) }
                    return
                }
            }
        }
    }

    private static func take(_ number: Int, of uid: UInt32, from counts: inout [UInt32: Int]) {
        let left = counts[uid, default: 0] - number
        counts[uid] = left > 0 ? left : nil
    }

    private func refuse(_ call: BusCall, _ wanted: BusAuthorization, _ fault: BusFault) {
        administration().record(
            call.uid, "\(call.interface.map { "\($0)." } ?? "")\(call.member)",
            "\(call.path) \(wanted.action)",
            refusal: fault.message)
        call.fail(fault)
    }

    private func authorize(_ wanted: BusAuthorization, for call: BusCall) async throws(BusFault) {
        let uid = call.uid
        guard questionsOfUser[uid, default: 0] < limits.questionsOfUser else {
            throw BusFault(.limitsExceeded, "polkit is asked about other calls of this user already")
        }
        questionsOfUser[uid, default: 0] += 1
        defer { Self.take(1, of: uid, from: &questionsOfUser) }
        try await polkit.authorize(wanted, of: call.sender, interactive: call.message.allowsInteraction)
    }

    private func hasLeft(_ name: String) {
        callers.forget(name)
        for task in calls[name, default: [:]].values { task.cancel() }
        sessions.hasLeft(name)
    }

    // MARK: Objects

    var managerPath: String { DBusNames.root }
    var fixedPaths: [String] { [DBusNames.root, LogControlObject.path] }

    func object(at path: String) -> (any BusObject)? {
        if path == LogControlObject.path { return LogControlObject(log: log) }
        if path == DBusNames.root { return manager }
        let administration = administration()
        guard let (kind, number) = DBusNames.parse(path) else {
            return administration.modules().first { DBusNames.path(ofModule: $0.name) == path }
                .map { ModuleObject(module: $0) }
        }
        switch kind {
        case .client: return administration.session(number).map { ClientObject(client: $0.description) }
        case .cell: return administration.session(number)?.cellDescription.map { CellObject(cell: $0) }
        case .approval:
            return administration.consent.queue.waiting.first { $0.number == number }
                .map { ApprovalObject($0, administration) }
        }
    }

    private var manager: ManagerObject {
        ManagerObject(administration: administration(), mcp: MCPObject(sessions: sessions))
    }

    /// Those that come and go, and the manager, which has properties that change.
    var objectsThatChange: [(path: String, object: any BusObject)] {
        objects(in: .all) + [(DBusNames.root, manager)]
    }

    /// Root's are all; anybody else's are their own.
    func objects(for call: BusCall) -> [(path: String, object: any BusObject)] {
        objects(in: call.uid == 0 ? .all : .own(call.uid))
    }

    /// Modules are everybody's.
    private func objects(in sight: Administration.Sight) -> [(path: String, object: any BusObject)] {
        let administration = administration()
        var found: [(path: String, object: any BusObject)] = []
        for session in administration.sessions() where sight.shows(session.uid) {
            found.append(
                (DBusNames.Kind.client.path(session.number), ClientObject(client: session.description)))
            if let cell = session.cellDescription {
                found.append((DBusNames.Kind.cell.path(session.number), CellObject(cell: cell)))
            }
        }
        for asked in administration.consent.queue.waiting where sight.shows(asked.question.asker.uid) {
            found.append(
                (DBusNames.Kind.approval.path(asked.number), ApprovalObject(asked, administration)))
        }
        for module in administration.modules() {
            found.append((DBusNames.path(ofModule: module.name), ModuleObject(module: module)))
        }
        return found
    }

    /// Something has come or gone, or is not what it was.
    func touch() { changes?.touch() }
}
