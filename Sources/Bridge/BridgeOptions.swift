import CommandLine

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

    package typealias Fault = OptionReader.Fault

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
        var reader = OptionReader(arguments)
        while let name = reader.next() {
            switch name {
            case "--socket": options.socket = try reader.value()
            case "--client": options.client = try checked(client: try reader.value())
            case "--help", "-h":
                try reader.flag()
                return .help
            case "--version":
                try reader.flag()
                return .version
            default: throw reader.unknown()
            }
        }
        return .connect(options)
    }

    private static func checked(client name: String) throws(Fault) -> String {
        // Those of ASCII and those of Latin-1, which terminals obey as well.
        let isPlain = name.unicodeScalars.allSatisfy {
            $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value)
        }
        guard isPlain, name.utf8.count <= 128 else {
            throw Fault("--client takes at most 128 bytes without control characters")
        }
        return name
    }
}
