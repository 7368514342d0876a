import Daemon
import Glibc
import Tools

exit(Program.run(CommandLine.arguments) { _ in BuiltInTools.all() })
