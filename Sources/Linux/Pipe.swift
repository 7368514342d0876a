import CLinux
import Glibc

/// A pipe whose ends no started program inherits by accident.
package struct Pipe: ~Copyable {
    package let reading: OwnedFD
    package let writing: OwnedFD

    package init() throws(SystemError) {
        var ends: [CInt] = [-1, -1]
        try systemCall("pipe2") { unsafe pipe2(&ends, O_CLOEXEC) }
        self.init(reading: OwnedFD(raw: ends[0]), writing: OwnedFD(raw: ends[1]))
    }

    package init(reading: consuming OwnedFD, writing: consuming OwnedFD) {
        self.reading = reading
        self.writing = writing
    }

    /// One end; the other is closed.
    package consuming func readingAlone() -> OwnedFD { reading }
    package consuming func writingAlone() -> OwnedFD { writing }
}
