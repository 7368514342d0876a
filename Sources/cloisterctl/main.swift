import Ctl
import Glibc

exit(CtlProgram.run(CommandLine.arguments, to: .standard))
