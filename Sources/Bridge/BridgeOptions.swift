/// The command line of cloister-bridge.
package struct BridgeOptions: Equatable, Sendable {
    package var socket = "/run/cloister/mcp.sock"
    /// What the application calls itself: a claim.
    package var client: String?

    package enum Request: Equatable, Sendable {
        case connect(BridgeOptions)
        case help
        case version
    }

    package struct Fault: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    package static let version = "0.1.0"

    package static let help = """
        Usage: cloister-bridge [--socket PATH] [--client NAME]

        Connects an AI application that speaks MCP over standard input and output to cloisterd.
        This is the command to name in the application's list of MCP servers.

          --socket PATH   cloisterd's socket (default /run/cloister/mcp.sock)
          --client NAME   what the application is called, for the log and the audit trail
          --version, --help
        """

    package static func parse(_ arguments: [String]) throws(Fault) -> Request {
        var options = BridgeOptions()
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            func value() throws(Fault) -> String {
                let value = parts.count == 2 ? String(parts[1]) : rest.popFirst()
                guard let value, !value.isEmpty else {
                    throw Fault(description: "\(name) needs a value")
                }
                return value
            }
            switch name {
            case "--socket": options.socket = try value()
            case "--client": options.client = try checked(client: try value())
            case "--help" where parts.count == 1, "-h" where parts.count == 1: return .help
            case "--version" where parts.count == 1: return .version
            default: throw Fault(description: "unknown option \(argument)")
            }
        }
        return .connect(options)
    }

    private static func checked(client name: String) throws(Fault) -> String {
        let isPlain = name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
        guard isPlain, name.utf8.count <= 128 else {
            throw Fault(
                description: "--client takes at most 128 bytes without control characters")
        }
        return name
    }
}
