import JSON
import TestSupport
import Testing

@testable import MCP

@Suite struct BatchTests {
    private func opened(_ revision: Revision = .v2025_03_26) -> Conversation {
        var conversation = Conversation("batch-\(revision.rawValue)")
        conversation.open(revision)
        return conversation
    }

    private static func ping(_ id: String) -> String {
        #"{"jsonrpc":"2.0","id":\#(id),"method":"ping"}"#
    }

    private static let call =
        #"{"jsonrpc":"2.0","id":"c","method":"tools/call","params":{"name":"work"}}"#
    private static let note = String.notification("notifications/x")

    @Test(
        "Batches belong to one revision; elsewhere they are refused whole",
        arguments: Revision.allCases.filter { $0 != .v2025_03_26 })
    func elsewhere(revision: Revision) {
        var conversation = opened(revision)
        let replies = conversation.say("[\(Self.ping("1")),\(Self.ping("2"))]")
        #expect(replies.count == 1)
        #expect(replies[0].json["error"]?["code"]?.integer == -32600)
    }

    @Test("A batch is answered by one array, what is wrong in it included")
    func answered() {
        var conversation = opened()
        let replies = conversation.say("[\(Self.ping("1")),\(Self.note),7,\(Self.ping(#""b""#))]")
        #expect(replies.count == 1)
        let elements = Array(replies[0].json.elements)
        #expect(elements.count == 3)
        #expect(elements[0]["id"]?.integer == 1)
        #expect(elements[1]["error"]?["code"]?.integer == -32600)
        #expect(elements[2]["id"]?.string == "b")
    }

    @Test("A batch waits for its last call, and only for that")
    func waits() throws {
        var conversation = opened()
        #expect(conversation.say("[\(Self.call),\(Self.ping("1"))]").isEmpty)
        #expect(conversation.say(Self.ping("2")).count == 1)
        let call = try #require(conversation.startedCalls.first)
        let replies = conversation.hear { $0.finish(call.id, with: .text("x"), &$1) }
        #expect(replies.count == 1)
        #expect(replies[0].json.elements.compactMap { $0["id"]?.string } == ["c"])
        #expect(replies[0].json.count == 2)
    }

    @Test("A batch whose calls are cancelled is answered with the rest, or with nothing")
    func cancelled() {
        let cancel = String.notification("notifications/cancelled", #""requestId":"c""#)
        var conversation = opened()
        _ = conversation.say("[\(Self.call),\(Self.ping("1"))]")
        let replies = conversation.say(cancel)
        #expect(replies.count == 1)
        #expect(replies[0].json.count == 1)
        _ = conversation.say("[\(Self.call)]")
        #expect(conversation.say(cancel).isEmpty)
        #expect(conversation.cancelledCalls.count == 2)
        #expect(conversation.say("[\(Self.call),\(cancel)]").isEmpty)
    }

    @Test("A batch of notifications is answered by nothing, an empty one by an error")
    func nothing() {
        var conversation = opened()
        #expect(conversation.say("[\(Self.note),\(Self.note)]").isEmpty)
        #expect(conversation.say("[]")[0].json["error"]?["code"]?.integer == -32600)
    }

    @Test("initialize cannot be batched, neither first nor again")
    func initialize() {
        var fresh = Conversation()
        let refused = fresh.say("[\(String.initialize("2025-03-26"))]")
        #expect(refused[0].json["error"]?["code"]?.integer == -32600)
        #expect(fresh.session.phase == .undecided)
        var conversation = opened()
        let replies = conversation.say("[\(String.initialize("2025-03-26"))]")[0].json
        #expect(replies.first?["error"]?["code"]?.integer == -32600)
    }

    @Test("The answers that wait for a slow call are limited in bytes")
    func bytesLimit() throws {
        var limits = SessionLimits()
        limits.bytesInBatches = 2000
        var conversation = Conversation(limits: limits, "batch-bytes")
        conversation.open(.v2025_03_26)
        let pings = (0..<200).map { Self.ping("\($0)") }.joined(separator: ",")
        #expect(conversation.say("[\(Self.call),\(pings)]").isEmpty)
        let call = try #require(conversation.startedCalls.first)
        let answers = conversation.hear { $0.finish(call.id, with: .text("x"), &$1) }[0].json.elements
        let codes = answers.map { $0["error"]?["code"]?.integer }
        #expect(codes.count == 201)
        #expect(codes.first == .some(nil))
        #expect(codes.contains(-32603))
    }

    @Test("A batch is limited, so that a short line cannot ask for endless answers")
    func limit() {
        var conversation = opened()
        let most = "[" + Array(repeating: "1", count: 1000).joined(separator: ",") + "]"
        #expect(conversation.say(most)[0].json.count == 1000)
        let more = "[" + Array(repeating: "1", count: 1001).joined(separator: ",") + "]"
        #expect(conversation.say(more)[0].json["error"]?["code"]?.integer == -32600)
    }
}
