/// Every command, in the order in which help lists them.
package enum Commands {
    package static let all: [Command] = [
        DaemonShow.status,
        DaemonShow.clients,
        DaemonShow.cells,
        DaemonShow.modules,
        DaemonShow.reload,
        ConsentCommands.approvals,
        ConsentCommands.approve,
        ConsentCommands.deny,
        ConsentCommands.grants,
        ConsentCommands.revoke,
        PolicyCommands.check,
        PolicyCommands.show,
        PolicyCommands.test,
        PolicyExplain.command,
        AuditShow.command,
        AuditVerify.command,
        DoctorCommand.command,
        ConnectCommand.command,
    ]

    package static var help: String {
        let width = all.map(\.name.count).max() ?? 0
        let list = all.map { command in
            let gap = String(repeating: " ", count: width - command.name.count)
            return "  \(command.name)\(gap)  \(command.summary)\n"
        }
        return """
            Usage: cloisterctl [OPTIONS] COMMAND …

            Administers Cloister. Without --root it is the system's.

            \(list.joined())
            \(Command.list(Command.common + [.init("--version", "say which version this is")]))
            cloisterctl COMMAND --help says more about each.

            """
    }

    /// The command that these words begin with, and how many of them are its name.
    static func find(_ words: ArraySlice<String>) -> (command: Command, words: Int)? {
        for count in [2, 1] where words.count >= count {
            let name = words.prefix(count).joined(separator: " ")
            if let command = all.first(where: { $0.name == name }) { return (command, count) }
        }
        return nil
    }
}
