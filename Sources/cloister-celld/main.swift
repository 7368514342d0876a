import Celld
import Glibc

exit(CelldProgram.run(CommandLine.arguments))
