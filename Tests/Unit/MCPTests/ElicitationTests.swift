import JSON
import TestSupport
import Testing

@testable import MCP

/// A call that asks the application's user, in both eras.
@Suite struct ElicitationTests {
    private static let legacy = [Revision.v2025_06_18, .v2025_11_25]
    private let form = Form(message: "May it?", title: "Answer", choices: ["once", "no"])

    private func opened(
        _ revision: Revision, capabilities: String = #""elicitation":{}"#, _ name: String = #function
    ) throws -> (Conversation, ToolCall) {
        var conversation = Conversation("elicitation-\(name)-\(revision.rawValue)")
        conversation.open(revision, capabilities: capabilities)
        let lines = conversation.say(
            .request("7", "tools/call", #""name":"work""#, capabilities: capabilities, in: revision))
        #expect(lines.isEmpty)
        return (conversation, try #require(conversation.startedCalls.last))
    }

    /// What is sent, if it can be asked.
    private func ask(_ conversation: inout Conversation, _ call: ToolCall) -> [String] {
        var isAsked = false
        let lines = conversation.hear { isAsked = $0.ask(call.id, form, &$1) }
        #expect(isAsked == !lines.isEmpty)
        return lines
    }

    @Test(
        "Who can be asked, and how",
        arguments: [
            (Revision.v2025_03_26, #""elicitation":{}"#, ElicitationSupport.none),
            (.v2025_06_18, "", .none),
            (.v2025_06_18, #""elicitation":{}"#, .byRequest),
            (.v2025_06_18, #""elicitation":true"#, .none),
            (.v2025_11_25, #""elicitation":{"form":{}}"#, .byRequest),
            (.v2025_11_25, #""elicitation":{"form":{},"url":{}}"#, .byRequest),
            (.v2025_11_25, #""elicitation":{"url":{}}"#, .none),
            (.v2026_07_28, #""elicitation":{}"#, .byRetry),
            (.v2026_07_28, #""elicitation":{"url":{}}"#, .none),
            (.v2026_07_28, "", .none),
        ])
    func support(revision: Revision, capabilities: String, support: ElicitationSupport) throws {
        var (conversation, call) = try opened(revision, capabilities: capabilities)
        #expect(call.elicitation == support)
        #expect(ask(&conversation, call).count == (support == .byRequest ? 1 : 0))
    }

    @Test(
        "A legacy client is asked by a request, and its answer is an effect", arguments: legacy,
        [
            (#""result":{"action":"accept","content":{"answer":"once"}}"#, FormAnswer.chosen("once")),
            (#""result":{"action":"accept","content":{"answer":"always"}}"#, .malformed),
            (#""result":{"action":"accept","content":{"answer":["once"]}}"#, .malformed),
            (#""result":{"action":"accept"}"#, .malformed),
            (#""result":{"action":"decline","content":{"answer":"once"}}"#, .declined),
            (#""result":{"action":"cancel"}"#, .dismissed),
            (#""result":{"action":"agree","content":{"answer":"once"}}"#, .malformed),
            (#""result":[]"#, .malformed),
            (#""error":{"code":-32601,"message":"no"}"#, .malformed),
            (
                #""result":{"action":"accept","content":{"answer":"once"}},"error":{"code":1,"message":""}"#,
                .malformed
            ),
        ])
    func asked(revision: Revision, answer: (String, FormAnswer)) throws {
        var (conversation, call) = try opened(revision)
        let asked = try #require(ask(&conversation, call).first).json
        #expect(asked["method"]?.isString("elicitation/create") == true)
        #expect(asked["params"]?["message"]?.isString("May it?") == true)
        let schema = asked["params"]?["requestedSchema"]?["properties"]?["answer"]
        #expect(schema?["enum"]?.elements.compactMap(\.string) == form.choices)
        let id = try #require(asked["id"]?.integer)
        // One at a time.
        #expect(ask(&conversation, call) == [])

        // None of ours.
        for other in [#""\#(id)""#, "\(id + 1)", "null", "7"] where other != "\(id)" {
            #expect(conversation.say(#"{"jsonrpc":"2.0","id":\#(other),\#(answer.0)}"#) == [])
        }
        #expect(conversation.answers == [])
        let reply = #"{"jsonrpc":"2.0","id":\#(id),\#(answer.0)}"#
        #expect(conversation.say(reply) == [] && conversation.say(reply) == [])
        #expect(conversation.answers == [answer.1])
        // It may be asked again, and answered then.
        #expect(ask(&conversation, call).count == 1)
        #expect(conversation.say(#"{"jsonrpc":"2.0","id":\#(id + 1),\#(answer.0)}"#) == [])
        #expect(conversation.answers.count == 2)
    }

    @Test("A question that waits is taken back when its call is over", arguments: legacy, 0..<4)
    func takenBack(revision: Revision, end: Int) throws {
        var (conversation, call) = try opened(revision)
        let asked = try #require(ask(&conversation, call).first).json
        let lines =
            switch end {
            case 0: conversation.hear { $0.finish(call.id, with: .text("done"), &$1) }
            case 1: conversation.hear { $0.fail(call.id, with: .internalError("x"), &$1) }
            case 2: conversation.say(.notification("notifications/cancelled", #""requestId":7"#))
            default: conversation.hear { $0.withdrawQuestion(of: call.id, &$1) }
            }
        let withdrawal = try #require(lines.first).json
        #expect(withdrawal["method"]?.isString("notifications/cancelled") == true)
        #expect(withdrawal["params"]?["requestId"]?.integer == asked["id"]?.integer)
        #expect(lines.count == (end < 2 ? 2 : 1))
        let id = try #require(asked["id"]?.integer)
        #expect(
            conversation.say(
                #"{"jsonrpc":"2.0","id":\#(id),"result":{"action":"accept","content":{"answer":"once"}}}"#)
                == [])
        #expect(conversation.answers == [])
    }

    @Test("A modern client gets the question as a result, and brings the answer with the call")
    func retried() throws {
        var (conversation, call) = try opened(.v2026_07_28)
        #expect(call.retry == nil)
        let lines = conversation.hear { $0.requireInput(call.id, form, state: "s\u{e9}\"", &$1) }
        let result = try #require(lines.first?.json["result"])
        #expect(result["resultType"]?.isString("input_required") == true)
        #expect(result["requestState"]?.string == "s\u{e9}\"" && result["content"] == nil)
        #expect(result["inputRequests"]?["consent"]?["method"]?.isString("elicitation/create") == true)

        for (responses, answer) in [
            (
                #","inputResponses":{"consent":{"action":"accept","content":{"answer":"no"}}}"#,
                FormAnswer.chosen("no")
            ),
            (#","inputResponses":{"consent":{"action":"decline"},"other":5}"#, .declined),
            (#","inputResponses":{"consent":5}"#, .malformed),
            (#","inputResponses":{"other":{"action":"accept"}}"#, nil), ("", nil),
        ] as [(String, FormAnswer?)] {
            _ = conversation.say(
                .request(
                    "again\(conversation.startedCalls.count)", "tools/call",
                    #""name":"work","requestState":"state"\#(responses)"#, in: .v2026_07_28))
            let retry = try #require(conversation.startedCalls.last?.retry)
            #expect(retry.state == "state" && retry.answer(to: form) == answer)
        }
        for wrong in [#""requestState":5"#, #""requestState":"s","inputResponses":[]"#] {
            let reply = conversation.say(
                .request("wrong", "tools/call", #""name":"work",\#(wrong)"#, in: .v2026_07_28))
            #expect(reply.first?.json["error"]?["code"]?.integer == -32602)
        }
    }

    @Test("A legacy call has no second round")
    func legacyHasNoRetry() throws {
        var (conversation, _) = try opened(.v2025_11_25)
        _ = conversation.say(
            .request("2", "tools/call", #""name":"work","requestState":"state""#, in: .v2025_11_25))
        let call = try #require(conversation.startedCalls.last)
        #expect(conversation.startedCalls.count == 2 && call.retry == nil)
    }
}
