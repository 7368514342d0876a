// cloister-celld: builds cells, watches them, and takes away what is left of them. One thread, one poll; it reads
// fixed-layout messages from cloisterd and nothing that a client or an application wrote.
//
// A command on the host has a process that runs it, in the place of a cell's first one, and the same life; one as root
// waits for polkit first (Keeper+Commands.swift).
//
//   asked ──▶ building ──its walls stand──▶ standing ──its process ended──▶ leaving ──nothing is left──▶ gone
//                │                             │
//                └──refused, or too slow──▶────┴──asked to end, cloisterd gone: killed──▶ leaving
//
// Invariants: a cell belongs to the connection that asked for it, and goes with it. Every `built` is followed by
// one `gone`. No user has more cells than their share.

import CellSetup
import Cells
import Linux

final class Keeper {
    struct Limits: Sendable {
        var mostCells: Int
        var mostCellsOfUser: Int
        var mostCommands: Int
        var mostCommandsOfUser: Int
        /// How long polkit may ask somebody.
        var authorizationTime: Duration
        var buildTime: Duration = .seconds(20)
        /// A sender of messages that make no sense is cut off at once; of too many, slowed by its socket.
        var mostConnections = 16
    }

    final class Connection {
        let socket: OwnedFD
        init(_ socket: consuming OwnedFD) { self.socket = socket }
    }

    final class Cell {
        var name: String { started.name }
        /// What its connection calls it.
        let number: UInt32
        let uid: UInt32
        let connection: Connection
        let started: Started
        let isCommand: Bool
        var hasStood = false
        /// It was told to end, and ends what it has started.
        var isEnding = false
        let deadline: Duration
        /// When it is ended from here: the process that counts a command's time can be stopped by its user.
        var lastMoment: Duration?

        init(
            number: UInt32, uid: UInt32, connection: Connection, started: Started, isCommand: Bool = false,
            deadline: Duration
        ) {
            (self.number, self.uid, self.connection) = (number, uid, connection)
            (self.started, self.isCommand, self.deadline) = (started, isCommand, deadline)
        }

        var isBuilding: Bool { started.work != nil }
    }

    let builder: CellBuilder
    let limits: Limits
    private let log: (String) -> Void
    private var listener: OwnedFD?
    private let endsWithLastConnection: Bool
    /// `nil` where cloisterd started us, not systemd.
    private let manager: ServiceManager?
    private var watchdogDue: Duration?
    private var told: Status?
    private let signals: SignalFD
    private var connections: [Connection] = []
    var cells: [Cell] = []
    /// Commands that polkit is asked about.
    var waiting: [WaitingCommand] = []
    /// Somebody on the bus, about whom it is being asked.
    var meetings: [Meeting] = []
    /// When the next spare is made.
    private var spareDue: Duration?
    /// Another program takes our place when nothing of ours is left: after an upgrade.
    private var isRetiring = false

    init(
        _ builder: CellBuilder, _ limits: Limits, listener: consuming OwnedFD?,
        connection: consuming OwnedFD?, manager: ServiceManager?, log: @escaping (String) -> Void
    ) throws(SystemError) {
        (self.builder, self.limits, self.manager, self.log) = (builder, limits, manager, log)
        self.listener = listener
        signals = try SignalFD([Signals.terminate, Signals.interrupt, Signals.hangUp])
        if let socket = connection {
            connections = [Connection(socket)]
            endsWithLastConnection = true
        } else {
            endsWithLastConnection = false
        }
    }

    func serve() throws(SystemError) {
        told = status
        manager?.ready(status: "\(status)")
        tellManager()
        builder.prepareSpare()
        while try turn() {}
        builder.discardSpare()
        for command in waiting { command.authorization.giveUp() }
        // In order: what was started is stopped before we are gone.
        for cell in cells { end(cell) }
        for cell in cells {
            if cell.isEnding, let last = cell.lastMoment {
                var set = PollSet()
                set.add(cell.started.process.pidfd, .read)
                try? set.wait(milliseconds: SystemClock.patience(until: last))
                kill(cell)
            }
            cell.started.process.waitUntilGone()
            ended(cell)
        }
        builder.groups?.sweep(within: .seconds(1))
        builder.groups?.removeOwn()
    }

    /// False when it is time to end.
    private func turn() throws(SystemError) -> Bool {
        var set = PollSet()
        set.add(signals.fd, .read)
        if listener != nil, connections.count < limits.mostConnections {
            set.add(listener!, .read)
        } else {
            set.addNothing()
        }
        let (connections, cells, waiting) = (connections, cells, waiting)
        for connection in connections { set.add(connection.socket, .read) }
        for cell in cells {
            set.add(cell.started.process.pidfd, .read)
            if cell.isBuilding { set.add(cell.started.control, .read) } else { set.addNothing() }
        }
        for command in waiting { command.authorization.watch(in: &set) }
        let (meetings, vouchers) = (meetings, builder.vouchers.all)
        for meeting in meetings { meeting.watch(in: &set) }
        for voucher in vouchers { set.add(voucher.socket, .read) }
        try set.wait(milliseconds: patience())

        if !set[0].isEmpty, let signal = try signals.next() {
            guard signal == Signals.hangUp else { return false }
            isRetiring = true
        }
        if !set[1].isEmpty, listener != nil, let socket = try UnixSocket.accept(listener!) {
            self.connections.append(Connection(socket))
        }
        for (place, cell) in cells.enumerated() {
            let base = 2 + connections.count + 2 * place
            if !set[base + 1].isEmpty { hear(cell) }
            if !set[base].isEmpty, (try? ProcessFD.reap(cell.started.process.pidfd)) != nil { ended(cell) }
        }
        let firstWaiting = 2 + connections.count + 2 * cells.count
        for (place, command) in waiting.enumerated() {
            let base = firstWaiting + Authorization.watchPlaces * place
            if !set[base].isEmpty { hear(command) }
            if !set[base + 1].isEmpty { refuse(command, CellBuilder.isGone) }
        }
        let firstMeeting = firstWaiting + Authorization.watchPlaces * waiting.count
        for (place, meeting) in meetings.enumerated() where !set[firstMeeting + place].isEmpty {
            hear(meeting)
        }
        // Nobody sends anything here: it is closed, and whom it vouched for is gone.
        for (place, voucher) in vouchers.enumerated()
        where !set[firstMeeting + meetings.count + place].isEmpty { builder.vouchers.forget(voucher) }
        for (place, connection) in connections.enumerated() where !set[2 + place].isEmpty {
            serve(connection)
        }
        endOverdue()
        builder.groups?.sweep()
        prepareSpareWhenQuiet()
        builder.workspaces.forgetIdle(at: SystemClock.monotonic)
        tellManager()
        return !(endsWithLastConnection && self.connections.isEmpty) && !(isRetiring && isUnused)
    }

    /// Whoever was met on the bus is known as long as we are there.
    private var isUnused: Bool {
        cells.isEmpty && waiting.isEmpty && meetings.isEmpty && builder.vouchers.all.isEmpty
    }

    /// Not while a cell is being built, and not as soon as it stands: whoever waits for it wants the CPU now.
    private func prepareSpareWhenQuiet() {
        guard builder.wantsSpare, !cells.contains(where: \.isBuilding) else { return spareDue = nil }
        let now = SystemClock.monotonic
        guard let due = spareDue else { return spareDue = now + Self.quiet }
        if due <= now {
            builder.prepareSpare()
            spareDue = nil
        }
    }

    private static let quiet: Duration = .milliseconds(10)

    private func patience() -> CInt {
        var moments =
            cells.filter(\.isBuilding).map(\.deadline) + waiting.map(\.authorization.deadline)
            + meetings.map(\.deadline) + cells.compactMap(\.lastMoment)
            + [builder.workspaces.nextIdleEnd, spareDue, watchdogDue].compactMap(\.self)
        if builder.groups?.hasLeaving == true { moments.append(SystemClock.monotonic + .milliseconds(10)) }
        return SystemClock.patience(until: moments.min())
    }

    // MARK: systemd

    /// That we do not hang, as often as it wants to hear it; and what there is, when nobody waits for us.
    private func tellManager() {
        guard let manager else { return }
        let now = SystemClock.monotonic
        if let interval = manager.watchdogInterval, now >= watchdogDue ?? now {
            manager.patWatchdog()
            watchdogDue = now + interval
        }
        let status = status
        guard status != told, !cells.contains(where: \.isBuilding) else { return }
        told = status
        manager.status("\(status)")
    }

    /// Compared in each turn, and put into words when it is another.
    private struct Status: Equatable, CustomStringConvertible {
        let cells: Int
        let commands: Int
        let hasCells: Bool
        let isRetiring: Bool

        var description: String {
            var parts = [(cells, "cell"), (commands, "command")].filter { $0.0 > 0 }
            if parts.isEmpty { parts = [(0, hasCells ? "cell" : "command")] }
            let things = parts.map { "\($0.0) \($0.1)\($0.0 == 1 ? "" : "s")" }.joined(separator: ", ")
            return isRetiring ? "\(things); ends with the last of them" : things
        }
    }

    private var status: Status {
        let commands = cells.count(where: \.isCommand)
        return Status(
            cells: cells.count - commands, commands: commands, hasCells: limits.mostCells > 0,
            isRetiring: isRetiring)
    }

    // MARK: cloisterd

    private func serve(_ connection: Connection) {
        do {
            guard let message = try UnixSocket.receive(connection.socket, atMost: longestCelldMessage) else {
                return
            }
            guard !message.bytes.isEmpty else { return lose(connection) }
            switch try CelldRequest(decoding: message.bytes) {
            case .build(let number, let plan): build(number, plan, message, for: connection)
            case .end(let number):
                for cell in cells where cell.connection === connection && cell.number == number { end(cell) }
                for command in waiting where command.connection === connection && command.number == number {
                    refuse(command, Authorization.withdrawn)
                }
            case .run(let number, let command): run(number, command, message, for: connection)
            case .meet(let number, let name): meet(number, name, for: connection)
            case .identify(let number): identify(number, message, for: connection)
            }
        } catch {
            log("a connection of cloisterd is cut: \(error)")
            lose(connection)
        }
    }

    private func lose(_ connection: Connection) {
        connections.removeAll { $0 === connection }
        meetings.removeAll { $0.connection === connection }
        for cell in cells where cell.connection === connection { end(cell) }
        for command in waiting where command.connection === connection {
            refuse(command, Authorization.withdrawn)
        }
    }

    func reply(
        _ reply: CelldReply, to connection: Connection,
        passing fds: borrowing DescriptorTable = DescriptorTable()
    ) {
        let sent = try? UnixSocket.send(connection.socket, reply.encoded, passing: fds)
        // It does not listen: what it asked for would be out of its control.
        if sent == nil { lose(connection) }
    }

    /// Where an application is decided by what it is, and cloisterd may not look.
    private func identify(
        _ number: UInt32, _ message: UnixSocket.ReceivedMessage, for connection: Connection
    ) {
        do throws(CellRefusal) {
            let client = try client(with: message)
            // First: it has work for a CPU of its own.
            builder.expectCell(of: client)
            reply(.identified(client: number, try builder.identity(of: client)), to: connection)
        } catch {
            reply(.refused(cell: number, error), to: connection)
        }
    }

    func client(with message: UnixSocket.ReceivedMessage) throws(CellRefusal) -> OwnedFD {
        guard let client = message.takeDescriptor() else {
            throw CellRefusal("no client's socket came along", remedy: "this is a fault of cloisterd")
        }
        return client
    }

    // MARK: Cells

    private func build(
        _ number: UInt32, _ plan: CellPlan, _ message: UnixSocket.ReceivedMessage, for connection: Connection
    ) {
        do throws(CellRefusal) {
            let user = try builder.user(of: client(with: message))
            try checkShare(of: user.uid)
            let started = try builder.start(plan, for: user)
            cells.append(
                Cell(
                    number: number, uid: user.uid, connection: connection, started: started,
                    deadline: SystemClock.monotonic + limits.buildTime))
        } catch {
            reply(.refused(cell: number, error), to: connection)
        }
    }

    private func checkShare(of uid: UInt32) throws(CellRefusal) {
        let cells = cells.filter { !$0.isCommand }
        if cells.count >= limits.mostCells {
            throw CellRefusal(
                "there are \(cells.count) cells, which is the limit",
                remedy: limits.mostCells == 0
                    ? "start cloister-celld without --cells 0" : "close other sessions")
        }
        if cells.count(where: { $0.uid == uid }) >= limits.mostCellsOfUser {
            throw CellRefusal(
                "user \(uid) has \(limits.mostCellsOfUser) cells, which is the limit",
                remedy: "close other sessions of this user")
        }
    }

    /// What a new cell says of itself: the only thing that is ever read from one.
    private func hear(_ cell: Cell) {
        guard cell.isBuilding else { return }
        do {
            guard let message = try answer(of: cell) else { return }
            // It ended without a word; its process' end says the rest.
            guard !message.bytes.isEmpty else { return refuse(cell, Self.died) }
            switch try CellAnswer(decoding: message.bytes) {
            case .refused(let refusal): refuse(cell, refusal)
            case .ready(let report):
                guard let work = cell.started.work.take() else { return }
                cell.hasStood = true
                var fds = DescriptorTable()
                try fds.add(cell.started.process.pidfd)
                try fds.add(work)
                reply(.built(cell: cell.number, report), to: cell.connection, passing: fds)
            }
        } catch {
            refuse(
                cell,
                CellRefusal(
                    "the cell reported nonsense: \(error)", remedy: "this is a fault of cloister-cell"))
        }
    }

    /// A cell that ends with its order unread resets the socket, and that is heard before what it said.
    private func answer(of cell: Cell) throws(SystemError) -> UnixSocket.ReceivedMessage? {
        do throws(SystemError) {
            return try UnixSocket.receive(cell.started.control, atMost: longestCelldMessage)
        } catch  where error.errno == .connectionReset {
            return try UnixSocket.receive(cell.started.control, atMost: longestCelldMessage)
        }
    }

    static let died = CellRefusal(
        "its first process ended while it was built",
        remedy: "look at the log of cloister-celld, and at dmesg")

    private func refuse(_ cell: Cell, _ refusal: CellRefusal) {
        guard cell.started.work.take() != nil else { return }
        reply(.refused(cell: cell.number, refusal), to: cell.connection)
        kill(cell)
    }

    private func endOverdue() {
        let now = SystemClock.monotonic
        for cell in cells where cell.isBuilding && cell.deadline <= now {
            refuse(
                cell,
                CellRefusal(
                    "it was not built within \(limits.buildTime)", remedy: "look at the machine's load"))
        }
        for cell in cells {
            guard let last = cell.lastMoment, last <= now else { continue }
            cell.lastMoment = nil
            kill(cell)
        }
        for command in waiting where command.authorization.deadline <= now {
            refuse(command, Authorization.late)
        }
        for meeting in meetings where meeting.deadline <= now { refuse(meeting, Meeting.late) }
    }

    /// Where a command has no group, only the process that runs it knows what else it has started: that one is told,
    /// and has a moment. Everything else is ended from here.
    private func end(_ cell: Cell) {
        guard cell.isCommand, !cell.started.hasGroup, !cell.isBuilding else { return kill(cell) }
        guard !cell.isEnding else { return }
        cell.isEnding = true
        cell.lastMoment = SystemClock.monotonic + Self.grace
        UnixSocket.shutdown(cell.started.control)
    }

    /// For a process to end what it has started, and to say so.
    static let grace: Duration = .seconds(2)

    private func kill(_ cell: Cell) {
        // The first process' end ends its whole namespace; the group is for what could not get one.
        try? ProcessFD.kill(cell.started.process.pidfd, Signals.kill)
        builder.groups?.kill(cell.name)
    }

    private func ended(_ cell: Cell) {
        guard cells.contains(where: { $0 === cell }) else { return }
        if cell.isBuilding { refuse(cell, Self.died) }
        cells.removeAll { $0 === cell }
        if let workspace = cell.started.workspace { builder.workspaces.release(workspace) }
        builder.groups?.discard(cell.name)
        if cell.hasStood { reply(.gone(cell: cell.number), to: cell.connection) }
    }
}
