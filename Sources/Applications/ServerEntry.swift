/// The MCP server that applications are told to start: the bridge, and how.
package struct ServerEntry: Equatable, Sendable {
    package let command: String
    package let arguments: [String]

    package init(command: String, arguments: [String]) {
        (self.command, self.arguments) = (command, arguments)
    }

    /// Whether it is our bridge that is started, wherever it is installed.
    package var isOurs: Bool { command.split(separator: "/").last.map { $0 == Self.program } ?? false }

    package static let program = "cloister-bridge"
}

extension ServerEntry {
    /// What a file says of it, in the words of any application.
    init?(_ fields: [String: EntryValue]) {
        var words: [String]
        switch fields["command"] ?? fields["cmd"] {
        case .text(let command): words = [command]
        case .texts(let all): words = all
        default: return nil
        }
        if case .texts(let arguments) = fields["args"] { words += arguments }
        guard let command = words.first else { return nil }
        self.init(command: command, arguments: Array(words.dropFirst()))
    }
}
