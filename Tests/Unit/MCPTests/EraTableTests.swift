import JSON
import TestSupport
import Testing

@testable import MCP

/// Every cell of the table that decides what a message means in which state.
@Suite struct EraTableTests {
    enum State: String, CaseIterable, Sendable {
        case undecided, legacy, modern

        func conversation() -> Conversation {
            var conversation = Conversation(rawValue)
            switch self {
            case .undecided: break
            case .legacy: conversation.open(.v2025_06_18)
            case .modern: conversation.open(.v2026_07_28)
            }
            return conversation
        }

        var phase: ServerSession.Phase {
            switch self {
            case .undecided: .undecided
            case .legacy: .legacy(.v2025_06_18)
            case .modern: .modern
            }
        }
    }

    enum Outcome: Equatable, Sendable {
        case result
        case error(Int)
        case nothing
    }

    struct Cell: Sendable, CustomTestStringConvertible {
        let message: String
        let line: String
        let outcomes: [Outcome]
        let phases: [ServerSession.Phase]
        var testDescription: String { message }

        init(
            _ message: String, _ line: String, _ outcomes: [Outcome],
            phases: [ServerSession.Phase] = State.allCases.map(\.phase)
        ) {
            (self.message, self.line, self.outcomes) = (message, line, outcomes)
            self.phases = phases
        }
    }

    static let legacy = ServerSession.Phase.legacy(.v2025_06_18)

    // Outcomes and phases afterwards for: undecided, legacy, modern.
    static let table: [Cell] = [
        Cell(
            "initialize", .initialize("2025-06-18", id: "1"),
            [.result, .error(-32600), .error(-32022)], phases: [legacy, legacy, .modern]),
        Cell(
            "initialize with an envelope",
            .request(
                "1", "initialize",
                #""protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"a","version":"1"}"#,
                in: .v2026_07_28),
            [.result, .error(-32600), .error(-32022)], phases: [legacy, legacy, .modern]),
        Cell(
            "server/discover with an envelope", .request("1", "server/discover", in: .v2026_07_28),
            [.result, .error(-32600), .result]),
        Cell(
            "server/discover without one", .request("1", "server/discover", in: .v2025_06_18),
            [.error(-32602), .error(-32601), .error(-32602)]),
        Cell(
            "another request with an envelope", .request("1", "tools/list", in: .v2026_07_28),
            [.result, .error(-32600), .result], phases: [.modern, legacy, .modern]),
        Cell(
            "another request without one", .request("1", "tools/list", in: .v2025_06_18),
            [.error(-32602), .result, .error(-32602)]),
        Cell(
            "an unknown method with an envelope", .request("1", "no/such", in: .v2026_07_28),
            [.error(-32601), .error(-32600), .error(-32601)]),
        Cell(
            "an unknown method without one", .request("1", "no/such", in: .v2025_06_18),
            [.error(-32602), .error(-32601), .error(-32602)]),
        Cell(
            "a refused call with an envelope",
            .request("1", "tools/call", #""name":"nobody""#, in: .v2026_07_28),
            [.error(-32602), .error(-32600), .error(-32602)]),
        Cell(
            "ping without an envelope", .request("1", "ping", in: .v2025_06_18),
            [.result, .result, .error(-32602)]),
        Cell(
            "ping with an envelope", .request("1", "ping", in: .v2026_07_28),
            [.error(-32601), .error(-32600), .error(-32601)]),
        Cell(
            "logging/setLevel with an envelope",
            .request("1", "logging/setLevel", #""level":"info""#, in: .v2026_07_28),
            [.error(-32601), .error(-32600), .error(-32601)]),
        Cell(
            "subscriptions/listen without an envelope",
            .request("1", "subscriptions/listen", #""notifications":{}"#, in: .v2025_06_18),
            [.error(-32602), .error(-32601), .error(-32602)]),
        Cell(
            "an unknown notification", .notification("notifications/whatever"),
            [.nothing, .nothing, .nothing]),
        Cell(
            "initialized", .notification("notifications/initialized"),
            [.nothing, .nothing, .nothing]),
        Cell(
            "a cancellation of nothing", .notification("notifications/cancelled", #""requestId":9"#),
            [.nothing, .nothing, .nothing]),
        Cell("a response", #"{"jsonrpc":"2.0","id":1,"result":{}}"#, [.nothing, .nothing, .nothing]),
        Cell(
            "an error response", #"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}"#,
            [.nothing, .nothing, .nothing]),
    ]

    @Test("Each message means in each state what the table says", arguments: table, State.allCases)
    func cell(_ cell: Cell, in state: State) throws {
        let column = try #require(State.allCases.firstIndex(of: state))
        var conversation = state.conversation()
        let replies = conversation.say(cell.line)
        switch cell.outcomes[column] {
        case .nothing:
            #expect(replies.isEmpty)
        case .result:
            let reply = try #require(replies.first).json
            #expect(reply["result"]?.isObject == true)
            #expect(reply["id"]?.integer == 1)
        case .error(let code):
            let reply = try #require(replies.first).json
            #expect(reply["error"]?["code"]?.integer == Int64(code))
            #expect(reply["id"]?.integer == 1)
        }
        #expect(replies.count <= 1)
        #expect(conversation.session.phase == cell.phases[column])
    }

    @Test("A client may probe, be refused, and shake hands after all")
    func probeThenHandshake() {
        var conversation = Conversation()
        _ = conversation.say(.request("1", "server/discover", in: .v2026_07_28))
        _ = conversation.say(.request("2", "ping", in: .v2025_06_18))
        _ = conversation.say(.request("3", "tools/call", in: .v2026_07_28))
        #expect(conversation.session.phase == .undecided)
        let reply = conversation.say(.initialize("2024-11-05"))[0].json
        #expect(reply["result"]?["protocolVersion"]?.string == "2024-11-05")
    }

    @Test("An `initialized` that came too early counts once the handshake is done")
    func earlyInitialized() {
        var conversation = Conversation()
        _ = conversation.say(.notification("notifications/initialized"))
        _ = conversation.say(.initialize("2025-11-25"))
        let lines = conversation.hear { $0.setTools(.sample, &$1) }
        #expect(lines.map { $0.json["method"]?.string } == ["notifications/tools/list_changed"])
    }

    @Test(
        "The offer is the client's version if we know it, and our newest legacy one otherwise",
        arguments: [
            ("2024-11-05", "2024-11-05"), ("2025-03-26", "2025-03-26"),
            ("2025-06-18", "2025-06-18"), ("2025-11-25", "2025-11-25"),
            ("2026-07-28", "2025-11-25"), ("1999-01-01", "2025-11-25"), ("", "2025-11-25"),
        ])
    func offer(requested: String, offered: String) {
        var conversation = Conversation()
        let reply = conversation.say(.initialize(requested))[0].json
        #expect(reply["result"]?["protocolVersion"]?.string == offered)
        #expect(conversation.session.revision?.rawValue == offered)
    }

    @Test(
        "An envelope that is not complete is refused by what it lacks, and a version by what is served",
        arguments: [
            (#""io.modelcontextprotocol/protocolVersion":"2026-07-28""#, -32602, "clientCapabilities"),
            (
                #""io.modelcontextprotocol/protocolVersion":7,"io.modelcontextprotocol/clientCapabilities":{}"#,
                -32602, "protocolVersion"
            ),
            (
                #""io.modelcontextprotocol/protocolVersion":null,"io.modelcontextprotocol/clientCapabilities":{}"#,
                -32602, "protocolVersion"
            ),
            (
                #""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":[]"#,
                -32602, "clientCapabilities"
            ),
            (
                #""io.modelcontextprotocol/protocolVersion":"2031-01-01","io.modelcontextprotocol/clientCapabilities":{}"#,
                -32022, "2031-01-01"
            ),
            (
                #""io.modelcontextprotocol/protocolVersion":"2025-06-18","io.modelcontextprotocol/clientCapabilities":{}"#,
                -32022, "2025-06-18"
            ),
            (
                .envelope.replacing(#""version":"1""#, with: #""version":1"#), -32602, "clientInfo"
            ),
            (
                .envelope + #","io.modelcontextprotocol/logLevel":"loud""#, -32602, "log level"
            ),
            (#""io.modelcontextprotocol/clientCapabilities":{}"#, -32602, "protocolVersion"),
        ])
    func envelopes(meta: String, code: Int, word: String) {
        for method in ["tools/list", "server/discover", "no/such"] {
            var conversation = Conversation()
            let line = #"{"jsonrpc":"2.0","id":"x","method":"\#(method)","params":{"_meta":{\#(meta)}}}"#
            let error = conversation.say(line)[0].json["error"]
            #expect(error?["code"]?.integer == Int64(code))
            #expect(error?["message"]?.string?.contains(word) == true)
            #expect(conversation.session.phase == .undecided)
        }
    }

    @Test("A version that is not served is told all that are, newest first, and what it was")
    func unsupportedVersion() {
        var conversation = Conversation()
        let line = String.request("1", "tools/list", in: .v2026_07_28)
            .replacing("2026-07-28", with: "2027-01-01")
        let data = conversation.say(line)[0].json["error"]?["data"]
        #expect(data?["requested"]?.string == "2027-01-01")
        #expect(
            data?["supported"]?.elements.compactMap(\.string) == [
                "2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05",
            ])
        conversation.open(.v2026_07_28)
        let late = conversation.say(.initialize("2025-06-18"))[0].json["error"]?["data"]
        #expect(late?["requested"]?.string == "2025-06-18")
        #expect(late?["supported"]?.elements.compactMap(\.string) == ["2026-07-28"])
    }
}
