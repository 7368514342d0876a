import Cells
import Linux

// Commands on the host. They count apart from cells, those that polkit is asked about with them.
extension Keeper {
    /// One that polkit is asked about.
    final class WaitingCommand {
        /// What its connection calls it.
        let number: UInt32
        let connection: Connection
        let authorization: Authorization
        var uid: UInt32 { authorization.wanted.peer.uid }

        init(_ number: UInt32, for connection: Connection, _ authorization: Authorization) {
            (self.number, self.connection, self.authorization) = (number, connection, authorization)
        }
    }

    func run(
        _ number: UInt32, _ command: HostCommand, _ message: UnixSocket.ReceivedMessage,
        for connection: Connection
    ) {
        do throws(CellRefusal) {
            let client = try client(with: message)
            let wanted = try builder.check(command, for: client, input: message.takeDescriptor())
            try checkCommands(of: wanted.peer.uid)
            guard command.isAsRoot else { return try start(wanted, number, for: connection) }
            let authorization = try Authorization(of: wanted, within: limits.authorizationTime)
            waiting.append(WaitingCommand(number, for: connection, authorization))
        } catch {
            reply(.refused(cell: number, error), to: connection)
        }
    }

    private func start(
        _ wanted: CellBuilder.Wanted, _ number: UInt32, for connection: Connection
    ) throws(CellRefusal) {
        let now = SystemClock.monotonic
        let cell = Cell(
            number: number, uid: wanted.peer.uid, connection: connection,
            started: try builder.start(wanted), isCommand: true, deadline: now + limits.buildTime)
        let time = wanted.command.timeoutMilliseconds
        if time > 0 { cell.lastMoment = now + .milliseconds(Int(time)) + Self.grace }
        cells.append(cell)
    }

    private func checkCommands(of uid: UInt32) throws(CellRefusal) {
        let users = cells.filter(\.isCommand).map(\.uid) + waiting.map(\.uid)
        if users.count >= limits.mostCommands {
            throw CellRefusal(
                "there are \(users.count) commands on the host, which is the limit",
                remedy: limits.mostCommands == 0
                    ? "start cloister-celld without --commands 0" : "wait for one")
        }
        if users.count(where: { $0 == uid }) >= limits.mostCommandsOfUser {
            throw CellRefusal(
                "user \(uid) has \(limits.mostCommandsOfUser) commands on the host, which is the limit",
                remedy: "wait for one of them")
        }
    }

    /// What polkit says.
    func hear(_ command: WaitingCommand) {
        guard let answer = command.authorization.answer(), forget(command) else { return }
        do throws(CellRefusal) {
            try answer.get()
            try start(command.authorization.wanted, command.number, for: command.connection)
        } catch {
            reply(.refused(cell: command.number, error), to: command.connection)
        }
    }

    func refuse(_ command: WaitingCommand, _ refusal: CellRefusal) {
        guard forget(command) else { return }
        command.authorization.giveUp()
        reply(.refused(cell: command.number, refusal), to: command.connection)
    }

    private func forget(_ command: WaitingCommand) -> Bool {
        guard let place = waiting.firstIndex(where: { $0 === command }) else { return false }
        waiting.remove(at: place)
        return true
    }
}
