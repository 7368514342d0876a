import JSON
import TestSupport
import Testing

@testable import MCP

@Suite struct MessageShapeTests {
    static let refused: [(line: String, code: Int, id: String)] = [
        (#"{"jsonrpc":"2.0","id":1,"method":"ping""#, -32700, "null"),
        ("nonsense", -32700, "null"),
        (#"{"jsonrpc":"2.0","id":1,"method":"ping"} x"#, -32700, "null"),
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"pi\u{1}ng\"}", -32700, "null"),
        (String(repeating: "[", count: 129), -32700, "null"),
        ("1", -32600, "null"),
        (#""ping""#, -32600, "null"),
        ("null", -32600, "null"),
        ("[]", -32600, "null"),
        (#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600, "null"),
        ("{}", -32600, "null"),
        (#"{"jsonrpc":"2.0","id":1}"#, -32600, "1"),
        (#"{"id":1,"method":"ping"}"#, -32600, "1"),
        (#"{"jsonrpc":"1.0","id":"a","method":"ping"}"#, -32600, #""a""#),
        (#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#, -32600, "1"),
        (#"{"jsonrpc":"2.0","id":1,"method":1}"#, -32600, "1"),
        (#"{"jsonrpc":"2.0","method":1}"#, -32600, "null"),
        (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#, -32600, "1"),
        (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":null}"#, -32600, "1"),
        (#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600, "null"),
        (#"{"jsonrpc":"2.0","id":1.0,"method":"ping"}"#, -32600, "null"),
        (#"{"jsonrpc":"2.0","id":1e3,"method":"ping"}"#, -32600, "null"),
        (#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, -32600, "null"),
        (#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, -32600, "null"),
        (#"{"jsonrpc":"2.0","id":1,"id":1,"method":"ping"}"#, -32600, "null"),
        (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":{"b":1,"\u0062":2}}}"#, -32600, "null"),
        (#"{"jsonrpc":"2.0","method":"notifications/x","params":{"a":1,"a":1}}"#, -32600, "null"),
    ]

    @Test("What is not a message is refused, and the connection goes on", arguments: refused)
    func refusal(line: String, code: Int, id: String) throws {
        var conversation = Conversation()
        let replies = conversation.say(line)
        #expect(replies.count == 1)
        let reply = try #require(replies.first).json
        #expect(reply["error"]?["code"]?.integer == Int64(code))
        #expect(reply["id"].map { String(decoding: $0.bytes, as: UTF8.self) } == id)
        #expect(conversation.say(.request("9", "ping", in: .v2025_06_18)).count == 1)
    }

    @Test(
        "What nobody waits for is dropped without a word",
        arguments: [
            "", " \t ", #"{"jsonrpc":"2.0","method":"x","params":[]}"#, #"{"method":"x"}"#,
            #"{"jsonrpc":"2.0","id":1,"result":{}}"#, #"{"id":[],"error":{}}"#,
        ])
    func silence(line: String) {
        var conversation = Conversation()
        #expect(conversation.say(line).isEmpty)
    }

    @Test(
        "An id comes back byte for byte",
        arguments: [
            "0", "-1", "9223372036854775808", "123456789012345678901234567890", #""1""#, #""""#,
            #""\u00e9\n""#, #""é""#,
        ])
    func ids(id: String) {
        var conversation = Conversation()
        let replies = conversation.say(#"{"jsonrpc":"2.0","id":\#(id),"method":"ping"}"#)
        #expect(replies == [#"{"jsonrpc":"2.0","id":\#(id),"result":{}}"#])
    }

    @Test("A parse error says at which byte, a line over the limit says what the limit is")
    func data() {
        var conversation = Conversation()
        let error = conversation.say(#"{"a":tru}"#)[0].json["error"]
        #expect(error?["data"]?["offset"]?.integer == 5)
        let long = conversation.hear { $0.receive(.tooLong, lineLimit: 99, &$1) }[0].json["error"]
        #expect(long?["code"]?.integer == -32600)
        #expect(long?["data"]?["limit"]?.integer == 99)
    }

    @Test("Every error code is the one that JSON-RPC or MCP gave it, and none is from the free range")
    func codes() {
        let codes = ErrorCode.allCases.map(\.rawValue)
        #expect(codes == [-32700, -32600, -32601, -32602, -32603, -32021, -32022])
        #expect(codes.allSatisfy { !(-32019 ... -32000).contains($0) })
    }
}
