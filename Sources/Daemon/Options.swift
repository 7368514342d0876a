import Cells
import CommandLine

/// The command line of cloisterd.
package struct Options: ProgramOptions {
    package var standalone: String?
    package var idleSeconds = 120
    package var lineLimit = 16 << 20
    package var stallSeconds = 60
    package var isVerbose = false
    package var mayLack: WallSet = []
    package var isEphemeral = false
    /// Whether to be org.cloister.Cloister1 on the system bus; not said: yes, but for a standalone daemon.
    package var servesBus: Bool?
    package var celldSocket = "/run/cloister/celld.sock"
    /// Where commands on the host are asked for, if not of the celld that builds cells.
    package var commandsSocket: String?
    /// Whether clients are left to the next process of this service.
    package var handsOver = false
    /// Where records are kept instead of the usual place; `none`: nowhere.
    package var audit: String?
    /// Where policy is, the strongest place first, instead of the usual places.
    package var policy: [String] = []

    package init() {}

    package static let program = "cloisterd"

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
          --bus yes|no           be org.cloister.Cloister1 on the system bus, whenever that is there
                                 (default: yes, and no with --standalone)
          --celld SOCKET         where cloister-celld listens (default /run/cloister/celld.sock)
          --commands SOCKET      where the cloister-celld listens that runs commands on the host (default: the
                                 same; /run/cloister/commands.sock without either)
          --hand-over            leave clients, with their cells and calls, to the next process of this service
                                 (for units with FileDescriptorStoreMax=)
          --verbose              say what every session does
          --version, --help
        """

    package mutating func take(
        _ name: String, from reader: inout OptionReader
    ) throws(OptionReader.Fault) {
        switch name {
        case "--standalone": standalone = try reader.value()
        case "--idle-timeout": idleSeconds = try reader.number(in: 0...31_536_000)
        case "--line-limit": lineLimit = try reader.number(in: 1024...(1 << 30))
        case "--stall-timeout": stallSeconds = try reader.number(in: 1...86_400)
        case "--best-effort": mayLack = try reader.walls()
        case "--workspace":
            isEphemeral = try reader.choice(["persistent", "ephemeral"]) == "ephemeral"
        case "--policy": policy.append(try reader.value())
        case "--audit": audit = try reader.value()
        case "--bus": servesBus = try reader.choice(["yes", "no"]) == "yes"
        case "--celld":
            celldSocket = try reader.value()
            commandsSocket = commandsSocket ?? celldSocket
        case "--commands": commandsSocket = try reader.value()
        case "--hand-over":
            try reader.flag()
            handsOver = true
        case "--verbose":
            try reader.flag()
            isVerbose = true
        default: throw reader.unknown()
        }
    }
}
