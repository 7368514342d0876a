import JSON
import TestSupport
import Testing

@testable import MCP

/// Each method in each revision that has it.
@Suite struct MethodTests {
    static let legacyRevisions = Revision.allCases.filter { $0.era == .legacy }

    private func opened(_ revision: Revision, tools: ToolCatalogue = .sample) -> Conversation {
        var conversation = Conversation(tools: tools, "method-\(revision.rawValue)")
        conversation.open(revision)
        return conversation
    }

    /// What every result of a revision has and has not.
    private func expectManners(
        _ result: JSONValue?, _ revision: Revision, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let serverInfo = result?["_meta"]?["io.modelcontextprotocol/serverInfo"]
        switch revision.era {
        case .legacy:
            for key in ["resultType", "ttlMs", "cacheScope", "_meta"] {
                #expect(
                    result?.members.contains { $0.key == key } == false,
                    sourceLocation: sourceLocation)
            }
        case .modern:
            #expect(
                result?["resultType"]?.string == "complete", sourceLocation: sourceLocation)
            #expect(serverInfo?["name"]?.string == "test", sourceLocation: sourceLocation)
        }
    }

    @Test("initialize describes the server", arguments: legacyRevisions)
    func initialize(revision: Revision) {
        var conversation = Conversation()
        let result = conversation.say(.initialize(revision.rawValue))[0].json["result"]
        #expect(result?["serverInfo"]?["name"]?.string == "test")
        #expect((result?["serverInfo"]?["title"] != nil) == revision.isAtLeast(.v2025_06_18))
        #expect(result?["capabilities"]?["tools"]?["listChanged"]?.bool == true)
        #expect(result?["capabilities"]?["logging"]?.isObject == true)
        #expect(result?["instructions"]?.string == "none")
        #expect(conversation.session.clientInfo?.name == "test")
        expectManners(result, revision)
    }

    @Test(
        "initialize without what it needs is refused, and nothing is decided",
        arguments: [
            #""capabilities":{},"clientInfo":{"name":"a","version":"1"}"#,
            #""protocolVersion":1,"capabilities":{},"clientInfo":{"name":"a","version":"1"}"#,
            #""protocolVersion":"2025-06-18","clientInfo":{"name":"a","version":"1"}"#,
            #""protocolVersion":"2025-06-18","capabilities":[],"clientInfo":{"name":"a","version":"1"}"#,
            #""protocolVersion":"2025-06-18","capabilities":{}"#,
            #""protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"a"}"#,
        ])
    func badInitialize(params: String) {
        var conversation = Conversation()
        let reply = conversation.say(.request("1", "initialize", params, in: .v2025_06_18))[0].json
        #expect(reply["error"]?["code"]?.integer == -32602)
        #expect(conversation.session.phase == .undecided)
    }

    @Test("server/discover says what is served, with cache hints and without serverInfo in its body")
    func discover() {
        var conversation = Conversation()
        let result = conversation.say(.request("d", "server/discover", in: .v2026_07_28))[0]
            .json["result"]
        #expect(result?["supportedVersions"]?.first?.string == "2026-07-28")
        #expect(result?["supportedVersions"]?.count == 5)
        #expect(result?["serverInfo"] == nil)
        #expect((result?["ttlMs"]?.integer ?? -1) >= 0)
        #expect(result?["cacheScope"]?.string == "public")
        expectManners(result, .v2026_07_28)
    }

    @Test("tools/list shows of a tool what the revision knows", arguments: Revision.allCases)
    func list(revision: Revision) {
        var conversation = opened(revision)
        let result = conversation.say(.request("1", "tools/list", in: revision))[0].json["result"]
        let tool = result?["tools"]?.first
        let expected: [String] =
            switch revision {
            case .v2024_11_05: ["name", "description", "inputSchema"]
            case .v2025_03_26: ["name", "description", "inputSchema", "annotations"]
            default: ["name", "title", "description", "inputSchema", "outputSchema", "annotations"]
            }
        #expect(tool?.members.map(\.key) == expected)
        #expect((result?["ttlMs"]?.integer != nil) == (revision.era == .modern))
        #expect((result?["cacheScope"]?.string == "private") == (revision.era == .modern))
        #expect(result?["nextCursor"] == nil)
        expectManners(result, revision)
    }

    @Test("tools/list gives pages to the end, each tool once and sorted", arguments: Revision.allCases)
    func pages(revision: Revision) throws {
        let names = ["b", "a", "e", "d", "c"]
        let tools = ToolCatalogue(names.map { .sample($0) }, pageSize: 2)
        var conversation = opened(revision, tools: tools)
        var seen: [String] = []
        var cursor = ""
        for _ in 0..<3 {
            let result = conversation.say(
                .request("1", "tools/list", #""cursor":"\#(cursor)""#, in: revision))[0].json["result"]
            seen += (result?["tools"]?.elements.compactMap { $0["name"]?.string }) ?? []
            guard let next = result?["nextCursor"]?.string else { break }
            cursor = next
        }
        #expect(seen == names.sorted())
    }

    @Test("A cursor stays good when the tool that it names has gone")
    func cursorOfVanishedTool() {
        var conversation = opened(
            .v2025_06_18, tools: ToolCatalogue([.sample("a"), .sample("b"), .sample("c")], pageSize: 2))
        _ = conversation.hear { session, out in
            session.setTools(ToolCatalogue([.sample("a"), .sample("c")], pageSize: 2), &out)
        }
        let result = conversation.say(
            .request("1", "tools/list", #""cursor":"after:b""#, in: .v2025_06_18))[0].json["result"]
        #expect(result?["tools"]?.elements.compactMap { $0["name"]?.string } == ["c"])
    }

    @Test(
        "A cursor that was not given out is refused",
        arguments: [#""next""#, #""after:""#, #""after:no good""#, "1", "null", "{}"])
    func badCursor(cursor: String) {
        for revision in Revision.allCases {
            var conversation = opened(revision)
            let reply = conversation.say(
                .request("1", "tools/list", #""cursor":\#(cursor)"#, in: revision))[0].json
            #expect(reply["error"]?["code"]?.integer == -32602)
        }
    }

    @Test("tools/call becomes a call, and its result an answer", arguments: Revision.allCases)
    func call(revision: Revision) throws {
        var conversation = opened(revision)
        let lines = conversation.say(
            .request("c", "tools/call", #""name":"work","arguments":{"n":9007199254740993}"#, in: revision))
        #expect(lines.isEmpty)
        let call = try #require(conversation.startedCalls.first)
        #expect(call.tool == "work")
        #expect(call.revision == revision)
        #expect(call.arguments?["n"]?.integer == 9_007_199_254_740_993)
        let result = ToolResult.structured { $0.member("n", 1) }
        let reply = conversation.hear { $0.finish(call.id, with: result, &$1) }[0].json
        #expect(reply["id"]?.string == "c")
        let text = reply["result"]?["content"]?.first?["text"]?.string
        #expect(text == #"{"n":1}"#)
        let structured = reply["result"]?["structuredContent"]
        #expect((structured?["n"]?.integer == 1) == revision.isAtLeast(.v2025_06_18))
        #expect(reply["result"]?["isError"] == nil)
        expectManners(reply["result"], revision)
        #expect(!conversation.session.hasCallsInFlight)
    }

    @Test(
        "A tool's failure is a result that says so; a call's failure is an error",
        arguments: Revision.allCases)
    func failures(revision: Revision) {
        var conversation = opened(revision)
        for id in ["1", "2"] {
            _ = conversation.say(.request(id, "tools/call", #""name":"work""#, in: revision))
        }
        let calls = conversation.startedCalls
        let failed = conversation.hear { $0.finish(calls[0].id, with: .failure("no"), &$1) }[0].json
        #expect(failed["result"]?["isError"]?.bool == true)
        expectManners(failed["result"], revision)
        let error = conversation.hear { $0.fail(calls[1].id, with: .internalError("x"), &$1) }[0].json
        #expect(error["error"]?["code"]?.integer == -32603)
        #expect(error["id"]?.integer == 2)
    }

    @Test(
        "A call that cannot be one is refused",
        arguments: [
            "", #""name":1"#, #""name":"nobody""#, #""name":"work","arguments":[]"#,
            #""name":"work","arguments":null"#, #""name":"work","arguments":"x""#,
        ])
    func badCalls(params: String) {
        for revision in Revision.allCases {
            var conversation = opened(revision)
            let reply = conversation.say(.request("1", "tools/call", params, in: revision))[0].json
            #expect(reply["error"]?["code"]?.integer == -32602)
            #expect(conversation.startedCalls.isEmpty)
        }
    }

    @Test(
        "Kinds of content that a revision has no word for become the nearest that it has",
        arguments: Revision.allCases)
    func content(revision: Revision) throws {
        var conversation = opened(revision)
        _ = conversation.say(.request("1", "tools/call", #""name":"work""#, in: revision))
        let result = ToolResult([
            .text("t\u{1}"), .image(base64: "AA==", mimeType: "image/png"),
            .audio(base64: "AA==", mimeType: "audio/wav"),
            .resource(uri: "a:b", mimeType: "text/plain", .text("x")),
            .resource(uri: "a:c", mimeType: "x/y", .blob(base64: "AA==")),
            .resourceLink(uri: "a:d", name: "d", mimeType: nil),
        ])
        let call = try #require(conversation.startedCalls.first)
        let reply = conversation.hear { $0.finish(call.id, with: result, &$1) }[0].json
        let types = reply["result"]?["content"]?.elements.compactMap { $0["type"]?.string }
        let audio = revision.isAtLeast(.v2025_03_26) ? "audio" : "resource"
        let link = revision.isAtLeast(.v2025_06_18) ? "resource_link" : "text"
        #expect(types == ["text", "image", audio, "resource", "resource", link])
    }

    @Test("ping is answered with nothing in it", arguments: legacyRevisions)
    func ping(revision: Revision) {
        var conversation = opened(revision)
        #expect(
            conversation.say(#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#) == [
                #"{"jsonrpc":"2.0","id":1,"result":{}}"#
            ])
    }
}
