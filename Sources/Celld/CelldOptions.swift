import Cells
import CommandLine

/// The command line of cloister-celld.
package struct CelldOptions: ProgramOptions {
    package var state = "/var/lib/cloister"
    /// A connected socket that the starter left open for us; `nil`: systemd passes a listening one.
    package var connection: Int?
    package var mayLack: WallSet = []
    package var userForRoot = "cloister-cell"
    package var cell: String?
    /// Whether a process waits for the next cell.
    package var keepsSpare = true
    package var mostCells = 1024
    package var mostCellsOfUser = 256
    package var mostCommands = 64
    package var mostCommandsOfUser = 8
    package var authorizationSeconds = 120

    package init() {}

    package static let program = "cloister-celld"

    package static let help = """
        Usage: cloister-celld [OPTIONS]

        Builds, watches and removes the cells of cloisterd. Started by systemd (cloister-celld.socket), or by
        cloisterd --standalone. It is not to be started by hand.

          --state DIR           where workspaces are kept (default /var/lib/cloister)
          --connection FD       serve the socket that is open as FD, and end with it
          --best-effort WALLS   walls that a cell may lack, such as cgroup,timens
          --cell-user USER      whose cell a client gets that is root (default cloister-cell)
          --spares COUNT        how many processes wait for the next cell: 1 (default) or 0
          --cell FILE           the program of a cell (default: cloister-cell beside this one)
          --cells NUMBER        the most cells at once (default 1024; 0: there are none)
          --cells-of-user NUMBER
                                the most of them that one user may have (default 256)
          --commands NUMBER     the most commands on the host at once (default 64; 0: there are none)
          --commands-of-user NUMBER
                                the most of them that one user may have (default 8)
          --authorization-time SECONDS
                                how long polkit may ask somebody about a command as root (default 120)
          --version, --help
        """

    package mutating func take(
        _ name: String, from reader: inout OptionReader
    ) throws(OptionReader.Fault) {
        switch name {
        case "--state": state = try reader.value()
        case "--connection": connection = try reader.number(in: 3...1023)
        case "--best-effort": mayLack = try reader.walls()
        case "--cell-user": userForRoot = try reader.value()
        case "--spares": keepsSpare = try reader.number(in: 0...1) == 1
        case "--cell": cell = try reader.value()
        case "--cells": mostCells = try reader.number(in: 0...1_000_000)
        case "--cells-of-user": mostCellsOfUser = try reader.number(in: 1...1_000_000)
        case "--commands": mostCommands = try reader.number(in: 0...10_000)
        case "--commands-of-user": mostCommandsOfUser = try reader.number(in: 1...10_000)
        case "--authorization-time": authorizationSeconds = try reader.number(in: 1...3600)
        default: throw reader.unknown()
        }
    }
}
