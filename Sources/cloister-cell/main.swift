import CellServer
import Glibc

exit(CellProgram.run())
