import Linux
import Testing

@testable import EventLoop

/// Bytes in, bytes out, and what happens when the peer is slow.
struct StreamConnectionTests {
    private let letters = "abcdefghijklmnopqrstuvwxyz"

    // MARK: Order

    @Test func `bytes are handed on in the order in which they came`() throws {
        let wire = try Wire(capacity: 1000)
        wire.peer.send("one ")
        try wire.settle()
        wire.peer.send("two ")
        wire.peer.send("three")
        try wire.settle()
        #expect(wire.events == [.bytes("one "), .bytes("two three")])
    }

    @Test func `nothing is read before the loop turns`() throws {
        let wire = try Wire()
        wire.peer.send("one")
        #expect(wire.events.isEmpty)
    }

    @Test(arguments: 1...5)
    func `a peer that takes little at a time gets everything in order`(capacity: Int) throws {
        let wire = try Wire(capacity: capacity)
        for letter in letters { wire.send(String(letter)) }
        wire.send(letters)
        #expect(wire.connection.backlogCount == 2 * letters.count - capacity)
        #expect(try wire.takeEverything() == letters + letters)
        #expect(wire.connection.backlogCount == 0)
    }

    @Test func `what is sent when the peer has room again waits behind what was sent before`() throws {
        let wire = try Wire(capacity: 3)
        wire.send("abcdef")
        #expect(text(wire.peer.takeAll()) == "abc")
        // The loop has not turned: the room is there, and "def" waits for it.
        wire.send("ghi")
        #expect(try wire.takeEverything() == "defghi")
    }

    @Test func `sending nothing is nothing`() throws {
        let wire = try Wire()
        wire.send("")
        #expect(try wire.takeEverything() == "")
        #expect(wire.events.isEmpty)
    }

    @Test func `both directions work at the same time, on sockets too`() throws {
        var end: SocketEnd?
        let wire = try Wire(overSocket: { end = $0 })
        let peer = try #require(end)
        // More than a socket takes at once.
        let sent = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        wire.connection.send(sent)
        #expect(wire.connection.backlogCount > 0)
        var taken: [UInt8] = []
        for number in 0..<100 {
            try peer.send(Array("\(number) ".utf8))
            taken += try peer.read()
            try wire.settle()
        }
        while taken.count < sent.count {
            let more = try peer.read()
            try #require(!more.isEmpty)
            taken += more
            try wire.settle()
        }
        #expect(taken == sent)
        #expect(wire.received == (0..<100).map { "\($0) " }.joined())
        #expect(wire.connection.backlogCount == 0)
    }

    // MARK: Back-pressure

    private func slow(_ limits: inout StreamConnection.Limits) {
        (limits.highWater, limits.lowWater, limits.mostBacklog) = (10, 4, 100)
    }

    @Test func `above high water it is backed up, and not a byte earlier`() throws {
        let wire = try Wire(capacity: 2, slow)
        wire.send("ab")
        wire.send("0123456789")
        #expect(wire.connection.backlogCount == 10)
        #expect(!wire.connection.isBackedUp)
        wire.send("x")
        #expect(wire.connection.isBackedUp)
    }

    @Test func `while it is backed up nothing is read; below low water reading goes on`() throws {
        let wire = try Wire(capacity: 2, slow)
        wire.send("ab0123456789x")
        #expect(wire.connection.isBackedUp)
        wire.peer.send("hello")
        try wire.settle()
        #expect(wire.events == [])

        var buffer: [UInt8] = [0]
        func takeOne() throws {
            _ = try unsafe buffer.withUnsafeMutableBytes { try unsafe wire.peer.read(into: $0) }
            try wire.settle()
        }
        while wire.connection.backlogCount > 5 { try takeOne() }
        #expect(wire.connection.isBackedUp)
        #expect(wire.events == [])
        try takeOne()
        #expect(wire.connection.backlogCount == 4)
        #expect(!wire.connection.isBackedUp)
        #expect(wire.events == [.drain, .bytes("hello")])
    }

    @Test func `it says once for every time that it was backed up that it no longer is`() throws {
        let wire = try Wire(capacity: 2, slow)
        for _ in 0..<3 {
            wire.send(letters)
            #expect(wire.connection.isBackedUp)
            #expect(try wire.takeEverything() == letters)
        }
        #expect(wire.events == [.drain, .drain, .drain])
        // Without having been backed up it says nothing.
        wire.send("0123456789")
        _ = try wire.takeEverything()
        #expect(wire.events.count == 3)
    }

    @Test func `what is sent while it drains comes after what was sent before`() throws {
        let wire = try Wire(capacity: 2, slow)
        wire.onEvent = { [unowned wire] event in
            if event == .drain { wire.send("!") }
        }
        wire.send(letters)
        #expect(try wire.takeEverything() == letters + "!")
    }

    @Test func `reading is paused on sockets too`() throws {
        var end: SocketEnd?
        let wire = try Wire(overSocket: { end = $0 })
        let peer = try #require(end)
        wire.connection.send([UInt8](repeating: 1, count: 4 << 20))
        #expect(wire.connection.isBackedUp)
        try peer.send(Array("hello".utf8))
        try wire.settle()
        #expect(wire.events == [])
        var taken = 0
        while wire.connection.backlogCount > 0 {
            taken += try peer.read().count
            try wire.settle()
        }
        taken += try peer.read().count
        #expect(taken == 4 << 20)
        #expect(wire.events == [.drain, .bytes("hello")])
    }

    // MARK: Peers that are dropped

    @Test func `a peer that leaves too much unread is dropped`() throws {
        let wire = try Wire(capacity: 2, slow)
        wire.send("ab")
        wire.connection.send([UInt8](repeating: 0, count: 100))
        #expect(wire.ends == [])
        wire.send("x")
        #expect(wire.ends == ["dropped: it left 101 bytes unread"])
        try wire.settle()
        #expect(wire.peer.takeAll() == Array("ab".utf8))
        #expect(wire.peer.isAtEnd)
        // And nothing more happens.
        wire.send("more")
        wire.peer.send("more")
        try wire.advance(by: .seconds(100))
        #expect(wire.events == [.end("dropped: it left 101 bytes unread")])
    }

    @Test func `a peer that takes nothing for the stall time is dropped, at its very end`() throws {
        let wire = try Wire(capacity: 4)
        wire.send("0123456789")
        try wire.advance(by: .seconds(60) - .nanoseconds(1))
        #expect(wire.ends == [])
        try wire.advance(by: .nanoseconds(1))
        #expect(wire.ends == ["dropped: it took none of 6 bytes in time"])
        #expect(wire.peer.takeAll() == Array("0123".utf8))
        #expect(wire.peer.isAtEnd)
    }

    @Test func `a peer that is slow but steady is not dropped`() throws {
        let wire = try Wire(capacity: 1)
        wire.send(letters)
        var taken = ""
        for _ in letters {
            try wire.advance(by: .seconds(59))
            taken += text(wire.peer.takeAll())
            try wire.settle()
        }
        #expect(taken == letters)
        #expect(wire.ends == [])
        try wire.advance(by: .seconds(3600))
        #expect(wire.ends == [])
    }

    @Test func `the stall time is counted from the last progress`() throws {
        let wire = try Wire(capacity: 1)
        wire.send("abc")
        try wire.advance(by: .seconds(40))
        #expect(wire.peer.takeAll().count == 1)
        try wire.settle()
        try wire.advance(by: .seconds(60) - .nanoseconds(1))
        #expect(wire.ends == [])
        try wire.advance(by: .nanoseconds(1))
        #expect(wire.ends == ["dropped: it took none of 1 bytes in time"])
    }

    @Test func `a backlog that begins anew has its own stall time`() throws {
        let wire = try Wire(capacity: 1)
        wire.send("ab")
        try wire.advance(by: .seconds(30))
        #expect(try wire.takeEverything() == "ab")
        try wire.advance(by: .seconds(25))
        wire.send("cd")
        // The timer of the first backlog fires here and finds nothing stalled.
        try wire.advance(by: .seconds(59))
        #expect(wire.ends == [])
        try wire.advance(by: .seconds(1))
        #expect(wire.ends.count == 1)
    }

    @Test func `more to send does not prolong a stall`() throws {
        let wire = try Wire(capacity: 1)
        wire.send("ab")
        for _ in 0..<59 {
            try wire.advance(by: .seconds(1))
            wire.send("c")
        }
        #expect(wire.ends == [])
        try wire.advance(by: .seconds(1))
        #expect(wire.ends == ["dropped: it took none of 60 bytes in time"])
    }
}
