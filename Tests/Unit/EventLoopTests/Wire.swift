import Linux
import TestSupport
import Testing

@testable import EventLoop

/// A connection, what it reported, and the other end in the hand of the test.
final class Wire {
    enum Event: Equatable {
        case bytes(String)
        case finish
        case drain
        case end(String)
    }

    let clock = ManualClock()
    let loop: EventLoop
    let peer: MemoryStream
    /// Made last, for it reports to this object.
    private var opened: StreamConnection?
    private(set) var events: [Event] = []
    /// Called with every event, after it is written down.
    var onEvent: (Event) -> Void = { _ in }

    init(capacity: Int = 8, _ set: (inout StreamConnection.Limits) -> Void = { _ in }) throws {
        loop = try EventLoop(clock: clock)
        let (mine, peer) = MemoryStream.pair(on: loop, capacity: capacity)
        self.peer = peer
        try open(mine, set)
    }

    /// Over a socket; what the test does to its other end is the test's own.
    init(
        overSocket: (SocketEnd) -> Void, _ set: (inout StreamConnection.Limits) -> Void = { _ in }
    ) throws {
        loop = try EventLoop(clock: clock)
        peer = MemoryStream.pair(on: loop).1
        let (mine, end) = try SocketEnd.pair(on: loop)
        overSocket(end)
        try open(mine, set)
    }

    private func open(
        _ stream: any ByteStream, _ set: (inout StreamConnection.Limits) -> Void
    ) throws {
        var limits = StreamConnection.Limits()
        set(&limits)
        opened = try StreamConnection(
            stream, on: loop, limits: limits,
            StreamConnection.Handlers(
                onBytes: { [unowned self] bytes in
                    record(.bytes(text((0..<bytes.count).map { bytes[$0] })))
                },
                onFinish: { [unowned self] in record(.finish) },
                onDrain: { [unowned self] in record(.drain) },
                onEnd: { [unowned self] in record(.end($0.description)) }))
    }

    var connection: StreamConnection {
        guard let opened else { preconditionFailure("a wire that was not opened") }
        return opened
    }

    private func record(_ event: Event) {
        events.append(event)
        onEvent(event)
    }

    func send(_ text: String) { connection.send(Array(text.utf8)) }

    func settle() throws { try loop.runUntilIdle() }

    /// Until the connection has ended. A socket's end takes a moment at times: a child process that another
    /// test starts meanwhile holds a copy of every descriptor until it executes its program.
    func settleAtEnd() throws {
        try Deadline().wait(for: "the end of the connection") {
            try settle()
            return !ends.isEmpty
        }
    }

    func advance(by duration: Duration) throws {
        clock.advance(by: duration)
        try settle()
    }

    /// The peer takes all that is there, until there is nothing more.
    func takeEverything() throws -> String {
        var taken: [UInt8] = []
        while true {
            try settle()
            let more = peer.takeAll()
            if more.isEmpty { return text(taken) }
            taken += more
        }
    }

    var received: String {
        events.reduce(into: "") { if case .bytes(let bytes) = $1 { $0 += bytes } }
    }

    /// What the connection said at its end, as often as it said it.
    var ends: [String] {
        events.compactMap { if case .end(let reason) = $0 { reason } else { nil } }
    }
}
