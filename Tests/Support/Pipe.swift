import Glibc
import Linux

extension Pipe {
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

    /// For a test that is the program itself.
    package func programsEnd() throws -> OwnedFD { try theirs.duplicate() }

    package var programsNumber: Int { theirs.number }
}
