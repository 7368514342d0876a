import CommandLine

/// The command line of cloister-bridge.
package struct BridgeOptions: ProgramOptions {
    /// `nil`: the system's, or else that of the user's own daemon.
    package var socket: String?
    /// What the application calls itself: a claim.
    package var client: String?

    package init() {}

    package static let program = "cloister-bridge"

    package static let help = """
        Usage: cloister-bridge [--socket PATH] [--client NAME]

        Connects an AI application that speaks MCP over standard input and output to cloisterd.
        This is the command to name in the application's list of MCP servers.

          --socket PATH   cloisterd's socket (default /run/cloister/mcp.sock, or where there is none
                          $XDG_RUNTIME_DIR/cloister/mcp.sock)
          --client NAME   what the application is called, for the log and the audit trail
          --version, --help
        """

    package mutating func take(
        _ name: String, from reader: inout OptionReader
    ) throws(OptionReader.Fault) {
        switch name {
        case "--socket": socket = try reader.value()
        case "--client": client = try Self.checked(client: try reader.value())
        default: throw reader.unknown()
        }
    }

    private static let system = "/run/cloister/mcp.sock"

    /// A machine's own daemon comes first: who administers it decides, and nobody gets around that by a variable.
    package static func usualSocket(
        runtimeDirectory: String?, isThere: (String) -> Bool
    ) -> String {
        guard !isThere(system), let runtimeDirectory, runtimeDirectory.utf8.first == UInt8(ascii: "/") else {
            return system
        }
        let own = runtimeDirectory + "/cloister/mcp.sock"
        return isThere(own) ? own : system
    }

    private static func checked(client name: String) throws(OptionReader.Fault) -> String {
        // Those of ASCII and those of Latin-1, which terminals obey as well.
        let isPlain = name.unicodeScalars.allSatisfy {
            $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value)
        }
        guard isPlain, name.utf8.count <= 128 else {
            throw OptionReader.Fault("--client takes at most 128 bytes without control characters")
        }
        return name
    }
}
