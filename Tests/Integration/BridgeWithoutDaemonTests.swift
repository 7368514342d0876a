import Glibc
import JSON
import Linux
import TestSupport
import Testing

/// Without a daemon the application is told what to do, where people see it.
@Suite struct BridgeWithoutDaemonTests {
    /// A bridge to a socket that is not there, and its application.
    private final class Forlorn {
        let directory: TemporaryDirectory
        let program: RunningProgram
        let application: LineClient

        init(
            to socket: String = "mcp.sock", inputBlocks: Bool = true,
            recordedAs name: String = #function,
            prepare: (String) throws -> Void = { _ in }, wrappedBy wrap: (Launch) -> Launch = { $0 }
        ) throws {
            directory = try TemporaryDirectory()
            let path = directory.path + "/" + socket
            try prepare(path)
            let input = try Linux.Pipe()
            try input.reading.setBlocking(inputBlocks)
            let output = try Linux.Pipe()
            program = try wrap(Launch(Executable.bridge.path, ["--socket", path]))
                .start(descriptors: [0: input.reading.number, 1: output.writing.number])
            application = LineClient(
                reading: try output.reading.duplicate(), writing: try input.writing.duplicate(),
                recordedAs: name)
        }
    }

    @Test(
        "initialize is answered with an error that says what to do, under its own id",
        arguments: ["1", "\"one\"", "9007199254740993", "-1", "\"\\u00e9\\n\""])
    func initialize(id: String) throws {
        let bridge = try Forlorn()
        let line = Lines.initialize(id: 7).replacing("\"id\":7", with: "\"id\":\(id)")
        try bridge.application.send(line)
        let answer = try bridge.application.receive()
        #expect(answer["id"]?.text == id)
        #expect(answer.errorCode == -32603)
        let message = try #require(answer.errorMessage)
        #expect(message.contains("cloisterd is not running"))
        #expect(message.contains("systemctl enable --now cloisterd.socket"))
        try bridge.application.expectEnd()
        #expect(try bridge.program.waitForEnd() == .exited(1))
        // People who look at standard error find the same.
        #expect(bridge.program.said == "cloister-bridge: \(message)\n")
    }

    @Test("A client of both eras asks twice and is answered twice; other lines are passed over")
    func discoverThenInitialize() throws {
        let bridge = try Forlorn()
        for ignored in [
            "", "not JSON", "{}", "[]", Lines.initialized, #"{"jsonrpc":"2.0","id":3,"result":{}}"#,
        ] {
            try bridge.application.send(ignored)
        }
        try bridge.application.send(Lines.discover(id: "\"a\""))
        let first = try bridge.application.receive()
        #expect(first["id"]?.string == "a")
        #expect(first.errorMessage?.contains("cloisterd is not running") == true)
        try bridge.application.send(Lines.initialize(id: 2))
        let second = try bridge.application.receive()
        #expect(second["id"]?.integer == 2)
        #expect(second.errorMessage == first.errorMessage)
        #expect(try bridge.program.waitForEnd() == .exited(1))
    }

    @Test("The end of the application ends it too, with a failure")
    func end() throws {
        let bridge = try Forlorn()
        try bridge.application.send(Lines.discover(id: "1"))
        _ = try bridge.application.receive()
        bridge.application.finishWriting()
        try bridge.application.expectEnd()
        #expect(try bridge.program.waitForEnd() == .exited(1))
    }

    // It stayed for as long as anybody held its standard input open.
    @Test("The end of its parent ends it too")
    func parentEnds() throws {
        let bridge = try Forlorn(wrappedBy: \.runByShell)
        try bridge.application.send(Lines.discover(id: "1"))
        _ = try bridge.application.receive()
        bridge.program.kill(SIGKILL)
        try bridge.application.expectEnd()
    }

    // It ended without an answer: "read: Resource temporarily unavailable".
    @Test("Standard input that does not block is waited for")
    func nonBlockingInput() throws {
        let bridge = try Forlorn(inputBlocks: false)
        try bridge.application.send(Lines.discover(id: "0"))
        _ = try bridge.application.receive()
        try bridge.program.waitUntilAsleep()
        try bridge.application.send(Lines.initialize(id: 1))
        #expect(try bridge.application.receive().errorCode == -32603)
        #expect(try bridge.program.waitForEnd() == .exited(1))
    }

    @Test("A socket that nobody listens on is told apart from one that is not there")
    func staleSocket() throws {
        let bridge = try Forlorn(prepare: { _ = try UnixSocket.listen(at: $0, mode: 0o666) })
        try bridge.application.send(Lines.initialize(id: 1))
        let message = try #require(try bridge.application.receive().errorMessage)
        #expect(message.contains("ended without removing its socket"))
        #expect(message.contains("systemctl restart cloisterd.socket"))
    }

    @Test("A path that no socket can have is named as the reason")
    func longPath() throws {
        let bridge = try Forlorn(to: String(repeating: "x", count: 108))
        try bridge.application.send(Lines.initialize(id: 1))
        let message = try #require(try bridge.application.receive().errorMessage)
        #expect(message.contains("at most 107 bytes"))
        #expect(try bridge.program.waitForEnd() == .exited(1))
    }

    // Whatever was opened first got the number that was missing, and was then read as standard input.
    @Test("Without standard input or output there is nobody to talk to", arguments: [0, 1])
    func missingDescriptor(number: Int) throws {
        let end = try Launch(Executable.bridge.path, ["--socket", "/nonexistent"]).start(
            descriptors: [number: -1])
        #expect(try end.waitForEnd() == .exited(1))
        #expect(end.said == "cloister-bridge: fcntl descriptor \(number): Bad file descriptor\n")
    }
}
