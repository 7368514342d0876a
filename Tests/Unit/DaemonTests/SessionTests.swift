import EventLoop
import Testing

@testable import Daemon

/// Calls of a session: side by side, reported on, cancelled.
struct SessionTests {
    @Test func `calls run side by side and are answered as they end`() throws {
        let served = try ServedSession()
        try served.client.initialize()
        for (id, name) in [(1, "a"), (2, "b"), (3, "c")] { try served.client.hold(id, name) }
        #expect(try served.client.receive() == [])
        #expect(served.tools.events == ["began a", "began b", "began c"])
        served.tools.release("c")
        #expect(try served.client.receive() == ["3: c"])
        try served.client.request(4, "ping")
        #expect(try served.client.receive() == ["4: result"])
        served.tools.release("a")
        served.tools.release("b")
        #expect(try served.client.receive() == ["1: a", "2: b"])
    }

    @Test func `a call that waits on the loop lasts as long as it shall`() throws {
        let served = try ServedSession()
        try served.client.initialize()
        try served.client.call(1, "sleep", #"{"seconds":10}"#)
        try served.client.call(2, "sleep", #"{"seconds":5}"#)
        #expect(try served.client.receive() == [])
        try served.advance(by: .seconds(5))
        #expect(try served.client.receive() == ["2: slept 5"])
        try served.advance(by: .seconds(5))
        #expect(try served.client.receive() == ["1: slept 10"])
    }

    @Test func `what a call reports comes in order, and before its answer`() throws {
        let served = try ServedSession()
        try served.client.initialize()
        try served.client.request(
            1, "tools/call",
            #"{"name":"report","arguments":{"steps":2},"_meta":{"progressToken":"t"}}"#)
        #expect(
            try served.client.receive() == [
                "notifications/progress 1.0", "notifications/message 1",
                "notifications/progress 2.0", "notifications/message 2", "1: reported",
            ])
    }

    @Test func `a modern call is served without a handshake`() throws {
        let served = try ServedSession()
        try served.client.request(
            1, "tools/call",
            #"{"name":"report","arguments":{},\#(TestClient.envelope)}"#)
        #expect(try served.client.receive() == ["1: reported"])
    }

    @Test func `a failed tool, an unknown one and a broken line do not end the session`() throws {
        let served = try ServedSession { $0.lineLimit = 500 }
        try served.client.initialize()
        try served.client.call(1, "nothing")
        try served.client.send("{")
        try served.client.send(String(repeating: "x", count: 600))
        try served.client.request(2, "ping")
        let answers = try served.client.receive()
        #expect(answers.count == 4)
        #expect(answers.first == "1: error -32602 unknown tool: nothing")
        #expect(answers[1].hasPrefix("null: error -32700"))
        #expect(answers[2] == "null: error -32600 a message may have at most 500 bytes")
        #expect(answers.last == "2: result")
        #expect(served.timesGone == 0)
    }

    // MARK: Cancelling

    @Test func `cancelling a call cancels its task, and only its`() throws {
        let served = try ServedSession()
        try served.client.initialize()
        try served.client.hold(1, "a")
        try served.client.hold(2, "b")
        try served.settle()
        try served.client.notify("notifications/cancelled", #"{"requestId":1}"#)
        #expect(try served.client.receive() == [])
        #expect(served.tools.events == ["began a", "began b", "cancelled a"])
        served.tools.release("b")
        #expect(try served.client.receive() == ["2: b"])
    }

    @Test func `a call that is cancelled before it begins finds itself cancelled`() throws {
        let served = try ServedSession()
        try served.client.initialize()
        try served.client.hold(1, "a")
        try served.client.notify("notifications/cancelled", #"{"requestId":1}"#)
        #expect(try served.client.receive() == [])
        #expect(served.tools.events == ["began a", "cancelled a"])
    }

    @Test func `a call that does not heed its cancellation has no word any more`() throws {
        let served = try ServedSession()
        try served.client.initialize()
        try served.client.request(
            1, "tools/call",
            #"{"name":"stubborn","arguments":{"name":"a"},"_meta":{"progressToken":7}}"#)
        try served.settle()
        try served.client.notify("notifications/cancelled", #"{"requestId":1}"#)
        try served.settle()
        // Its id is free again, and the new call's alone.
        try served.client.hold(1, "b")
        try served.settle()
        served.tools.release("a")
        #expect(try served.client.receive() == [])
        #expect(served.tools.events == ["began a", "began b", "ended a"])
        served.tools.release("b")
        #expect(try served.client.receive() == ["1: b"])
    }

    // MARK: Tools that change

    @Test func `a client that is ready is told of other tools, and sees them`() throws {
        let served = try ServedSession()
        try served.client.initialize()
        try served.client.request(1, "tools/list")
        #expect(try served.client.receive() == ["1: tools big hold report sleep stubborn"])
        served.setTools("new", "other")
        #expect(try served.client.receive() == ["notifications/tools/list_changed"])
        try served.client.request(2, "tools/list")
        try served.client.call(3, "new")
        try served.client.call(4, "hold")
        #expect(
            try served.client.receive() == [
                "2: tools new other", "4: error -32602 unknown tool: hold", "3: done",
            ])
    }

    @Test func `a client that is not ready yet is told when it is`() throws {
        let served = try ServedSession()
        try served.client.initialize(andBeReady: false)
        served.setTools("new")
        #expect(try served.client.receive() == [])
        try served.client.notify("notifications/initialized")
        #expect(try served.client.receive() == ["notifications/tools/list_changed"])
    }

    @Test func `a modern client is told where it listens`() throws {
        let served = try ServedSession()
        let listen = #"{"notifications":{"toolsListChanged":true},\#(TestClient.envelope)}"#
        let other = #"{"notifications":{},\#(TestClient.envelope)}"#
        try served.client.request(1, "tools/list", "{\(TestClient.envelope)}")
        #expect(try served.client.receive() == ["1: tools big hold report sleep stubborn"])
        served.setTools("new")
        #expect(try served.client.receive() == [])
        try served.client.request(5, "subscriptions/listen", listen)
        try served.client.request(6, "subscriptions/listen", other)
        #expect(
            try served.client.receive() == [
                "notifications/subscriptions/acknowledged 5",
                "notifications/subscriptions/acknowledged 6",
            ])
        served.setTools("newer")
        #expect(try served.client.receive() == ["notifications/tools/list_changed 5"])
        try served.client.notify("notifications/cancelled", #"{"requestId":5}"#)
        try served.settle()
        served.setTools("newest")
        #expect(try served.client.receive() == [])
    }

    @Test func `a call in flight ends by the tool it began with, whatever became of it`() throws {
        let served = try ServedSession()
        try served.client.initialize()
        try served.client.hold(1, "a")
        try served.settle()
        served.setTools("new")
        served.tools.release("a")
        #expect(try served.client.receive() == ["notifications/tools/list_changed", "1: a"])
    }

    // MARK: The log

    @Test func `a client's own name is logged as its claim, on one line`() throws {
        let served = try ServedSession()
        try served.client.notify(
            "notifications/cloister/client", #"{"name":"editor\n<3>all is lost"}"#)
        try served.settle()
        let claims = served.log.all.filter { $0.contains("says it is") }
        #expect(claims.count == 1)
        #expect(claims.first?.hasSuffix("says it is editor <3>all is lost\n") == true)
    }
}
