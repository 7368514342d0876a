import Testing

@testable import Applications

@Suite("Entries in YAML, which keeps everything else as it is") struct YAMLSettingsTests {
    static func entry(_ indentation: String) -> String {
        let fields = [
            "enabled: true", "type: \"stdio\"", "name: \"cloister\"",
            "description: \"Use this Linux machine\"",
            "cmd: \"/usr/bin/cloister-bridge\"", "args: [\"--client\", \"a\"]", "envs: {}", "timeout: 300",
        ]
        return "\(indentation)cloister:\n" + fields.map { "\(indentation)  \($0)\n" }.joined()
    }

    static let developer =
        "  developer:\n    bundled: true\n    enabled: true\n    name: developer\n    type: builtin\n"

    static let samples: [Sample] = [
        .init("goose", "nothing", "", "extensions:\n\(entry("  "))"),
        .init("goose", "comments alone", "# mine", "# mine\nextensions:\n\(entry("  "))"),
        .init(
            "goose", "no extensions", "GOOSE_MODEL: x # y\n",
            "GOOSE_MODEL: x # y\nextensions:\n\(entry("  "))"),
        .init(
            "goose", "no end of the last line", "# mine\nA: |\n  text\n  more",
            "# mine\nextensions:\n\(entry("  "))A: |\n  text\n  more"),
        .init(
            "goose", "other extensions", "A: 1\nextensions: # mine\n  # it develops\n\(developer)B: 2\n",
            "A: 1\nextensions: # mine\n\(entry("  "))  # it develops\n\(developer)B: 2\n"),
        .init(
            "goose", "a deep indentation", "extensions:\n      x:\n            type: builtin\n",
            "extensions:\n\(entry("      "))      x:\n            type: builtin\n"),
        .init(
            "goose", "an empty list", "extensions: {} # none\nB: 2\n",
            "extensions: # none\n\(entry("  "))B: 2\n"),
        .init("goose", "no value", "extensions:\nB: 2\n", "extensions:\n\(entry("  "))B: 2\n"),
        .init(
            "goose", "null, and no end of the line", "B: é\nextensions: null",
            "B: é\nextensions:\n\(entry("  "))"),
        .init(
            "goose", "letters of several bytes", "\u{FEFF}A: \"é😀\"\nextensions:\n\(developer)",
            "\u{FEFF}A: \"é😀\"\nextensions:\n\(entry("  "))\(developer)"),
        .init(
            "goose", "line ends of Windows", "A: 1\r\nextensions:\r\n  x:\r\n    type: builtin\r\n",
            "A: 1\r\nextensions:\r\n\(entry("  ").replacing("\n", with: "\r\n"))  x:\r\n    type: builtin\r\n"
        ),
        .init(
            "goose", "a document's head", "---\nA: 1\nextensions:\n\(developer)",
            "---\nA: 1\nextensions:\n\(entry("  "))\(developer)"),
    ]

    @Test("An entry is added first, and all else stays", arguments: samples)
    func added(_ sample: Sample) throws { try sample.check() }

    @Test("What was added beside others can be taken out again, byte for byte", arguments: samples)
    func removed(_ sample: Sample) throws {
        guard sample.before.contains("type:") else { return }
        #expect(try Editing("goose").disconnect(sample.after) == sample.before)
    }

    @Test(
        "What is not YAML, or not written line by line, is refused with line and column",
        arguments: [
            ("a: b: c\n", "line 1, column 5: "), ("a:\n\t- b\n", "line 2, column 1: "),
            ("- a\n", "line 1, column 1: this should be a mapping, line by line"),
            ("{a: 1}\n", "line 1, column 1: this should be a mapping, line by line"),
            ("extensions: {x: {type: builtin}}\n", "line 1, column 13: extensions is written in brackets"),
            ("extensions: [x]\n", "line 1, column 13: extensions should be a mapping"),
            ("extensions: x\n", "line 1, column 13: extensions should be a mapping"),
            ("a: &a\n  x: {}\nextensions: *a\n", "line 3, column 13: extensions should be a mapping"),
            (
                "extensions: &a\n  x: {}\n",
                "line 1, column 13: extensions is written in brackets or with an anchor"
            ),
            (
                "extensions:\n  x: {}\nextensions:\n  y: {}\n",
                "line 3, column 1: extensions stands here a second time"
            ),
            ("extensions:\n  ? x\n  : {}\n", "line 2, column 5: this is not understood"),
            ("a: 1\n---\nb: 2\n", "line 2, column 1: a second document begins here"),
            (
                "extensions:\n  cloister:\n    cmd: npx\n",
                "there is an entry cloister already, which starts npx"
            ),
            ("extensions:\n  cloister: x\n", "line 2, column 13: cloister should be a mapping"),
            ("a: 1\n...\n", "this file is written in a way that is not understood"),
        ])
    func refused(text: String, problem: String) throws {
        let fault = try #require(try Editing("goose").fault(text))
        #expect(fault.hasPrefix(problem), "\(fault)")
    }

    @Test(
        "Of an entry that is ours only what starts the bridge is changed",
        arguments: [
            ("    args:\n    - --client\n    - x\n", "    args: [\"--client\", \"a\"]\n"),
            ("    args:\n      - --client # c\n      - x\n", "    args: [\"--client\", \"a\"]\n"),
            ("    args: [x] # mine\n", "    args: [\"--client\", \"a\"] # mine\n"),
            ("    args:\n", "    args: [\"--client\", \"a\"]\n"),
            ("    args: |\n      a\n      b\n", "    args: [\"--client\", \"a\"]\n"),
        ])
    func updated(before: String, after: String) throws {
        func text(_ arguments: String) -> String {
            "extensions:\n  cloister:\n    enabled: false # off\n    type: stdio\n\(arguments)    cmd: /usr/bin/cloister-bridge\nB: 2\n"
        }
        let editing = try Editing("goose")
        #expect(try editing.connect(text(before)) == text(after))
        #expect(try editing.disconnect(text(after)) == "extensions: {}\nB: 2\n")
    }
}
