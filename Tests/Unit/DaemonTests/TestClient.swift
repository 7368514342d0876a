import EventLoop
import Foundation
import Glibc
import JSON
import Linux
import Synchronization
import TestSupport
import Testing

@testable import Daemon

/// The other end of a session, in the hand of a test. Everything that passes is recorded.
final class TestClient {
    enum Transport {
        case memory(MemoryStream)
        case socket(Socket)
    }

    final class Socket {
        let fd: OwnedFD
        init(_ fd: consuming OwnedFD) { self.fd = fd }
    }

    private let loop: EventLoop
    private var transport: Transport?
    private let recording = WireRecording(Test.current?.name ?? "unit")
    private var unread: [UInt8] = []
    private var hasReadEnd = false

    init(_ transport: Transport, on loop: EventLoop) {
        (self.transport, self.loop) = (transport, loop)
    }

    convenience init(connectingTo path: String, on loop: EventLoop) throws {
        self.init(.socket(Socket(try UnixSocket.connect(to: path))), on: loop)
    }

    // MARK: Out

    func send(_ line: String) throws {
        recording.sent(byClient: Array(line.utf8))
        let bytes = Array((line + "\n").utf8)
        switch transport {
        case .memory(let stream): stream.send(bytes)
        case .socket(let socket):
            let count = try UnixSocket.send(socket.fd, bytes.span)
            try #require(count == bytes.count)
        case nil: Issue.record("sent after the end: \(line)")
        }
    }

    func request(_ id: Int, _ method: String, _ params: String = "{}") throws {
        try send(#"{"jsonrpc":"2.0","id":\#(id),"method":"\#(method)","params":\#(params)}"#)
    }

    func notify(_ method: String, _ params: String = "{}") throws {
        try send(#"{"jsonrpc":"2.0","method":"\#(method)","params":\#(params)}"#)
    }

    func call(_ id: Int, _ tool: String, _ arguments: String = "{}") throws {
        try request(id, "tools/call", #"{"name":"\#(tool)","arguments":\#(arguments)}"#)
    }

    func hold(_ id: Int, _ name: String) throws { try call(id, "hold", #"{"name":"\#(name)"}"#) }

    func initialize(andBeReady isReady: Bool = true, capabilities: String = "") throws {
        try request(
            0, "initialize",
            #"{"protocolVersion":"2025-11-25","capabilities":{\#(capabilities)},"clientInfo":{"name":"t","version":"1"}}"#
        )
        if isReady { try notify("notifications/initialized") }
        #expect(try receive() == ["0: initialized 2025-11-25"])
    }

    /// What every request of the modern era carries.
    static let envelope = """
        "_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",\
        "io.modelcontextprotocol/clientCapabilities":{}}
        """

    func finish() {
        switch transport {
        case .memory(let stream): stream.shutdownWriting()
        case .socket(let socket): UnixSocket.shutdownWriting(socket.fd)
        case nil: break
        }
    }

    func close() {
        switch transport {
        case .memory(let stream): stream.close()
        // Said, not only done: see `isAtEnd`.
        case .socket(let socket): _ = shutdown(CInt(socket.fd.number), CInt(SHUT_RDWR))
        case nil: break
        }
        transport = nil
    }

    // MARK: In

    /// The session has ended its direction. On a socket that takes a moment at times: a child process that
    /// another test starts meanwhile holds a copy of every descriptor until it executes its program.
    var isAtEnd: Bool {
        get throws {
            if case .socket = transport {
                try Deadline().wait(for: "the end of a connection") {
                    try loop.runUntilIdle()
                    try takeBytes()
                    return hasReadEnd
                }
            }
            return hasReadEnd
        }
    }

    /// Turns the loop and takes what arrives until nothing more does: each message in short.
    func receive() throws -> [String] {
        var messages: [String] = []
        repeat {
            try loop.runUntilIdle()
            messages += try takeLines().map(Self.inShort)
        } while try hasMore()
        return messages
    }

    private func hasMore() throws -> Bool {
        try loop.runUntilIdle()
        let before = unread.count
        try takeBytes()
        return unread.count > before
    }

    private func takeLines() throws -> [JSONValue] {
        try takeBytes()
        var lines: [JSONValue] = []
        while let newline = unread.firstIndex(of: 0x0A) {
            let line = Array(unread[..<newline])
            unread.removeFirst(newline + 1)
            recording.sent(byServer: line)
            lines.append(try JSONDocument(line).root)
        }
        return lines
    }

    private func takeBytes() throws {
        switch transport {
        case .memory(let stream):
            unread += stream.takeAll()
            hasReadEnd = stream.isAtEnd
        case .socket(let socket):
            var buffer = [UInt8](repeating: 0, count: 65536)
            while !hasReadEnd {
                let count: Int? =
                    try unsafe buffer.withUnsafeMutableBytes { try unsafe socket.fd.read(into: $0) }
                guard let count else { return }
                hasReadEnd = count == 0
                unread += buffer[..<count]
            }
        case nil:
            hasReadEnd = true
        }
    }

    private static func inShort(_ message: JSONValue) -> String {
        if let method = message["method"]?.string {
            let params = message["params"]
            let words = [
                params?["progress"], params?["data"], params?["requestId"],
                params?["_meta"]?["io.modelcontextprotocol/subscriptionId"],
            ].compactMap { $0 }.map { String(decoding: $0.bytes, as: UTF8.self) }
            return ([method] + words).joined(separator: " ")
        }
        let id = message["id"].map { String(decoding: $0.bytes, as: UTF8.self) } ?? "?"
        if let error = message["error"] {
            return "\(id): error \(error["code"]?.integer ?? 0) \(error["message"]?.string ?? "")"
        }
        let result = message["result"]
        if let version = result?["protocolVersion"]?.string { return "\(id): initialized \(version)" }
        if let tools = result?["tools"] {
            return "\(id): tools " + tools.elements.compactMap { $0["name"]?.string }.joined(separator: " ")
        }
        let text = result?["content"]?.elements.first { _ in true }?["text"]?.string ?? "result"
        return "\(id): \(result?["isError"]?.bool == true ? "failed: " : "")\(text)"
    }
}

extension Client {
    /// This process, as the kernel sees it.
    static func ourselves(session: UInt64 = 1) throws -> Client {
        Client(try PeerCredentials(of: UnixSocket.pair().one), session: session)
    }
}

/// The lines of a log.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func log(most: Log.Severity = .debug, isJournal: Bool = true) -> Log {
        Log(most: most, isJournal: isJournal) { line in self.lines.withLock { $0.append(line) } }
    }
}

/// Runs a loop that something shall stop; a failure, not a hang, when nothing does.
func run(
    _ loop: EventLoop, atMost limit: Duration = .seconds(20),
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let limit = loop.schedule(after: limit) {
        Issue.record("nothing stopped the loop", sourceLocation: sourceLocation)
        loop.stop()
    }
    try loop.run()
    loop.cancel(limit)
}

/// No test may be skipped: one that cannot be run here fails.
let mustRun = ProcessInfo.processInfo.environment["CLOISTER_MUST_RUN"] == "1"
