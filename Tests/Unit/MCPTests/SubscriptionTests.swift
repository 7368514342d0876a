import JSON
import TestSupport
import Testing

@testable import MCP

@Suite struct SubscriptionTests {
    private static let subscriptionID: StaticString = "io.modelcontextprotocol/subscriptionId"

    private func listen(_ id: String, _ filter: String) -> String {
        .request(id, "subscriptions/listen", #""notifications":{\#(filter)}"#, in: .v2026_07_28)
    }

    private func changed(_ conversation: inout Conversation) -> [JSONValue] {
        conversation.hear { $0.setTools(.sample, &$1) }.map(\.json)
    }

    @Test("A legacy session is told of changes once it said that it is initialized")
    func legacy() {
        var conversation = Conversation()
        #expect(changed(&conversation).isEmpty)
        _ = conversation.say(.initialize("2025-06-18"))
        #expect(changed(&conversation).isEmpty)
        let owed = conversation.say(.notification("notifications/initialized"))
        #expect(owed.map { $0.json["method"]?.string } == ["notifications/tools/list_changed"])
        #expect(changed(&conversation).count == 1)
        #expect(conversation.say(.notification("notifications/initialized")).isEmpty)
    }

    @Test("A modern session is told nothing that it did not ask for")
    func unasked() {
        var conversation = Conversation()
        conversation.open(.v2026_07_28)
        #expect(changed(&conversation).isEmpty)
        _ = conversation.say(listen("1", #""promptsListChanged":true"#))
        #expect(changed(&conversation).isEmpty)
    }

    @Test("Each listener is acknowledged first, with what is honoured, and told under its own id")
    func listeners() throws {
        var conversation = Conversation()
        let filter = #""toolsListChanged":true,"resourcesListChanged":true,"resourceSubscriptions":["a:b"]"#
        let first = conversation.say(listen("7", filter))
        let second = conversation.say(listen("seven", #""toolsListChanged":true"#))
        for (lines, id) in [(first, "7"), (second, #""seven""#)] {
            let acknowledgement = try #require(lines.first).json
            #expect(lines.count == 1)
            #expect(acknowledgement["method"]?.string == "notifications/subscriptions/acknowledged")
            let honoured = acknowledgement["params"]?["notifications"]?.members.map(\.key)
            #expect(honoured == ["toolsListChanged"])
            #expect(idText(acknowledgement) == id)
        }
        #expect(changed(&conversation).map { idText($0) } == ["7", #""seven""#])
        _ = conversation.say(.notification("notifications/cancelled", #""requestId":7"#))
        #expect(changed(&conversation).map { idText($0) } == [#""seven""#])
        #expect(conversation.session.phase == .modern)
    }

    private func idText(_ message: JSONValue) -> String? {
        message["params"]?["_meta"]?[Self.subscriptionID].map {
            String(decoding: $0.bytes, as: UTF8.self)
        }
    }

    @Test(
        "A filter of the wrong shape is refused",
        arguments: [
            #""toolsListChanged":1"#, #""resourceSubscriptions":{}"#, #""resourceSubscriptions":[1]"#,
            #""promptsListChanged":null"#,
        ])
    func badFilter(filter: String) {
        var conversation = Conversation()
        let reply = conversation.say(listen("1", filter))[0].json
        #expect(reply["error"]?["code"]?.integer == -32602)
        #expect(!conversation.session.hasCallsInFlight)
        let missing = conversation.say(.request("2", "subscriptions/listen", in: .v2026_07_28))
        #expect(missing[0].json["error"]?["code"]?.integer == -32602)
    }

    @Test("When the session closes, a listener gets its result and then the cancellation")
    func closing() {
        var conversation = Conversation()
        _ = conversation.say(listen("1", #""toolsListChanged":true"#))
        _ = conversation.say(.request("2", "tools/call", #""name":"work""#, in: .v2026_07_28))
        let lines = conversation.hear { $0.beginClosing(&$1) }.map(\.json)
        #expect(lines.count == 2)
        #expect(lines[0]["id"]?.integer == 1)
        #expect(lines[0]["result"]?["resultType"]?.string == "complete")
        #expect(lines[0]["result"]?["_meta"]?[Self.subscriptionID]?.integer == 1)
        #expect(lines[1]["method"]?.string == "notifications/cancelled")
        #expect(lines[1]["params"]?["requestId"]?.integer == 1)
        #expect(conversation.session.hasCallsInFlight, "the call may still be answered")
        let late = conversation.say(.request("3", "tools/list", in: .v2026_07_28))[0].json
        #expect(late["error"]?["code"]?.integer == -32603)
        let call = conversation.startedCalls[0].id
        let answer = conversation.hear { $0.finish(call, with: .text("done"), &$1) }
        #expect(answer.count == 1)
    }
}
