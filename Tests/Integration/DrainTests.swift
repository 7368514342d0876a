import Glibc
import Linux
import TestSupport
import Testing

/// SIGTERM: what was begun is finished, and nothing new is begun.
@Suite struct DrainTests {
    @Test(
        "A call in flight is answered; a new request, and a new client, are refused",
        arguments: RunningDaemon.Start.allCases)
    func drain(start: RunningDaemon.Start) throws {
        let daemon = try RunningDaemon(.fixtureDaemon, start)
        let (busy, idle) = (try daemon.connect(), try daemon.connect())
        for client in [busy, idle] { try client.initialize() }
        try busy.send(Lines.call(id: 1, "fixture_sleep", #"{"ms":1000}"#))
        try busy.ping(2)

        daemon.terminate()
        #expect(try daemon.manager.next().first == "STOPPING=1")
        // Who waits for nothing is let go at once.
        try idle.expectEnd()
        try busy.send(Lines.call(id: 3, "fixture_echo"))
        let refused = try busy.receive()
        #expect(refused["id"]?.integer == 3)
        #expect(refused.errorCode == -32603)
        #expect(refused.errorMessage == "cloisterd is closing this session")
        try busy.send(Lines.ping(id: 4))
        #expect(try busy.receive().errorCode == -32603)
        if start == .standalone {
            #expect(throws: SystemError("connect", .connectionRefused, daemon.socketPath)) {
                _ = try UnixSocket.connect(to: daemon.socketPath)
            }
        }

        let answer = try busy.receive()
        #expect(answer["id"]?.integer == 1)
        #expect(answer.toolText == "slept")
        try busy.expectEnd()
        #expect(try daemon.program.waitForEnd() == .exited(0))
    }

    @Test("A call may be cancelled meanwhile, and is then not waited for")
    func cancellation() throws {
        let daemon = try RunningDaemon()
        let client = try daemon.connect()
        try client.initialize()
        try client.send(Lines.call(id: 1, "fixture_sleep", #"{"ms":3600000}"#))
        try client.ping(2)
        daemon.terminate()
        #expect(try daemon.manager.next().first == "STOPPING=1")
        try client.send(Lines.cancel(id: 1))
        try client.expectEnd(within: .seconds(4))
        #expect(try daemon.program.waitForEnd() == .exited(0))
    }

    @Test("A call that does not end is left after a while, and the log says so")
    func closingTime() throws {
        let daemon = try RunningDaemon()
        let client = try daemon.connect()
        try client.initialize()
        try client.send(Lines.call(id: 1, "fixture_sleep", #"{"ms":3600000}"#))
        try client.ping(2)
        let start = SystemClock.monotonic
        daemon.terminate()
        try client.expectEnd()
        #expect(SystemClock.monotonic - start > .seconds(4))
        #expect(try daemon.program.waitForEnd() == .exited(0))
        #expect(daemon.program.said.contains("closed with 1 calls unanswered"))
    }

    @Test("A second signal ends it at once")
    func impatience() throws {
        let daemon = try RunningDaemon()
        let client = try daemon.connect()
        try client.initialize()
        try client.send(Lines.call(id: 1, "fixture_sleep", #"{"ms":3600000}"#))
        try client.ping(2)
        daemon.terminate()
        #expect(try daemon.manager.next().first == "STOPPING=1")
        daemon.terminate()
        #expect(try daemon.program.waitForEnd(within: .seconds(4)) == .exited(0))
        try client.expectEnd()
        #expect(daemon.program.said.contains("asked twice to stop: leaving 1 sessions"))
    }

    @Test("A client that does not read keeps the daemon only as long as a call would")
    func deafClient() throws {
        let daemon = try RunningDaemon()
        let client = try daemon.connect()
        try client.initialize()
        try client.send(Lines.call(id: 1, "fixture_big", #"{"bytes":4000000}"#))
        try client.reader.waitForBytes()
        daemon.terminate()
        #expect(try daemon.program.waitForEnd() == .exited(0))
    }

    @Test("A subscription ends with its result")
    func subscription() throws {
        let daemon = try RunningDaemon()
        let client = try daemon.connect()
        try client.send(Lines.listen(id: 1))
        #expect(try client.receive()["method"]?.string == "notifications/subscriptions/acknowledged")
        daemon.terminate()
        #expect(try client.receive()["result"]?["resultType"]?.string == "complete")
        #expect(try client.receive()["method"]?.string == "notifications/cancelled")
        try client.expectEnd()
        #expect(try daemon.program.waitForEnd() == .exited(0))
    }

    // MARK: The client finishes

    @Test("After the client's last byte its answers still come, and then the end")
    func halfClose() throws {
        let daemon = try RunningDaemon()
        let client = try daemon.connect()
        try client.initialize()
        for id in 1...3 {
            try client.send(Lines.call(id: id, "fixture_sleep", #"{"ms":\#(100 * id)}"#))
        }
        client.finishWriting()
        for id in 1...3 { #expect(try client.receive()["id"]?.integer == Int64(id)) }
        try client.expectEnd()
        try daemon.connect().initialize()
    }

    @Test("That is so behind a backlog of answers, too")
    func halfCloseBehindBacklog() throws {
        let daemon = try RunningDaemon()
        let client = try daemon.connect()
        try client.initialize()
        // As many questions as the socket holds, with answers that stop the reading of them.
        let ids = 1...150
        for id in ids { try client.send(Lines.call(id: id, "fixture_big", #"{"bytes":50000}"#)) }
        client.finishWriting()
        var answered: Set<Int64> = []
        for _ in ids {
            let answer = try client.receive()
            try #require(answer["result"] != nil)
            answered.insert(try #require(answer["id"]?.integer))
        }
        #expect(answered == Set(ids.map { Int64($0) }))
        try client.expectEnd()
    }

    @Test("A request without a newline at the end was never made")
    func unfinishedLine() throws {
        let daemon = try RunningDaemon()
        let client = try daemon.connect()
        try client.initialize()
        try client.sendBytes(Array(Lines.ping(id: 1).utf8))
        client.finishWriting()
        try client.expectEnd()
        // With one, it is.
        let other = try daemon.connect()
        try other.initialize()
        try other.sendBytes(Array(Lines.ping(id: 1).utf8) + [0x0A])
        other.finishWriting()
        #expect(try other.receive()["id"]?.integer == 1)
        try other.expectEnd()
    }
}
