import Glibc
import Linux

/// cloister-bridge between a test that plays the application and a test that plays the server: bytes, not
/// lines, and no daemon.
package final class RunningBridge: @unchecked Sendable {
    // Unchecked: its parts are, and none is replaced.

    /// What the test holds of one side: two descriptors, which may be of the same socket.
    package struct Peer: Sendable {
        package let writer: ByteWriter
        package let reader: ByteReader

        package init(writing: consuming OwnedFD, reading: consuming OwnedFD) {
            (writer, reader) = (ByteWriter(writing), ByteReader(reading))
        }

        package init(_ socket: consuming OwnedFD) throws {
            self.init(writing: try socket.duplicate(), reading: socket)
        }

        /// Closes both, without reading what is there.
        package func hangUp() {
            writer.close()
            reader.close()
        }
    }

    package enum Plumbing: String, Sendable, CaseIterable {
        case pipe, socket
    }

    package let directory: TemporaryDirectory
    package let program: RunningProgram
    package let application: Peer
    package let server: Peer
    private let sharedInput: OwnedFD?

    package init(
        input: Plumbing = .pipe, output: Plumbing = .pipe, _ options: [String] = [],
        program path: String = Executable.bridge.path, asUser user: uid_t? = nil,
        wrappedBy wrap: (Launch) -> Launch = { $0 }
    ) throws {
        let inputEnds = try Self.ends(input)
        let outputEnds = try Self.ends(output)
        let (directory, listener) = try Self.listen()
        var launch = Launch(path, ["--socket", directory.path + "/mcp.sock"] + options)
        if let user {
            try directory.giveAway(to: user)
            launch = launch.asUser(user)
        }
        program = try wrap(launch)
            .start(descriptors: [0: inputEnds.reading.number, 1: outputEnds.writing.number])
        server = try Peer(try listener.accept())
        application = Peer(
            writing: try inputEnds.writing.duplicate(), reading: try outputEnds.reading.duplicate())
        sharedInput = try inputEnds.reading.duplicate()
        self.directory = directory
    }

    /// With descriptors of the test's own making; the application's side is then the test's own matter.
    package init(descriptors: [Int: Int], _ options: [String] = []) throws {
        let (directory, listener) = try Self.listen()
        program = try Launch(
            Executable.bridge.path, ["--socket", directory.path + "/mcp.sock"] + options
        ).start(descriptors: descriptors)
        server = try Peer(try listener.accept())
        application = try Peer(try UnixSocket.make(.stream))
        sharedInput = nil
        self.directory = directory
    }

    /// The bridge has taken all that the application wrote.
    package var hasReadItsInput: Bool {
        sharedInput == nil || Deadline(in: .zero).poll(sharedInput!, .read).isEmpty
    }

    private static func listen() throws -> (TemporaryDirectory, ListeningSocket) {
        let directory = try TemporaryDirectory()
        return (
            directory,
            ListeningSocket(try UnixSocket.listen(at: directory.path + "/mcp.sock", mode: 0o666))
        )
    }

    package static func ends(_ plumbing: Plumbing) throws -> Pipe {
        switch plumbing {
        case .pipe: return try Linux.Pipe()
        case .socket:
            let pair = try UnixSocket.pair()
            // Programs get sockets that block, as their parents' socketpair(2) makes them.
            try pair.one.setBlocking(true)
            try pair.other.setBlocking(true)
            return Pipe(reading: try pair.one.duplicate(), writing: try pair.other.duplicate())
        }
    }
}

/// A socket that a test listens on.
package final class ListeningSocket: Sendable {
    private let socket: OwnedFD

    package init(_ socket: consuming OwnedFD) { self.socket = socket }

    package func accept(within patience: Duration = Deadline.patience) throws -> OwnedFD {
        guard !Deadline(in: patience).poll(socket, .read).isEmpty,
            let connection = try UnixSocket.accept(socket)
        else { throw TestFault("nobody connected") }
        return connection
    }
}

/// Bytes of all values, in no order.
package func randomBytes(_ count: Int) -> [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
        if let start = bytes.baseAddress { unsafe arc4random_buf(start, count) }
        filled = count
    }
}

package func areEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
    // Element by element takes its time in a debug build.
    guard one.count == other.count, !one.isEmpty else { return one.count == other.count }
    return unsafe memcmp(one, other, one.count) == 0
}
