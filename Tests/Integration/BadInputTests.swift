import Glibc
import JSON
import Linux
import TestSupport
import Testing

/// Whatever a client sends, it is told what is wrong, its connection stays, and nobody else notices.
@Suite struct BadInputTests {
    struct Bad: Sendable, CustomTestStringConvertible {
        let line: String
        let code: Int64
        var id: String = "null"
        var testDescription: String { line }
    }

    static let lines = [
        Bad(line: "not JSON", code: -32700),
        Bad(line: "{", code: -32700),
        Bad(line: #"{"jsonrpc":"2.0","id":1,"method":"ping"}}"#, code: -32700),
        Bad(line: #"{"jsonrpc":"2.0","id":1,"method":"ping"}{}"#, code: -32700),
        Bad(line: #"{'jsonrpc':'2.0'}"#, code: -32700),
        Bad(line: "[]", code: -32600),
        Bad(line: #"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, code: -32600),
        Bad(line: "1", code: -32600),
        Bad(line: "null", code: -32600),
        Bad(line: #""ping""#, code: -32600),
        Bad(line: "{}", code: -32600),
        Bad(line: #"{"jsonrpc":"1.0","id":9,"method":"ping"}"#, code: -32600, id: "9"),
        Bad(line: #"{"id":"x","method":"ping"}"#, code: -32600, id: "\"x\""),
        Bad(line: #"{"jsonrpc":"2.0","id":9,"method":1}"#, code: -32600, id: "9"),
        Bad(line: #"{"jsonrpc":"2.0","id":9,"method":"ping","params":[]}"#, code: -32600, id: "9"),
        Bad(line: #"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, code: -32600),
        Bad(line: #"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, code: -32600),
        Bad(line: #"{"jsonrpc":"2.0","id":9,"id":9,"method":"ping"}"#, code: -32600),
    ]

    @Test("A bad line is answered with its error, and the next one is served", arguments: lines)
    func badLine(_ bad: Bad) throws {
        let daemon = try RunningDaemon(.cloisterd)
        let client = try daemon.connect()
        try client.initialize()
        try client.send(bad.line)
        let answer = try client.receive()
        #expect(answer.errorCode == bad.code)
        #expect(answer["id"]?.text == bad.id)
        try client.ping(1)
    }

    @Test(
        "Bytes that are no text are no message, and the next line is served",
        arguments: [
            [0xFF, 0xFE], [0xC3, 0x28], [0xED, 0xA0, 0x80], [0x00], [0x22, 0x00, 0x22],
        ] as [[UInt8]])
    func badBytes(bytes: [UInt8]) throws {
        let daemon = try RunningDaemon(.cloisterd)
        let client = try daemon.connect()
        try client.initialize()
        try client.sendBytes(bytes + [0x0A])
        #expect(try client.receive().errorCode == -32700)
        try client.ping(1)
    }

    @Test("Lines come in any pieces: one byte at a time, or many at once")
    func pieces() throws {
        let daemon = try RunningDaemon(.cloisterd)
        let client = try daemon.connect()
        for byte in Array(Lines.initialize(id: 0).utf8) + [0x0D, 0x0A] { try client.sendBytes([byte]) }
        #expect(try client.answer(to: 0)["result"] != nil)
        let many = (1...500).map { Lines.ping(id: $0) + "\n\n" }.joined()
        try client.sendBytes(Array(many.utf8))
        for id in 1...500 { #expect(try client.receive()["id"]?.integer == Int64(id)) }
    }

    // MARK: Long lines

    #if DEBUG
        // Without optimization the search for the line's end takes 100 ns a byte.
        static let endlessMebibytes = 24
    #else
        static let endlessMebibytes = 200
    #endif

    @Test("A line over the limit is refused before its end, the rest is skipped without being stored")
    func endlessLine() throws {
        let daemon = try RunningDaemon(.cloisterd, options: ["--line-limit", "1000000"])
        let client = try daemon.connect()
        try client.initialize()
        let mebibyte = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
        try client.sendBytes(mebibyte)
        // No newline was sent yet.
        let refusal = try client.receive()
        #expect(refusal.errorCode == -32600)
        #expect(refusal["id"]?.isNull == true)
        #expect(refusal["error"]?["data"]?["limit"]?.integer == 1_000_000)

        let before = try daemon.program.memory()
        try daemon.program.forgetPeakMemory()
        for _ in 1...Self.endlessMebibytes { try client.sendBytes(mebibyte) }
        try client.sendBytes([0x0A])
        // One refusal for the line, and then the next line's answer.
        try client.send(Lines.ping(id: 1))
        #expect(try client.receive()["id"]?.integer == 1)
        #expect(try daemon.program.peakMemory() - before < 4 << 20)
    }

    @Test("The limit counts the message without its line end", arguments: ["\n", "\r\n"])
    func exactLimit(lineEnd: String) throws {
        let daemon = try RunningDaemon(options: ["--line-limit", "4096"])
        let client = try daemon.connect()
        try client.initialize()
        func call(_ id: Int, bytes: Int) -> String {
            let empty = Lines.call(id: id, "fixture_echo", #"{"value":""}"#)
            let padding = String(repeating: "x", count: bytes - empty.utf8.count)
            return Lines.call(id: id, "fixture_echo", #"{"value":"\#(padding)"}"#) + lineEnd
        }
        try client.sendBytes(Array(call(1, bytes: 4096).utf8))
        #expect(try client.receive()["id"]?.integer == 1)
        try client.sendBytes(Array(call(2, bytes: 4097).utf8))
        #expect(try client.receive().errorCode == -32600)
        try client.ping(3)
    }

    @Test("A long message within the limit is served, and echoed unchanged")
    func longMessage() throws {
        let daemon = try RunningDaemon()
        let client = try daemon.connect()
        try client.initialize()
        let value = #""\#(String(repeating: "0123456789abcdef", count: 65_536))""#
        let answer = try client.call(1, "fixture_echo", #"{"value":\#(value)}"#)
        #expect(answer["result"]?["structuredContent"]?["value"]?.text == value)
    }

    // MARK: Too much

    @Test("1,000 requests may be in flight; one more is refused, and cancelling one makes room")
    func inFlight() throws {
        let daemon = try RunningDaemon()
        let client = try daemon.connect()
        try client.initialize()
        let ids = 1...1000
        for id in ids { try client.send(Lines.call(id: id, "fixture_sleep", #"{"ms":3600000}"#)) }
        try client.send(Lines.call(id: 1001, "fixture_echo"))
        let refusal = try client.receive()
        #expect(refusal["id"]?.integer == 1001)
        #expect(refusal.errorCode == -32603)
        #expect(refusal["error"]?["data"]?["limit"]?.integer == 1000)
        // What needs no place is served meanwhile, to this client and, with calls, to others.
        try client.ping(1002)
        let other = try daemon.connect()
        try other.initialize()
        #expect(try other.call(1, "fixture_echo")["result"] != nil)

        try client.send(Lines.cancel(id: 500))
        #expect(try client.call(1003, "fixture_echo")["result"] != nil)
        // Those of a client that goes are stopped with it.
        client.hangUp()
        var id = 2
        try Deadline().wait(for: "1000 cancelled calls") {
            id += 1
            let answer = try other.call(id, "fixture_cancelled")
            return answer["result"]?["structuredContent"]?["count"]?.integer == 1000
        }
    }

    @Test("An id in flight is not taken twice, and its own answer is not disturbed")
    func duplicateID() throws {
        let daemon = try RunningDaemon()
        let client = try daemon.connect()
        try client.initialize()
        try client.send(Lines.call(id: 1, "fixture_sleep", #"{"ms":300}"#))
        try client.send(Lines.call(id: 1, "fixture_echo"))
        let refusal = try client.receive()
        #expect(refusal.errorCode == -32600)
        #expect(refusal["id"]?.isNull == true)
        #expect(try client.receive().toolText == "slept")
        // When it is answered, the id is free.
        #expect(try client.call(1, "fixture_echo")["result"] != nil)
    }

    @Test(
        "A flood of garbage by one client does not stop another", arguments: ["x\n", "{}\n", "\u{0}"])
    func flood(garbage: String) throws {
        let daemon = try RunningDaemon()
        let flooding = try daemon.connect()
        let other = try daemon.connect()
        try other.initialize()
        let block = Array(String(repeating: garbage, count: (1 << 20) / garbage.utf8.count).utf8)
        let isEnough = Flag()
        let flood = Beside {
            while !isEnough.isUp { _ = try flooding.sendSome(block, within: .milliseconds(20)) }
        }
        let answers = Beside {
            while !isEnough.isUp { try flooding.reader.discard(within: .milliseconds(20)) }
        }
        // Not a measurement: 64 KiB of short lines are answered in one turn of the loop.
        for id in 1...3 { try other.ping(id, within: .seconds(5)) }
        isEnough.raise()
        try flood.value()
        try answers.value()
        #expect(daemon.program.isRunning)
        #expect(try daemon.program.memory() < 256 << 20)
    }

    @Test("Clients that vanish in the middle of a line, or of a call, leave nothing behind")
    func vanishing() throws {
        let daemon = try RunningDaemon()
        let witness = try daemon.connect()
        try witness.initialize()
        let before = try daemon.program.descriptorCount()
        for round in 1...50 {
            let client = try daemon.connect()
            try client.initialize()
            if round.isMultiple(of: 2) {
                try client.send(Lines.call(id: 1, "fixture_sleep", #"{"ms":3600000}"#))
            }
            try client.sendBytes(Array(#"{"jsonrpc":"2.0","id":2,"meth"#.utf8))
            client.hangUp()
        }
        try witness.ping(1)
        try Deadline().wait(for: "the descriptors of clients that are gone") {
            try daemon.program.descriptorCount() == before
        }
    }

    @Test("A client whose process is killed is like one that hangs up")
    func killedClient() throws {
        let daemon = try RunningDaemon(options: ["--verbose"])
        let input = try Linux.Pipe()
        let bridge = try Launch(Executable.bridge.path, ["--socket", daemon.socketPath]).start(
            descriptors: [0: input.reading.number])
        try ByteWriter(try input.writing.duplicate()).write(
            Lines.initialize(id: 0) + "\n" + #"{"jsonrpc":"2.0","id":1,"meth"#)
        try daemon.log(saying: "session 1 (uid \(Process.userID), pid \(bridge.pid)) opened")
        bridge.kill(SIGKILL)
        // After an end of file or a broken pipe, as it happens.
        try daemon.log(saying: "session 1 (uid \(Process.userID), pid \(bridge.pid)): closed ")
        try daemon.connect().initialize()
    }

    @Test("200 clients are served at once, each with its own answers")
    func manyClients() throws {
        let daemon = try RunningDaemon()
        let clients = try (0..<200).map { _ in try daemon.connect() }
        for client in clients { try client.send(Lines.initialize(id: 0)) }
        for client in clients { #expect(try client.receive()["result"] != nil) }
        for (number, client) in clients.enumerated() {
            try client.send(Lines.call(id: number, "fixture_echo", #"{"value":\#(number)}"#))
        }
        for (number, client) in clients.enumerated().reversed() {
            let answer = try client.receive()
            #expect(answer["id"]?.integer == Int64(number))
            #expect(answer["result"]?["structuredContent"]?["value"]?.integer == Int64(number))
        }
    }
}
