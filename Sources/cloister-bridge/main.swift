import Bridge
import Glibc

exit(BridgeProgram.run(CommandLine.arguments))
