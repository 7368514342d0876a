import Cells
import CommandLine

/// The command line of cloisterd.
package struct Options: Equatable, Sendable {
    package var standalone: String?
    package var idleSeconds = 120
    package var lineLimit = 16 << 20
    package var stallSeconds = 60
    package var isVerbose = false
    package var mayLack: WallSet = []
    package var isEphemeral = false
    package var celldSocket = "/run/cloister/celld.sock"
    /// Where records are kept instead of the usual place; `none`: nowhere.
    package var audit: String?
    /// Where policy is, the strongest place first, instead of the usual places.
    package var policy: [String] = []

    package enum Request: Equatable, Sendable {
        case serve(Options)
        case help
        case version
    }

    package typealias Fault = OptionReader.Fault

    package static let help = """
        Usage: cloisterd [OPTIONS]

        The system service through which AI applications use this machine. Started by systemd, it serves
        the socket that it is handed (cloisterd.socket); without systemd, see --standalone.

          --standalone DIR       keep everything under DIR and listen on DIR/mcp.sock
          --idle-timeout SECONDS end when socket-activated and without clients for so long
                                 (default 120; 0: never)
          --line-limit BYTES     the longest message (default 16777216)
          --stall-timeout SECONDS
                                 drop a client that takes nothing for so long (default 60)
          --best-effort WALLS    let cells lack these walls, such as cgroup,timens, where the kernel refuses
                                 them; otherwise there is no cell then
          --workspace KIND       persistent (default): a client finds its files again;
                                 ephemeral: each session begins with none
          --policy DIR           read policy files from DIR and not from the usual places; given several times,
                                 a file of the first takes the place of one of the same name in the others
          --audit DIR            keep audit records in DIR and not in the usual place; none: keep none
          --celld SOCKET         where cloister-celld listens (default /run/cloister/celld.sock)
          --verbose              say what every session does
          --version, --help
        """

    package static func parse(_ arguments: [String]) throws(Fault) -> Request {
        var options = Options()
        var reader = OptionReader(arguments)
        while let name = reader.next() {
            switch name {
            case "--standalone": options.standalone = try reader.value()
            case "--idle-timeout": options.idleSeconds = try reader.number(in: 0...31_536_000)
            case "--line-limit": options.lineLimit = try reader.number(in: 1024...(1 << 30))
            case "--stall-timeout": options.stallSeconds = try reader.number(in: 1...86_400)
            case "--best-effort": options.mayLack = try reader.walls()
            case "--workspace":
                options.isEphemeral = try reader.choice(["persistent", "ephemeral"]) == "ephemeral"
            case "--policy": options.policy.append(try reader.value())
            case "--audit": options.audit = try reader.value()
            case "--celld": options.celldSocket = try reader.value()
            case "--verbose":
                try reader.flag()
                options.isVerbose = true
            case "--help", "-h":
                try reader.flag()
                return .help
            case "--version":
                try reader.flag()
                return .version
            default: throw reader.unknown()
            }
        }
        return .serve(options)
    }
}
