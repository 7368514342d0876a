import JSON
import TestSupport
import Testing

@testable import MCP

@Suite struct ContinuationTests {
    private static let modern =
        #"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"m","version":"1"}}"#

    private func opened(_ revision: Revision) -> Conversation {
        var conversation = Conversation("continuation-\(revision.rawValue)")
        conversation.open(revision)
        return conversation
    }

    /// As another process has it.
    private func next(_ old: ServerSession) throws -> (ServerSession, [ToolCall], Outbox) {
        var session = ServerSession(old.server, tools: old.catalogue, limits: old.limits)
        session.resume(
            try #require(SessionStanding(decoding: old.standing.encoded)), old.openBatches)
        var out = Outbox()
        let calls = old.openRequests.compactMap { session.takeUp($0, &out) }
        session.endTakingUp(&out)
        return (session, calls, out)
    }

    @Test("What a session has become is read as it was written", arguments: Revision.allCases)
    func standing(revision: Revision) throws {
        let conversation = opened(revision)
        let (session, calls, out) = try next(conversation.session)
        #expect(session.standing == conversation.session.standing)
        #expect(session.revision == conversation.session.revision)
        #expect(calls.isEmpty && out.bytes.isEmpty && out.effects.isEmpty)
    }

    @Test(
        "What nobody wrote is no standing",
        arguments: ["", "{}", "[]", #"{"revision":"1999-01-01"}"#, #"{"initialized":true}"#])
    func nonsense(text: String) {
        #expect(SessionStanding(decoding: Array(text.utf8)) == nil)
    }

    @Test(
        "A call is taken up with its id and progress token, and is answered once",
        arguments: Revision.allCases)
    func call(revision: Revision) throws {
        var conversation = opened(revision)
        _ = conversation.say(
            .request("7", "tools/call", #""name":"work""#, meta: #""progressToken":"t""#, in: revision))
        let old = try #require(conversation.startedCalls.last)
        _ = conversation.hear { $0.progress(old.id, 0.5, message: "half", &$1) }
        var (session, calls, out) = try next(conversation.session)
        let call = try #require(calls.first)
        #expect(calls.count == 1 && call.tool == "work" && call.revision == old.revision)
        #expect(out.bytes.isEmpty)
        // What was reported there is not reported again.
        session.progress(call.id, 0.5, &out)
        #expect(out.bytes.isEmpty)
        session.progress(call.id, 0.75, &out)
        #expect(String(decoding: out.bytes, as: UTF8.self).contains(#""progressToken":"t""#))
        out = Outbox()
        session.finish(call.id, with: .text("done"), &out)
        let answer = try JSONDocument(Array(out.bytes.dropLast())).root
        #expect(answer["id"]?.integer == 7)
        #expect(!session.hasCallsInFlight)
    }

    @Test("A call of a tool that is no more is answered with an error")
    func withoutTool() throws {
        var conversation = opened(.v2025_11_25)
        _ = conversation.say(.request("7", "tools/call", #""name":"work""#, in: .v2025_11_25))
        var session = ServerSession(conversation.session.server, tools: ToolCatalogue([]))
        session.resume(conversation.session.standing, [])
        var out = Outbox()
        let request = try #require(conversation.session.openRequests.first)
        #expect(session.takeUp(request, &out) == nil)
        let answer = try JSONDocument(Array(out.bytes.dropLast())).root
        #expect(answer["id"]?.integer == 7 && answer["error"] != nil)
    }

    @Test("A subscription goes on, and is not acknowledged again")
    func subscription() throws {
        var conversation = Conversation("continuation-listen")
        _ = conversation.say(
            #"{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"_meta":\#(Self.modern),"notifications":{"toolsListChanged":true}}}"#
        )
        var (session, calls, out) = try next(conversation.session)
        #expect(calls.isEmpty && out.bytes.isEmpty && session.hasCallsInFlight)
        session.setTools(session.catalogue, &out)
        #expect(String(decoding: out.bytes, as: UTF8.self).contains("list_changed"))
    }

    @Test("A batch is answered whole, with what was answered there")
    func batch() throws {
        var conversation = opened(.v2025_03_26)
        func call(_ id: String) -> String {
            #"{"jsonrpc":"2.0","id":"\#(id)","method":"tools/call","params":{"name":"work"}}"#
        }
        let (a, b) = (call("a"), call("b"))
        _ = conversation.say(#"[\#(a),\#(b),{"jsonrpc":"2.0","id":"p","method":"ping"}]"#)
        let first = try #require(conversation.startedCalls.first)
        #expect(conversation.hear { $0.finish(first.id, with: .text("x"), &$1) }.isEmpty)
        var (session, calls, out) = try next(conversation.session)
        #expect(calls.count == 1 && out.bytes.isEmpty)
        session.finish(calls[0].id, with: .text("y"), &out)
        let answers = try JSONDocument(Array(out.bytes.dropLast())).root
        #expect(Set(answers.elements.compactMap { $0["id"]?.string }) == ["a", "b", "p"])
        #expect(session.openBatches.isEmpty)
    }

    @Test("A batch of which nothing is left is answered at once")
    func finishedBatch() throws {
        var session = ServerSession(opened(.v2025_03_26).session.server, tools: ToolCatalogue([]))
        session.resume(.new, [.init(number: 3, responses: [Array(#"{"id":1}"#.utf8)])])
        var out = Outbox()
        session.endTakingUp(&out)
        #expect(String(decoding: out.bytes, as: UTF8.self) == #"[{"id":1}]"# + "\n")
    }

    @Test("Whoever keeps it elsewhere hears what is opened and closed")
    func changes() throws {
        var conversation = opened(.v2025_11_25)
        #expect(conversation.session.changes == nil)
        conversation.session.changes = []
        _ = conversation.say(.request("7", "tools/call", #""name":"work""#, in: .v2025_11_25))
        let call = try #require(conversation.startedCalls.last)
        #expect(conversation.session.changes == [.opened(call.id)])
        _ = conversation.hear { $0.finish(call.id, with: .text("x"), &$1) }
        #expect(conversation.session.changes == [.opened(call.id), .closed(call.id)])
    }
}
