import Glibc
import Linux
import TestSupport
import Testing

@Suite struct UnixSocketTests {
    // MARK: Addresses

    @Test("A path of 107 bytes is an address, and one more is too long")
    func longestPath() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/" + String(repeating: "s", count: 106 - directory.path.utf8.count)
        #expect(path.utf8.count == UnixSocket.longestPath)
        let listener = try UnixSocket.listen(at: path, mode: 0o600)
        _ = try UnixSocket.connect(to: path)
        guard try UnixSocket.accept(listener) != nil else { throw TestFault("nobody there") }
        #expect(throws: SystemError("bind", .nameTooLong, path + "s")) {
            _ = try UnixSocket.listen(at: path + "s", mode: 0o600)
        }
        #expect(throws: SystemError("connect", .nameTooLong, path + "s")) {
            _ = try UnixSocket.connect(to: path + "s")
        }
    }

    @Test(
        "What cannot be an address is none", arguments: [("", Errno.invalid), ("a\0b", .nameTooLong)])
    func noAddress(path: String, errno: Errno) {
        #expect(throws: SystemError("connect", errno, path)) { _ = try UnixSocket.connect(to: path) }
    }

    @Test("A leading @ names the abstract namespace, to the last byte")
    func abstract() throws {
        let name = "@cloister-test-\(getpid())-abstract"
        let receiver = try UnixSocket.bindDatagram(to: name)
        let sender = try UnixSocket.connect(to: name, .datagram)
        #expect(try UnixSocket.send(sender, Array("x".utf8).span) == 1)
        #expect(try UnixSocket.receive(receiver, atMost: 10)?.bytes == Array("x".utf8))
        #expect(throws: SystemError("connect", .connectionRefused, name + "2")) {
            _ = try UnixSocket.connect(to: name + "2", .datagram)
        }
    }

    @Test("Whoever cannot be reached is told apart", arguments: [false, true])
    func unreachable(waiting: Bool) throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/socket"
        #expect(throws: SystemError("connect", .notFound, path)) {
            _ = try UnixSocket.connect(to: path, waiting: waiting)
        }
        do { _ = try UnixSocket.listen(at: path, mode: 0o600) }
        #expect(throws: SystemError("connect", .connectionRefused, path)) {
            _ = try UnixSocket.connect(to: path, waiting: waiting)
        }
    }

    @Test("A full backlog is an error to who does not wait, and a queue to who does")
    func backlog() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/socket"
        let listener = ListeningSocket(try UnixSocket.listen(at: path, mode: 0o600, backlog: 0))
        let first = try UnixSocket.connect(to: path)
        #expect(throws: SystemError("connect", .wouldBlock, path)) {
            _ = try UnixSocket.connect(to: path)
        }
        let waiting = Beside { try isBlocking(UnixSocket.connect(to: path, waiting: true)) }
        _ = try listener.accept()
        #expect(try waiting.value() == false)
        #expect(isBlocking(first) == false)
    }

    @Test("Everything that is made is close-on-exec and does not block")
    func flags() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/socket"
        let listener = try UnixSocket.listen(at: path, mode: 0o600)
        let client = try UnixSocket.connect(to: path)
        guard let server = try UnixSocket.accept(listener) else { throw TestFault("nobody there") }
        let pair = try UnixSocket.pair()
        func check(_ fd: borrowing OwnedFD) {
            #expect(isCloseOnExec(fd) == true)
            #expect(isBlocking(fd) == false)
        }
        check(listener)
        check(client)
        check(server)
        check(pair.one)
        check(pair.other)
        let another = try UnixSocket.accept(listener) != nil
        #expect(another == false)
    }

    @Test("Only a Unix stream that listens is taken for one")
    func isListening() throws {
        let directory = try TemporaryDirectory()
        #expect(
            try UnixSocket.isListening(UnixSocket.listen(at: directory.path + "/a", mode: 0o600))
                == true)
        #expect(try UnixSocket.isListening(UnixSocket.make(.stream)) == false)
        #expect(
            try UnixSocket.isListening(UnixSocket.listenForPackets(at: directory.path + "/b")) == false)
        #expect(try UnixSocket.isListening(UnixSocket.listenOnNetwork()) == false)
        #expect(try UnixSocket.isListening(File.open("/dev/null")) == false)
    }

    // MARK: Bytes

    @Test(
        "Sending never blocks, even on a socket that does, and a peer that is gone is an error and no signal"
    )
    func send() throws {
        let pair = try UnixSocket.pair()
        try pair.one.setBlocking(true)
        let bytes = [UInt8](repeating: 1, count: 1 << 20)
        var sent = 0
        while let count = try UnixSocket.send(pair.one, bytes.span) { sent += count }
        #expect(sent > 0)
        try withGonePeer { socket in
            #expect(throws: SystemError("send", .brokenPipe)) {
                _ = try UnixSocket.send(socket, bytes.span)
            }
        }
    }

    @Test("After the end of writing the peer reads the end, and may still write")
    func shutdown() throws {
        let pair = try UnixSocket.pair()
        UnixSocket.shutdownWriting(pair.one)
        #expect(try pair.other.readSome(atMost: 1) == [])
        #expect(try UnixSocket.send(pair.other, [7].span) == 1)
        #expect(try pair.one.readSome(atMost: 10) == [7])
        #expect(try pair.one.readSome(atMost: 10) == nil)
    }

    private func withGonePeer(_ body: (borrowing OwnedFD) throws -> Void) throws {
        let ends = try SocketPair()
        ends.ours.hangUp()
        try body(ends.programsEnd())
    }
}
