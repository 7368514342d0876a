import Linux
import TestSupport
import Testing

@testable import EventLoop

/// How a connection ends: by half, in order, or all at once.
struct StreamConnectionEndTests {
    private func slow(_ limits: inout StreamConnection.Limits) {
        (limits.highWater, limits.lowWater) = (10, 4)
    }

    // MARK: Half-close

    @Test func `the peer's end is told once, and our direction stays open`() throws {
        let wire = try Wire()
        wire.peer.send("last words")
        wire.peer.shutdownWriting()
        try wire.settle()
        #expect(wire.events == [.bytes("last words"), .finish])
        wire.send("an answer, longer than the peer takes at once")
        #expect(try wire.takeEverything() == "an answer, longer than the peer takes at once")
        try wire.advance(by: .seconds(3600))
        #expect(wire.events == [.bytes("last words"), .finish])
    }

    @Test func `a socket's half-close is told once, and our direction stays open`() throws {
        var end: SocketEnd?
        let wire = try Wire(overSocket: { end = $0 })
        let peer = try #require(end)
        try peer.send(Array("last words".utf8))
        peer.finish()
        try wire.settle()
        #expect(wire.events == [.bytes("last words"), .finish])
        wire.send("an answer")
        try wire.settle()
        #expect(text(try peer.read()) == "an answer")
        #expect(wire.events.count == 2)
        peer.close()
        try wire.settleAtEnd()
        #expect(wire.events == [.bytes("last words"), .finish, .end("closed by the peer")])
    }

    @Test func `an end that comes while it is backed up is told after the backlog`() throws {
        let wire = try Wire(capacity: 2, slow)
        wire.send("ab0123456789x")
        wire.peer.send("last words")
        wire.peer.shutdownWriting()
        try wire.settle()
        #expect(wire.events == [])
        _ = try wire.takeEverything()
        #expect(wire.events == [.drain, .bytes("last words"), .finish])
    }

    // MARK: Our end

    @Test(arguments: [1, 3, 100])
    func `closing when sent delivers everything first`(capacity: Int) throws {
        let wire = try Wire(capacity: capacity)
        wire.send("some words")
        wire.connection.closeWhenSent()
        #expect(try wire.takeEverything() == "some words")
        #expect(wire.peer.isAtEnd)
        #expect(wire.ends == ["closed after the last byte"])
    }

    @Test func `closing when sent is at once when nothing waits`() throws {
        let wire = try Wire()
        wire.connection.closeWhenSent()
        #expect(wire.ends == ["closed after the last byte"])
        #expect(wire.peer.isAtEnd)
        wire.connection.closeWhenSent()
        #expect(wire.ends.count == 1)
    }

    @Test func `what is sent after it was asked to close is still delivered`() throws {
        let wire = try Wire(capacity: 2)
        wire.send("first ")
        wire.connection.closeWhenSent()
        wire.send("second")
        #expect(try wire.takeEverything() == "first second")
        #expect(wire.ends == ["closed after the last byte"])
    }

    @Test func `a peer that does not take the last bytes is dropped in the stall time`() throws {
        let wire = try Wire(capacity: 2)
        wire.send("words")
        wire.connection.closeWhenSent()
        try wire.advance(by: .seconds(60))
        #expect(wire.ends == ["dropped: it took none of 3 bytes in time"])
    }

    @Test func `a socket gets everything before it is closed`() throws {
        var end: SocketEnd?
        let wire = try Wire(overSocket: { end = $0 })
        let peer = try #require(end)
        wire.connection.send([UInt8](repeating: 7, count: 2 << 20))
        wire.connection.closeWhenSent()
        #expect(wire.ends == [])
        var taken = 0
        while wire.ends.isEmpty {
            taken += try peer.read().count
            try wire.settle()
        }
        taken += try peer.read().count
        #expect(taken == 2 << 20)
        #expect(wire.ends == ["closed after the last byte"])
    }

    @Test func `our own close is silent, and final`() throws {
        let wire = try Wire(capacity: 2)
        wire.send("words")
        wire.peer.send("words")
        wire.connection.close()
        wire.send("more")
        wire.connection.closeWhenSent()
        wire.connection.close()
        try wire.advance(by: .seconds(3600))
        #expect(wire.events == [])
        #expect(wire.peer.takeAll() == Array("wo".utf8))
        #expect(wire.peer.isAtEnd)
    }

    // MARK: The peer's end

    @Test func `a peer that is gone is told once`() throws {
        let wire = try Wire()
        wire.peer.close()
        try wire.settle()
        #expect(wire.events == [.finish, .end("closed by the peer")])
        wire.send("words")
        try wire.advance(by: .seconds(3600))
        #expect(wire.events.count == 2)
    }

    @Test func `what a peer sent before it went is handed on first`() throws {
        for size in [5, 200_000] {
            var end: SocketEnd?
            let wire = try Wire(overSocket: { end = $0 })
            let peer = try #require(end)
            let bytes = [UInt8](repeating: UInt8(ascii: "x"), count: size)
            for start in stride(from: 0, to: size, by: 50_000) {
                try peer.send(Array(bytes[start..<min(start + 50_000, size)]))
            }
            peer.close()
            try wire.settleAtEnd()
            #expect(wire.received.count == size)
            #expect(Array(wire.events.suffix(2)) == [.finish, .end("closed by the peer")])
        }
    }

    @Test func `sending to a peer that is gone ends the connection`() throws {
        let wire = try Wire()
        wire.peer.close()
        wire.send("words")
        #expect(wire.events == [.end("closed by the peer")])
        try wire.settle()
        #expect(wire.events.count == 1)
    }

    @Test func `sending to a socket whose peer is gone ends the connection`() throws {
        var end: SocketEnd?
        let wire = try Wire(overSocket: { end = $0 })
        try #require(end).close()
        try Deadline().wait(for: "the end of the peer") {
            wire.send("words")
            return !wire.ends.isEmpty
        }
        #expect(wire.events == [.end("closed by the peer")])
        try wire.settle()
        #expect(wire.events.count == 1)
    }

    @Test func `a peer that goes with our bytes unread is gone, not an error`() throws {
        var end: SocketEnd?
        let wire = try Wire(overSocket: { end = $0 })
        wire.send("words that nobody reads")
        try #require(end).close()
        try wire.settleAtEnd()
        #expect(wire.ends == ["closed by the peer"])
    }

    @Test func `a peer that goes while it is backed up is gone at once`() throws {
        let wire = try Wire(capacity: 2, slow)
        wire.send("ab0123456789x")
        wire.peer.send("a request")
        wire.peer.close()
        try wire.settle()
        #expect(wire.events == [.end("closed by the peer")])
    }

    // MARK: Ending in the middle

    enum Moment: String, CaseIterable {
        case bytes, finish, drain, end

        func isMoment(_ event: Wire.Event) -> Bool {
            switch (self, event) {
            case (.bytes, .bytes), (.finish, .finish), (.drain, .drain), (.end, .end): true
            default: false
            }
        }
    }

    @Test(arguments: Moment.allCases)
    func `closing in any callback is safe, and the last thing that happens`(
        moment: Moment
    ) throws {
        let wire = try Wire(capacity: 2, slow)
        wire.onEvent = { [unowned wire] event in
            if moment.isMoment(event) { wire.connection.close() }
        }
        wire.send("ab0123456789x")
        _ = try wire.takeEverything()
        wire.peer.send("hello")
        try wire.settle()
        wire.peer.shutdownWriting()
        try wire.settle()
        wire.peer.close()
        try wire.advance(by: .seconds(3600))
        #expect(wire.events.last.map { moment.isMoment($0) } == true)
        #expect(wire.events.filter { moment.isMoment($0) }.count == 1)
        #expect(wire.ends.count == (moment == .end ? 1 : 0))
    }

    @Test(arguments: Moment.allCases)
    func `closing in any callback of a socket is safe`(moment: Moment) throws {
        var end: SocketEnd?
        let wire = try Wire(overSocket: { end = $0 })
        let peer = try #require(end)
        wire.onEvent = { [unowned wire] event in
            if moment.isMoment(event) { wire.connection.close() }
        }
        wire.connection.send([UInt8](repeating: 7, count: 2 << 20))
        while wire.connection.backlogCount > 0 {
            _ = try peer.read()
            try wire.settle()
        }
        // A connection that closed itself has closed the socket: sending fails, and may.
        try? peer.send(Array("hello".utf8))
        peer.finish()
        try wire.settle()
        peer.close()
        if moment == .end { try wire.settleAtEnd() } else { try wire.settle() }
        #expect(wire.events.last.map { moment.isMoment($0) } == true)
        #expect(wire.ends.count == (moment == .end ? 1 : 0))
    }

    @Test func `sending so much in a callback that the peer is dropped is safe`() throws {
        let wire = try Wire(capacity: 2) { $0.mostBacklog = 10 }
        wire.onEvent = { [unowned wire] event in
            if case .bytes = event { wire.send("more than it may leave unread") }
        }
        wire.peer.send("hello")
        wire.peer.shutdownWriting()
        try wire.settle()
        #expect(wire.events == [.bytes("hello"), .end("dropped: it left 27 bytes unread")])
    }

    @Test func `a connection that is let go in its own callback is safe`() throws {
        let loop = try EventLoop(clock: ManualClock())
        let (mine, peer) = MemoryStream.pair(on: loop)
        var connection: StreamConnection?
        var seen: [String] = []
        connection = try StreamConnection(
            mine, on: loop, limits: .init(),
            StreamConnection.Handlers(
                onBytes: { _ in
                    seen.append("bytes")
                    connection?.close()
                    connection = nil
                },
                onFinish: { seen.append("finish") }, onDrain: { seen.append("drain") },
                onEnd: { _ in seen.append("end") }))
        peer.send("hello")
        peer.close()
        try loop.runUntilIdle()
        #expect(seen == ["bytes"])
        #expect(connection == nil)
    }
}
