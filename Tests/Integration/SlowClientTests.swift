import Glibc
import JSON
import Linux
import TestSupport
import Testing

/// A client that does not read costs a bounded amount of memory for a bounded time, and nobody else's.
@Suite struct SlowClientTests {
    @Test("A client that takes nothing is dropped after the stall time, and the log says so")
    func stall() throws {
        let daemon = try RunningDaemon(options: ["--stall-timeout", "1"])
        let deaf = try daemon.connect()
        try deaf.initialize()
        let start = SystemClock.monotonic
        try deaf.send(Lines.call(id: 1, "fixture_big", #"{"bytes":2000000}"#))
        try daemon.log(saying: "dropped: it took none of ")
        let waited = SystemClock.monotonic - start
        #expect(waited > .milliseconds(900))
        #expect(waited < .seconds(10))
        // What it had not taken is lost, and it learns that the connection is.
        #expect(try deaf.reader.readToEnd().count < 2_000_000)
        try daemon.connect().initialize()
    }

    @Test("A client that takes a little from time to time is slow, not deaf")
    func slow() throws {
        let daemon = try RunningDaemon(options: ["--stall-timeout", "1"])
        let slow = try daemon.connect()
        try slow.initialize()
        try slow.send(Lines.call(id: 1, "fixture_big", #"{"bytes":4000000}"#))
        var taken = 0
        let start = SystemClock.monotonic
        while SystemClock.monotonic - start < .seconds(3) {
            taken += try slow.reader.read(300_000).count
            letTimePass(.milliseconds(300))
        }
        #expect(taken > 2_000_000)
        #expect(try slow.reader.readLine() != nil)
        try slow.ping(2)
        #expect(!daemon.program.said.contains("dropped"))
    }

    @Test("A client that only listens, and says nothing for long, is not dropped")
    func silent() throws {
        let daemon = try RunningDaemon(options: ["--stall-timeout", "1"])
        let client = try daemon.connect()
        try client.initialize()
        #expect(throws: TestFault.self) { try client.receive(within: .milliseconds(1500)) }
        try client.ping(1)
    }

    @Test("Requests of a client that does not read stay unread, and others are served meanwhile")
    func backPressure() throws {
        let daemon = try RunningDaemon(options: ["--stall-timeout", "60"])
        let (deaf, other) = (try daemon.connect(), try daemon.connect())
        for client in [deaf, other] { try client.initialize() }
        let padding = String(repeating: "p", count: 4000)
        let questions = (1...2000).map {
            Lines.call(id: $0, "fixture_echo", #"{"value":"\#(padding)"}"#) + "\n"
        }
        let bytes = Array(questions.joined().utf8)
        try daemon.program.forgetPeakMemory()
        let before = try daemon.program.memory()
        let sending = Beside { try deaf.sendSome(bytes, within: .seconds(2)) }
        for id in 1...5 { try other.ping(id) }
        let taken = try sending.value()
        try other.ping(6)
        // What two sockets and a backlog hold: the rest is the client's to keep.
        #expect(taken < bytes.count / 2)
        #expect(try daemon.program.peakMemory() - before < 16 << 20)
        #expect(daemon.program.isRunning)
    }

    @Test("Answers beyond the limit of what is stored for one client end its connection")
    func overflow() throws {
        let daemon = try RunningDaemon(options: ["--stall-timeout", "60"])
        let deaf = try daemon.connect()
        let other = try daemon.connect()
        for client in [deaf, other] { try client.initialize() }
        try daemon.program.forgetPeakMemory()
        let before = try daemon.program.memory()
        // All are in flight before the first is answered, and then the answers cannot be held back.
        let questions = (1...72).map {
            Lines.call(id: $0, "fixture_big", #"{"bytes":1000000,"delay_ms":500}"#) + "\n"
        }
        try deaf.sendBytes(Array(questions.joined().utf8))
        try daemon.log(saying: "dropped: it left ")
        #expect(try daemon.program.peakMemory() - before < 256 << 20)
        try other.ping(1)
        // And what was stored is given back.
        try Deadline().wait(for: "the memory") { try daemon.program.memory() - before < 48 << 20 }
    }

    @Test("A client that reads again after a pause gets everything, in order")
    func pause() throws {
        let daemon = try RunningDaemon()
        let client = try daemon.connect()
        try client.initialize()
        let ids = 1...40
        for id in ids {
            try client.send(Lines.call(id: id, "fixture_big", #"{"bytes":50000}"#))
            try client.send(Lines.ping(id: 1000 + id))
        }
        try daemon.connect().initialize()
        var answered: Set<Int64> = []
        while answered.count < 2 * ids.count {
            answered.insert(try #require(client.receive()["id"]?.integer))
        }
        #expect(answered == Set(ids.map { Int64($0) } + ids.map { Int64(1000 + $0) }))
    }
}
