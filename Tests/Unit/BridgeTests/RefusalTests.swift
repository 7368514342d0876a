import JSON
import Linux
import MCP
import TestSupport
import Testing

@testable import Bridge

@Suite struct RefusalTests {
    struct Reason: Sendable, CustomTestStringConvertible {
        let errno: Errno
        let advice: String
        var testDescription: String { errno.description }
    }

    static let reasons = [
        Reason(errno: .notFound, advice: "systemctl enable --now cloisterd.socket"),
        Reason(errno: .connectionRefused, advice: "systemctl restart cloisterd.socket"),
        Reason(errno: .permissionDenied, advice: "ls -l /run/s"),
        Reason(errno: .nameTooLong, advice: "at most 107 bytes"),
        Reason(errno: .invalid, advice: "systemctl status cloisterd.socket"),
    ]

    @Test("Each reason has its own advice, beside what failed", arguments: reasons)
    func advice(_ reason: Reason) {
        let refusal = Refusal(SystemError("connect", reason.errno, "/run/s"), socket: "/run/s")
        #expect(
            refusal.explanation.hasPrefix("cannot reach cloisterd (connect /run/s: \(reason.errno)). "))
        #expect(refusal.explanation.contains(reason.advice))
        #expect(!refusal.explanation.contains("\n"))
    }

    @Test(
        "Every request is answered, initialize as the last one; nothing else is",
        arguments: [
            (#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#, "1", true),
            (#"{"jsonrpc":"2.0","id":"1","method":"server/discover"}"#, "\"1\"", false),
            (#"{"jsonrpc":"2.0","id":-5,"method":"tools/list"}"#, "-5", false),
            (#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, nil, false),
            (#"{"jsonrpc":"2.0","method":"initialize"}"#, nil, false),
            (#"{"jsonrpc":"2.0","id":1,"result":{}}"#, nil, false),
            (#"{"jsonrpc":"2.0","id":null,"method":"initialize"}"#, nil, false),
            (#"{"jsonrpc":"2.0","id":1.5,"method":"initialize"}"#, nil, false),
            (#"[{"jsonrpc":"2.0","id":1,"method":"initialize"}]"#, nil, false),
            ("{", nil, false),
        ] as [(String, String?, Bool)])
    func answers(line: String, id: String?, isLast: Bool) throws {
        let refusal = Refusal(SystemError("connect", .notFound, "/s"), socket: "/s")
        let answer = refusal.answer(to: .line(Array(line.utf8)))
        #expect(answer.isLast == isLast)
        guard let id else {
            #expect(answer.reply == nil)
            return
        }
        let reply = try #require(answer.reply)
        #expect(reply.last == UInt8(ascii: "\n"))
        let message = try JSONDocument(Array(reply.dropLast())).root
        #expect(message["id"]?.text == id)
        #expect(message["error"]?["code"]?.integer == -32603)
        #expect(message["error"]?["message"]?.string == refusal.explanation)
    }

    @Test("A line beyond all measure is not answered")
    func tooLong() {
        let refusal = Refusal(SystemError("connect", .notFound, "/s"), socket: "/s")
        #expect(refusal.answer(to: .tooLong).reply == nil)
    }

    @Test("A whole answer is written, however little room there is for it")
    func slowReader() throws {
        let refusal = Refusal(SystemError("connect", .notFound, "/s"), socket: "/s")
        let output = try SocketPair(programsBlocks: false)
        let input = try Linux.Pipe()
        // More questions than there is room for answers, until somebody reads them.
        let questions = (1...2000).map {
            #"{"jsonrpc":"2.0","id":\#($0),"method":"tools/list"}"# + "\n"
        }
        let application = ByteWriter(try input.writing.duplicate())
        let asking = Beside {
            try application.write(questions.joined())
            try application.write(#"{"jsonrpc":"2.0","id":0,"method":"initialize"}"# + "\n")
        }
        let (reading, writing) = (Held(try input.reading.duplicate()), Held(try output.programsEnd()))
        let serving = Beside { try refusal.serve(reading.fd, writing.fd, until: nil) }
        try asking.value()
        for id in Array(1...2000) + [0] {
            let line = try #require(try output.ours.reader.readLine())
            #expect(try JSONDocument(line).root["id"]?.integer == Int64(id))
        }
        try serving.value()
    }

    private final class Held: Sendable {
        let fd: OwnedFD
        init(_ fd: consuming OwnedFD) { self.fd = fd }
    }
}
