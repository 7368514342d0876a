import Foundation
import TestSupport
import Testing

@testable import Applications

@Suite("Entries in JSON, which keeps everything else as it is") struct JSONSettingsTests {
    static let entry = """
        {
              "command": "/usr/bin/cloister-bridge",
              "args": ["--client", "a"]
            }
        """
    static let line = #"{ "command": "/usr/bin/cloister-bridge", "args": ["--client", "a"] }"#
    static let dense = #"{"command":"/usr/bin/cloister-bridge","args":["--client", "a"]}"#

    static let samples: [Sample] = [
        .init(
            "cursor", "nothing", "",
            "{\n  \"mcpServers\": {\n    \"cloister\": \(entry)\n  }\n}\n"),
        .init(
            "cursor", "blanks", " \n\n", "{\n  \"mcpServers\": {\n    \"cloister\": \(entry)\n  }\n}\n"),
        .init(
            "cursor", "a mark of the byte order", "\u{FEFF}",
            "\u{FEFF}{\n  \"mcpServers\": {\n    \"cloister\": \(entry)\n  }\n}\n"),
        .init(
            "cursor", "an empty object", "{}", "{\n  \"mcpServers\": {\n    \"cloister\": \(entry)\n  }\n}"),
        .init(
            "cursor", "no servers", "{\n  \"a\": 1\n}\n",
            "{\n  \"a\": 1,\n  \"mcpServers\": {\n    \"cloister\": \(entry)\n  }\n}\n"),
        .init(
            "cursor", "an empty list", "{\n  \"mcpServers\": {},\n  \"b\": [\n  ]\n}",
            "{\n  \"mcpServers\": {\n    \"cloister\": \(entry)\n  },\n  \"b\": [\n  ]\n}"),
        .init(
            "cursor", "another server", "{\n  \"mcpServers\": {\n    \"x\": {\"command\": \"y\"}\n  }\n}\n",
            "{\n  \"mcpServers\": {\n    \"x\": {\"command\": \"y\"},\n    \"cloister\": \(entry)\n  }\n}\n"),
        .init(
            "cursor", "all in one line", #"{ "mcpServers": { "x": {} }, "z": 1 }"#,
            #"{ "mcpServers": { "x": {}, "cloister": \#(line) }, "z": 1 }"#),
        .init(
            "cursor", "no blanks at all", #"{"mcpServers":{"x":{}},"z":1}"#,
            #"{"mcpServers":{"x":{},"cloister":\#(dense)},"z":1}"#),
        .init(
            "cursor", "no blanks, and no servers", #"{"z":1}"#,
            #"{"z":1,"mcpServers":{"cloister":\#(dense)}}"#),
        .init(
            "cursor", "a list in one line of many", "{\n  \"mcpServers\": { \"x\": {} }\n}",
            "{\n  \"mcpServers\": { \"x\": {}, \"cloister\": \(line) }\n}"),
        .init(
            "cursor", "tabs", "{\n\t\"mcpServers\": {\n\t\t\"x\": {}\n\t}\n}\n",
            "{\n\t\"mcpServers\": {\n\t\t\"x\": {},\n\t\t\"cloister\": {\n\t\t\t\"command\": \"/usr/bin/cloister-bridge\",\n\t\t\t\"args\": [\"--client\", \"a\"]\n\t\t}\n\t}\n}\n"
        ),
        .init(
            "cursor", "line ends of Windows", "{\r\n    \"mcpServers\": {\r\n    }\r\n}\r\n",
            "{\r\n    \"mcpServers\": {\r\n        \"cloister\": {\r\n            \"command\": \"/usr/bin/cloister-bridge\",\r\n            \"args\": [\"--client\", \"a\"]\r\n        }\r\n    }\r\n}\r\n"
        ),
        .init(
            "cursor", "a comma behind the last", "{\n  \"mcpServers\": {\n    \"x\": {},\n  },\n}\n",
            "{\n  \"mcpServers\": {\n    \"x\": {},\n    \"cloister\": \(entry),\n  },\n}\n"),
        .init(
            "cursor", "comments behind the last",
            "{\n  \"mcpServers\": {\n    \"x\": {} // mine\n    // \"y\": {}\n  }\n}\n",
            "{\n  \"mcpServers\": {\n    \"x\": {}, // mine\n    // \"y\": {}\n    \"cloister\": \(entry)\n  }\n}\n"
        ),
        .init(
            "cursor", "comments alone",
            "// all\n{\n  \"mcpServers\": {\n    // none }\n  } /* , */\n}\n// end",
            "// all\n{\n  \"mcpServers\": {\n    // none }\n    \"cloister\": \(entry)\n  } /* , */\n}\n// end"
        ),
        .init(
            "cursor", "a comment in a list of one line", "{\n  \"mcpServers\": { /* none */ }\n}",
            "{\n  \"mcpServers\": { /* none */\n    \"cloister\": \(entry)\n  }\n}"),
        .init(
            "cursor", "a comment before the comma",
            "{\n  \"mcpServers\": {\n    \"x\": {} /* a */, // b\n  }\n}",
            "{\n  \"mcpServers\": {\n    \"x\": {} /* a */, // b\n    \"cloister\": \(entry),\n  }\n}"),
        .init(
            "cursor", "names with escapes, and braces in text",
            "{\n  \"a\": \"}{\\\"\\\\\",\n  \"mcp\\u0053ervers\": {\n    \"x\": {}\n  }\n}",
            "{\n  \"a\": \"}{\\\"\\\\\",\n  \"mcp\\u0053ervers\": {\n    \"x\": {},\n    \"cloister\": \(entry)\n  }\n}"
        ),
        .init(
            "cursor", "a brace on the last line", "{\n  \"mcpServers\": {\n    \"x\": {} }}",
            "{\n  \"mcpServers\": {\n    \"x\": {},\n    \"cloister\": \(entry) }}"),
    ]

    @Test("An entry is added where it belongs, and all else stays", arguments: samples)
    func added(_ sample: Sample) throws { try sample.check() }

    @Test("What was added beside others can be taken out again, byte for byte", arguments: samples)
    func removed(_ sample: Sample) throws {
        guard sample.before.contains("\"x\"") else { return }
        #expect(try Editing("cursor").disconnect(sample.after) == sample.before)
    }

    @Test(
        "What is not JSON is refused with line and column",
        arguments: [
            ("{", "line 1, column 2: the text ends before its time"),
            ("{\n  \"a\": 1\n  \"b\": 2\n}", "line 3, column 3: here should be a comma or }"),
            ("{\"é\": x}", "line 1, column 7: this is not JSON"),
            ("{'a': 1}", "line 1, column 2: here should be a name in double quotes, or }"),
            ("{\"a\": 01}", "line 1, column 7: this is not JSON"),
            ("{\"a\": 1} {}", "line 1, column 10: there is something behind the end"),
            ("{\"a\": \"b\n\"}", "line 1, column 9: there is a control character in this text"),
            ("{\"a\": \"b", "line 1, column 7: this text has no end"),
            ("{\"\\x\": 1}", "line 1, column 2: this text has an escape that JSON does not know"),
            ("{ /* a", "line 1, column 3: this comment has no end"),
            ("{ / }", "line 1, column 3: a comment begins with // or /*"),
            ("[]", "line 1, column 1: this should be an object, { and }"),
            ("// a\n", "line 2, column 1: the text ends before its time"),
            ("{\"mcpServers\": []}", "line 1, column 16: mcpServers should be an object, { and }"),
            ("{\"mcpServers\": null}", "line 1, column 16: mcpServers should be an object, { and }"),
            (
                "{\"mcpServers\": {\"cloister\": 1}}",
                "line 1, column 29: cloister should be an object, { and }"
            ),
            (
                "{\"mcpServers\": {},\n\"mcpServers\": {}}",
                "line 2, column 1: mcpServers stands here a second time"
            ),
            ("{\"a\u{0}\": 1}", "line 1, column 4: this is not text"),
            (String(repeating: "[", count: 300), "line 1, column 201: this is nested too deeply"),
            (
                "{\"mcpServers\": {\"cloister\": {\"command\": \"npx\"}}}",
                "there is an entry cloister already, which starts npx"
            ),
            (
                "{\"mcpServers\": {\"cloister\": {\"url\": \"x\"}}}",
                "there is an entry cloister already, which starts something that is not understood"
            ),
        ] as [(String, String)])
    func refused(text: String, problem: String) throws {
        #expect(try Editing("cursor").fault(text) == problem)
    }

    @Test("What is not UTF-8 is refused with its place")
    func encoding() throws {
        let connection = try Editing("cursor").connection
        #expect(throws: SettingsFault(.init(line: 2, column: 3), "this is not UTF-8")) {
            try connection.state(of: Array("{\n  ".utf8) + [0xFF] + Array("}".utf8))
        }
    }

    @Test("Of an entry that is ours only what starts the bridge is changed, and what is missing comes behind")
    func updated() throws {
        let editing = try Editing("claude-code")
        let before = """
            {
              "mcpServers": {
                "cloister": {
                  // my own words
                  "disabled": true,
                  "command": "/old/cloister-bridge", // where
                  "env": {"A": "b"}
                },
                "y": {}
              }
            }
            """
        let after = """
            {
              "mcpServers": {
                "cloister": {
                  // my own words
                  "disabled": true,
                  "command": "/usr/bin/cloister-bridge", // where
                  "env": {"A": "b"},
                  "type": "stdio",
                  "args": ["--client", "a"]
                },
                "y": {}
              }
            }
            """
        #expect(try editing.connect(before) == after)
        #expect(try editing.connect(after) == nil)
        let without = "{\n  \"mcpServers\": {\n    \"y\": {}\n  }\n}"
        #expect(try editing.disconnect(after) == without)
    }

    @Test(
        "An entry goes with its line and its comma, wherever it stands",
        arguments: [
            (#"{"mcpServers":{"cloister":{"command":"cloister-bridge"},"b":1}}"#, #"{"mcpServers":{"b":1}}"#),
            (
                #"{"mcpServers":{"a":0,"cloister":{"command":"cloister-bridge"},"b":1}}"#,
                #"{"mcpServers":{"a":0,"b":1}}"#
            ),
            (#"{"mcpServers": {"cloister": {"command": "cloister-bridge"}}}"#, #"{"mcpServers": {}}"#),
            (
                "{\"mcpServers\": {\n  \"cloister\": {\"command\": \"cloister-bridge\"} // us\n}}",
                "{\"mcpServers\": {\n  // us\n}}"
            ),
            (
                "{\"mcpServers\": {\n  // above\n  \"cloister\": {\"command\": \"cloister-bridge\"}\n  // below\n}}",
                "{\"mcpServers\": {\n  // above\n  // below\n}}"
            ),
        ])
    func taken(text: String, without: String) throws {
        #expect(try Editing("cursor").disconnect(text) == without)
    }

    @Test("Any JSON gets the entry and nothing else, and loses nothing else", arguments: 0..<200)
    func random(seed: Int) throws {
        var random = SeededGenerator(seed: seed)
        let editing = try Editing("cursor")
        let text = RandomJSON.document(using: &random)
        let connected = try #require(try editing.connect(text), "\(text)")
        var wanted = RandomJSON.parsed(text)
        var servers = wanted["mcpServers"] as? [String: Any] ?? [:]
        servers["cloister"] = ["command": Editing.server.command, "args": Editing.server.arguments]
        wanted["mcpServers"] = servers
        #expect(
            NSDictionary(dictionary: RandomJSON.parsed(connected)) == NSDictionary(dictionary: wanted),
            "\(text)")
        #expect(try editing.connect(connected) == nil)
        #expect(editing.isConnected(connected, from: text))
        servers["cloister"] = nil
        wanted["mcpServers"] = servers
        let without = try #require(try editing.disconnect(connected))
        #expect(
            NSDictionary(dictionary: RandomJSON.parsed(without)) == NSDictionary(dictionary: wanted),
            "\(connected)")
    }
}

/// Objects with comments, commas and blanks wherever they may be.
enum RandomJSON {
    static func document(using random: inout SeededGenerator) -> String {
        var members = (0..<Int.random(in: 0...3, using: &random)).map { ("k\($0)", value(2, &random)) }
        if Bool.random(using: &random) {
            let servers = (0..<Int.random(in: 0...2, using: &random)).map { ("s\($0)", value(1, &random)) }
            members.append(("mcpServers", object(servers, &random)))
        }
        return gap(&random) + object(members, &random) + gap(&random)
    }

    static func parsed(_ text: String) -> [String: Any] {
        let object = try? JSONSerialization.jsonObject(with: Data(plain(text).utf8))
        return object as? [String: Any] ?? ["not JSON": text]
    }

    /// Without comments, and without commas behind the last.
    private static func plain(_ text: String) -> String {
        // A line end of two characters is one to a pattern that looks at graphemes.
        let comment = /\/\*.*?\*\/|\/\/[^\n]*/.matchingSemantics(.unicodeScalar)
        return text.replacing(comment, with: "").replacing(/,(\s*[}\]])/) { $0.output.1 }
    }

    private static func value(_ depth: Int, _ random: inout SeededGenerator) -> String {
        switch Int.random(in: 0...(depth > 0 ? 4 : 2), using: &random) {
        case 0: return "\"a\\\"}\\u00e9{é\""
        case 1: return "-1.5e3"
        case 2: return "null"
        case 3:
            return object(
                (0..<Int.random(in: 0...2, using: &random)).map { ("m\($0)", value(depth - 1, &random)) },
                &random)
        default:
            let elements = (0..<Int.random(in: 0...2, using: &random)).map { _ in value(depth - 1, &random) }
            return "[" + elements.map { gap(&random) + $0 + gap(&random) }.joined(separator: ",")
                + gap(&random) + "]"
        }
    }

    private static func object(_ members: [(String, String)], _ random: inout SeededGenerator) -> String {
        let isOpen = !members.isEmpty && Bool.random(using: &random)
        let texts = members.map {
            gap(&random) + "\"\($0)\"" + gap(&random) + ":" + gap(&random) + $1 + gap(&random)
        }
        return "{" + texts.joined(separator: ",") + (isOpen ? "," : "") + gap(&random) + "}"
    }

    private static func gap(_ random: inout SeededGenerator) -> String {
        ["", "", " ", "\n", "\n  ", "\n\t", " // c\n", "/* d */", "\r\n    "].randomElement(using: &random)!
    }
}
