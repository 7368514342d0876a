import JSON
import TestSupport
import Testing

@testable import MCP

/// What happens between a call's start and its answer.
@Suite struct CallTests {
    private func opened(
        _ revision: Revision, limits: SessionLimits = SessionLimits()
    ) -> Conversation {
        var conversation = Conversation(limits: limits, "call-\(revision.rawValue)")
        conversation.open(revision)
        return conversation
    }

    private func start(
        _ id: String, _ conversation: inout Conversation, meta: String = "", _ revision: Revision
    ) throws -> CallID {
        let lines = conversation.say(
            .request(id, "tools/call", #""name":"work""#, meta: meta, in: revision))
        #expect(lines.isEmpty)
        return try #require(conversation.startedCalls.last?.id)
    }

    // MARK: Progress

    @Test(
        "Progress goes out with the caller's token, as it was typed, and only upwards",
        arguments: Revision.allCases, ["7", #""7""#, "9223372036854775808"])
    func progress(revision: Revision, token: String) throws {
        var conversation = opened(revision)
        let call = try start("1", &conversation, meta: #""progressToken":\#(token)"#, revision)
        var lines: [String] = []
        for value in [1, 1, 0.5, 2.5] {
            lines += conversation.hear { $0.progress(call, value, of: 3, message: "m", &$1) }
        }
        let params = lines.map { $0.json["params"] }
        #expect(params.map { $0?["progress"]?.double } == [1, 2.5])
        for each in params {
            #expect(each?["progressToken"].map { String(decoding: $0.bytes, as: UTF8.self) } == token)
            #expect(each?["total"]?.double == 3)
            #expect((each?["message"]?.string == "m") == revision.isAtLeast(.v2025_03_26))
        }
        _ = conversation.hear { $0.finish(call, with: .text("x"), &$1) }
        #expect(conversation.hear { $0.progress(call, 9, &$1) }.isEmpty)
    }

    @Test("Without a token there is no progress", arguments: Revision.allCases)
    func unaskedProgress(revision: Revision) throws {
        var conversation = opened(revision)
        let call = try start("1", &conversation, revision)
        #expect(conversation.hear { $0.progress(call, 1, &$1) }.isEmpty)
    }

    @Test(
        "A progress token is a string or an integer", arguments: ["1.5", "null", "{}", "true"])
    func badToken(token: String) {
        for revision in Revision.allCases {
            var conversation = opened(revision)
            let reply = conversation.say(
                .request(
                    "1", "tools/call", #""name":"work""#, meta: #""progressToken":\#(token)"#,
                    in: revision))[0].json
            #expect(reply["error"]?["code"]?.integer == -32602)
        }
    }

    // MARK: Cancellation

    @Test("A cancelled call is stopped and never answered", arguments: Revision.allCases)
    func cancel(revision: Revision) throws {
        var conversation = opened(revision)
        let call = try start("9", &conversation, meta: #""progressToken":1"#, revision)
        #expect(conversation.say(.notification("notifications/cancelled", #""requestId":"9""#)).isEmpty)
        #expect(conversation.cancelledCalls.isEmpty, "the string is not the integer's id")
        #expect(conversation.say(.notification("notifications/cancelled", #""requestId":9"#)).isEmpty)
        #expect(conversation.cancelledCalls == [call])
        #expect(conversation.hear { $0.progress(call, 1, &$1) }.isEmpty)
        #expect(conversation.hear { $0.finish(call, with: .text("late"), &$1) }.isEmpty)
        #expect(conversation.hear { $0.fail(call, with: .internalError("late"), &$1) }.isEmpty)
        #expect(!conversation.session.hasCallsInFlight)
        _ = try start("9", &conversation, revision)
    }

    @Test(
        "A cancellation of what is unknown, finished or nonsense means nothing",
        arguments: ["", #""requestId":77"#, #""requestId":1.5"#, #""requestId":null"#])
    func cancelNothing(params: String) throws {
        for revision in Revision.allCases {
            var conversation = opened(revision)
            let call = try start("1", &conversation, revision)
            #expect(conversation.say(.notification("notifications/cancelled", params)).isEmpty)
            #expect(conversation.cancelledCalls.isEmpty)
            #expect(conversation.hear { $0.finish(call, with: .text("x"), &$1) }.count == 1)
        }
    }

    // MARK: In flight

    @Test("Answers come in any order, each under its own id and once", arguments: Revision.allCases)
    func order(revision: Revision) throws {
        var conversation = opened(revision)
        let calls = try ["1", "a", "2"].map { try start($0, &conversation, revision) }
        let ids = [2, 0, 1].map { place -> String in
            let lines = conversation.hear { $0.finish(calls[place], with: .text(""), &$1) }
            #expect(conversation.hear { $0.finish(calls[place], with: .text(""), &$1) }.isEmpty)
            return lines[0].json["id"].map { String(decoding: $0.bytes, as: UTF8.self) } ?? ""
        }
        #expect(ids == ["2", "1", #""a""#])
    }

    @Test("An id that is in flight is not used twice, and the first call is answered alone")
    func duplicateID() throws {
        for revision in Revision.allCases {
            var conversation = opened(revision)
            let call = try start("5", &conversation, revision)
            let reply = conversation.say(
                .request("5", "tools/call", #""name":"work""#, in: revision))[0].json
            #expect(reply["id"]?.isNull == true)
            #expect(reply["error"]?["code"]?.integer == -32600)
            #expect(conversation.startedCalls.count == 1)
            #expect(conversation.hear { $0.finish(call, with: .text(""), &$1) }.count == 1)
        }
    }

    @Test("A malformed message with an id that is in flight is not answered under it")
    func malformedUnderID() throws {
        var conversation = opened(.v2025_06_18)
        let call = try start("1", &conversation, .v2025_06_18)
        let refused = conversation.say(#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#)[0].json
        #expect(refused["id"]?.isNull == true)
        #expect(conversation.hear { $0.finish(call, with: .text(""), &$1) }.count == 1)
    }

    @Test("Ids and tools are told apart by their bytes, not by what Unicode holds equal")
    func bytes() throws {
        var conversation = Conversation(tools: ToolCatalogue([.sample("K")]))
        conversation.open(.v2025_06_18)
        let line = { (id: String, tool: String) in
            #"{"jsonrpc":"2.0","id":"\#(id)","method":"tools/call","params":{"name":"\#(tool)"}}"#
        }
        #expect(conversation.say(line("\u{e9}", "K")).isEmpty)
        #expect(conversation.say(line("e\u{301}", "K")).isEmpty)
        #expect(conversation.startedCalls.count == 2)
        let kelvin = conversation.say(line("k", "\u{212a}"))[0].json
        #expect(kelvin["error"]?["code"]?.integer == -32602)
    }

    // The writer has no word for infinity, and 1e400 is one as a double.
    @Test("Progress that is not a number is none")
    func infiniteProgress() throws {
        var conversation = opened(.v2025_06_18)
        let call = try start("1", &conversation, meta: #""progressToken":1"#, .v2025_06_18)
        for value in [Double.infinity, .nan] {
            #expect(conversation.hear { $0.progress(call, value, &$1) }.isEmpty)
        }
        let lines = conversation.hear { $0.progress(call, 1, of: .infinity, &$1) }
        #expect(lines[0].json["params"]?["total"] == nil)
    }

    @Test("What is in flight is limited, and an answer makes room", arguments: Revision.allCases)
    func limit(revision: Revision) throws {
        var conversation = opened(revision)
        let calls = try (1...1000).map { try start("\($0)", &conversation, revision) }
        let reply = conversation.say(
            .request("1001", "tools/call", #""name":"work""#, in: revision))[0].json
        #expect(reply["error"]?["code"]?.integer == -32603)
        #expect(reply["error"]?["data"]?["limit"]?.integer == 1000)
        #expect(conversation.startedCalls.count == 1000)
        _ = conversation.hear { $0.finish(calls[500], with: .text(""), &$1) }
        _ = try start("1002", &conversation, revision)
    }

    @Test("What calls in flight keep in memory is limited, and an answer makes room")
    func bytesLimit() throws {
        var limits = SessionLimits()
        limits.bytesInFlight = 900
        var conversation = opened(.v2025_06_18, limits: limits)
        let padding = String(repeating: "x", count: 400)
        let line = { (id: Int) in
            String.request(
                "\(id)", "tools/call", #""name":"work","arguments":{"x":"\#(padding)"}"#, in: .v2025_06_18)
        }
        #expect(conversation.say(line(1)).isEmpty)
        let refused = conversation.say(line(2))[0].json
        #expect(refused["error"]?["code"]?.integer == -32603)
        #expect(refused["error"]?["data"]?["limit"]?.integer == 900)
        _ = conversation.hear { $0.finish(CallID(number: 1), with: .text(""), &$1) }
        #expect(conversation.say(line(3)).isEmpty)
    }

    // MARK: Log lines

    @Test("A legacy session hears what its level lets through, info until it says otherwise")
    func legacyLog() throws {
        var conversation = opened(.v2025_06_18)
        let call = try start("1", &conversation, .v2025_06_18)
        func heard(_ conversation: inout Conversation) -> [String?] {
            LogLevel.allCases.flatMap { level in
                conversation.hear { $0.log(call, level, logger: "l", data: Array("1".utf8), &$1) }
            }
            .map { $0.json["params"]?["level"]?.string }
        }
        #expect(heard(&conversation).count == 7)
        let set = conversation.say(
            .request("2", "logging/setLevel", #""level":"critical""#, in: .v2025_06_18))
        #expect(set[0].json["result"]?.isObject == true)
        #expect(heard(&conversation) == ["critical", "alert", "emergency"])
        let bad = conversation.say(
            .request("3", "logging/setLevel", #""level":"loud""#, in: .v2025_06_18))
        #expect(bad[0].json["error"]?["code"]?.integer == -32602)
        #expect(heard(&conversation).count == 3)
    }

    @Test("A modern request hears what it asked for itself, and nothing when it did not")
    func modernLog() throws {
        var conversation = opened(.v2026_07_28)
        let silent = try start("1", &conversation, .v2026_07_28)
        let level = #""io.modelcontextprotocol/logLevel":"warning""#
        let curious = try start("2", &conversation, meta: level, .v2026_07_28)
        for (call, count) in [(silent, 0), (curious, 5)] {
            let lines = LogLevel.allCases.flatMap { level in
                conversation.hear { $0.log(call, level, logger: "l", data: Array("{}".utf8), &$1) }
            }
            #expect(lines.count == count)
        }
        _ = conversation.hear { $0.finish(curious, with: .text(""), &$1) }
        let late = conversation.hear {
            $0.log(curious, .emergency, logger: "l", data: Array("{}".utf8), &$1)
        }
        #expect(late.isEmpty)
    }

    // MARK: The bridge's claim

    @Test("The application's name is taken from the first line alone")
    func claim() {
        let line = String.notification("notifications/cloister/client", #""name":"an app""#)
        func claims(_ lines: [String]) -> [String] {
            var conversation = Conversation()
            for line in lines { #expect(conversation.say(line).count <= 1) }
            return conversation.effects.compactMap {
                guard case .claim(let name) = $0 else { return nil }
                return name
            }
        }
        #expect(claims([line]) == ["an app"])
        #expect(claims([line, line]) == ["an app"])
        #expect(claims([.request("1", "ping", in: .v2025_06_18), line]).isEmpty)
        let long = line.replacing("an app", with: String(repeating: "x", count: 129))
        #expect(claims([long]).isEmpty)
    }
}
