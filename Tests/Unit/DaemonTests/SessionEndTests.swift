import EventLoop
import Testing

@testable import Daemon

/// How a session ends, and what becomes of its calls; and what a client may cost that does not read.
struct SessionEndTests {
    // MARK: The client goes

    @Test func `a client that disconnects has all its calls cancelled`() throws {
        let served = try ServedSession()
        try served.client.initialize()
        try served.client.hold(1, "a")
        try served.client.call(2, "sleep")
        try served.client.hold(3, "c")
        try served.settle()
        served.client.close()
        try served.settle()
        #expect(Set(served.tools.events.suffix(3)) == ["cancelled a", "cancelled sleep", "cancelled c"])
        #expect(served.timesGone == 1)
        try served.advance(by: .seconds(3600))
        #expect(served.timesGone == 1)
    }

    @Test func `a call that ends after its client is gone is nobody's`() throws {
        let served = try ServedSession()
        try served.client.initialize()
        try served.client.call(1, "stubborn", #"{"name":"a"}"#)
        try served.settle()
        served.client.close()
        try served.settle()
        #expect(served.timesGone == 1)
        served.tools.release("a")
        try served.settle()
        #expect(served.tools.events == ["began a", "ended a"])
        #expect(served.timesGone == 1)
    }

    @Test func `a client that has said everything gets its answers, then the end`() throws {
        let served = try ServedSession()
        try served.client.initialize()
        try served.client.hold(1, "a")
        try served.client.hold(2, "b")
        served.client.finish()
        try served.advance(by: .seconds(4))
        served.tools.release("b")
        #expect(try served.client.receive() == ["2: b"])
        #expect(try !served.client.isAtEnd)
        try served.advance(by: .milliseconds(999))
        served.tools.release("a")
        #expect(try served.client.receive() == ["1: a"])
        #expect(try served.client.isAtEnd)
        #expect(served.timesGone == 1)
        // The closing time is over, and nobody is there whom it could end.
        try served.advance(by: .seconds(3600))
        #expect(served.timesGone == 1)
        #expect(served.tools.events.filter { $0.hasPrefix("cancelled") } == [])
    }

    @Test func `a client that finishes with nothing in flight is done at once`() throws {
        let served = try ServedSession()
        try served.client.initialize()
        try served.client.request(1, "ping")
        served.client.finish()
        #expect(try served.client.receive() == ["1: result"])
        #expect(try served.client.isAtEnd)
        #expect(served.timesGone == 1)
    }

    @Test func `calls that outlast the closing time are cut, at its very end`() throws {
        let served = try ServedSession { $0.closingTime = .seconds(7) }
        try served.client.initialize()
        try served.client.hold(1, "a")
        try served.client.call(2, "stubborn", #"{"name":"b"}"#)
        served.client.finish()
        try served.settle()
        try served.advance(by: .seconds(7) - .nanoseconds(1))
        #expect(served.timesGone == 0)
        #expect(served.tools.events == ["began a", "began b"])
        try served.advance(by: .nanoseconds(1))
        #expect(served.timesGone == 1)
        #expect(served.tools.events == ["began a", "began b", "cancelled a"])
        #expect(try served.client.receive() == [])
        #expect(try served.client.isAtEnd)
        served.tools.release("b")
        try served.settle()
        #expect(served.timesGone == 1)
    }

    @Test func `cancelling the last call of a client that has finished ends the session`() throws {
        let served = try ServedSession()
        try served.client.initialize()
        try served.client.hold(1, "a")
        try served.client.notify("notifications/cancelled", #"{"requestId":1}"#)
        served.client.finish()
        #expect(try served.client.receive() == [])
        #expect(try served.client.isAtEnd)
        #expect(served.timesGone == 1)
    }

    // MARK: The daemon closes

    @Test func `a session that closes answers what is in flight and refuses what is new`() throws {
        let served = try ServedSession()
        try served.client.initialize()
        try served.client.hold(1, "a")
        try served.settle()
        served.beginClosing()
        try served.client.hold(2, "b")
        try served.client.request(3, "ping")
        #expect(
            try served.client.receive() == [
                "2: error -32603 cloisterd is closing this session",
                "3: error -32603 cloisterd is closing this session",
            ])
        #expect(served.tools.events == ["began a"])
        served.tools.release("a")
        #expect(try served.client.receive() == ["1: a"])
        #expect(try served.client.isAtEnd)
        #expect(served.timesGone == 1)
    }

    @Test func `a session with nothing in flight closes at once`() throws {
        let served = try ServedSession()
        try served.client.initialize()
        served.beginClosing()
        try served.settle()
        #expect(served.timesGone == 1)
        _ = try served.client.receive()
        #expect(try served.client.isAtEnd)
        served.beginClosing()
        #expect(served.timesGone == 1)
    }

    @Test func `asking twice to close does not prolong the closing time`() throws {
        let served = try ServedSession()
        try served.client.initialize()
        try served.client.hold(1, "a")
        try served.settle()
        served.beginClosing()
        try served.advance(by: .seconds(4))
        served.beginClosing()
        served.client.finish()
        try served.advance(by: .seconds(1))
        #expect(served.timesGone == 1)
    }

    @Test func `who listens is told that the session closes`() throws {
        let served = try ServedSession()
        try served.client.request(
            5, "subscriptions/listen",
            #"{"notifications":{"toolsListChanged":true},\#(TestClient.envelope)}"#)
        #expect(try served.client.receive() == ["notifications/subscriptions/acknowledged 5"])
        served.beginClosing()
        #expect(
            try served.client.receive() == ["5: result", "notifications/cancelled 5 5"])
        #expect(try served.client.isAtEnd)
    }

    // MARK: Clients that do not read

    private func slow(_ settings: inout Session.Settings) {
        (settings.stream.highWater, settings.stream.lowWater) = (1000, 500)
        (settings.stream.mostBacklog, settings.stream.stallTime) = (100_000, .seconds(60))
    }

    @Test func `nothing more is read of a client that does not read`() throws {
        let served = try ServedSession(capacity: 100, slow)
        try served.client.initialize()
        for id in 1...500 { try served.client.request(id, "ping") }
        try served.client.call(501, "big")
        try served.settle()
        // Were it all read, the call would have begun.
        #expect(served.tools.events == [])
        let answers = try served.client.receive()
        #expect(answers == (1...500).map { "\($0): result" } + ["501: x"])
        #expect(served.tools.events == ["began big"])
    }

    @Test func `a client that has finished gets everything that waited, then the end`() throws {
        let served = try ServedSession(capacity: 100, slow)
        try served.client.initialize()
        for id in 1...200 { try served.client.request(id, "ping") }
        try served.client.call(201, "big", #"{"bytes":5000}"#)
        served.client.finish()
        try served.settle()
        let answers = try served.client.receive()
        #expect(answers.dropLast() == (1...200).map { "\($0): result" })
        #expect(answers.last?.count == "201: ".count + 5000)
        #expect(try served.client.isAtEnd)
        #expect(served.timesGone == 1)
    }

    @Test func `calls go on while the client does not read, and their answers wait`() throws {
        let served = try ServedSession(capacity: 100, slow)
        try served.client.initialize()
        try served.client.hold(1, "a")
        try served.client.call(2, "big", #"{"bytes":5000}"#)
        try served.settle()
        served.tools.release("a")
        try served.settle()
        #expect(served.tools.events == ["began a", "began big", "ended a"])
        let answers = try served.client.receive()
        #expect(answers.count == 2)
        #expect(answers.first?.hasPrefix("2: xxx") == true)
        #expect(answers.last == "1: a")
    }

    @Test func `a client that takes nothing for the stall time is dropped, its calls cancelled`() throws {
        let served = try ServedSession(capacity: 100, slow)
        try served.client.initialize()
        try served.client.hold(1, "a")
        try served.client.call(2, "big", #"{"bytes":5000}"#)
        try served.settle()
        try served.advance(by: .seconds(60) - .nanoseconds(1))
        #expect(served.timesGone == 0)
        try served.advance(by: .nanoseconds(1))
        #expect(served.timesGone == 1)
        #expect(served.tools.events == ["began a", "began big", "cancelled a"])
        let warnings = served.log.all.filter { $0.hasPrefix("<4>") }
        #expect(warnings.count == 1)
        #expect(warnings.first?.contains("took none of") == true)
    }

    @Test func `a client that leaves too much unread is dropped, its calls cancelled`() throws {
        let served = try ServedSession(capacity: 100, slow)
        try served.client.initialize()
        try served.client.hold(1, "a")
        try served.client.call(2, "big", #"{"bytes":200000}"#)
        try served.settle()
        #expect(served.timesGone == 1)
        #expect(served.tools.events == ["began a", "began big", "cancelled a"])
        #expect(served.log.all.contains { $0.hasPrefix("<4>") && $0.contains("bytes unread") })
    }
}
