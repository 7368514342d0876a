import Glibc
import Linux

/// A pipe whose ends no spawned program inherits by accident.
package struct Pipe: ~Copyable {
    package let reading: OwnedFD
    package let writing: OwnedFD

    package init(reading: consuming OwnedFD, writing: consuming OwnedFD) {
        self.reading = reading
        self.writing = writing
    }

    package init() throws {
        var ends: [CInt] = [-1, -1]
        guard unsafe pipe2(&ends, O_CLOEXEC) == 0 else { throw TestFault("pipe2: \(errno)") }
        let one = try OwnedFD(inherited: Int(ends[0]))
        writing = try OwnedFD(inherited: Int(ends[1]))
        reading = one
    }

    /// How much it holds before its writer has to wait.
    package func resize(to bytes: CInt) {
        _ = fcntl(CInt(writing.number), F_SETPIPE_SZ, bytes)
    }
}

/// Two connected sockets: one for a test, one for a program.
package final class SocketPair: Sendable {
    package let ours: RunningBridge.Peer
    private let theirs: OwnedFD

    package init(programsBlocks: Bool = true) throws {
        let pair = try UnixSocket.pair()
        ours = try RunningBridge.Peer(try pair.one.duplicate())
        theirs = try pair.other.duplicate()
        // As its parent's socketpair(2) makes it.
        try theirs.setBlocking(programsBlocks)
    }

    package var programsNumber: Int { theirs.number }
    package var programsIsBlocking: Bool { isBlocking(theirs) }
}
