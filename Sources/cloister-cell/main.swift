import CellServer
import Glibc

exit(CommandRunner.isMeant(by: CommandLine.arguments) ? CommandRunner.run() : CellProgram.run())
