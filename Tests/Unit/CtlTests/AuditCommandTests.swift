import Audit
import Ctl
import JSON
import Linux
import TestSupport
import Testing

@Suite struct AuditCommandTests {
    private func root() throws -> AuditedRoot {
        let root = try AuditedRoot()
        try root.record([
            AuditedRoot.call("read_file", user: "alice"),
            AuditedRoot.call("write_file", user: "bob", .deny),
            AuditedRoot.call("read_file", user: "bob", object: "/srv/\u{1B}[31m\u{202E}\nx"),
        ])
        return root
    }

    @Test("Without options all records are a table")
    func table() throws {
        let root = try root()
        let run = CtlRun("--root", root.path, "audit")
        #expect(run.status == 0)
        #expect(run.errors == "")
        #expect(run.lines.count == 8)
        #expect(run.lines.first == "TIME                  KIND        CLIENT                 WHAT")
        #expect(
            run.lines[3]
                == "2025-11-21T09:00:00Z  call        alice /usr/bin/claude  read_file /srv/a allow, succeeded"
        )
        #expect(run.lines[4].hasSuffix("bob /usr/bin/claude    write_file /srv/a deny, denied"))
    }

    @Test(
        "What a client chose does not command the terminal, in no form",
        arguments: ["short", "json", "rfc5424"])
    func hostileText(form: String) throws {
        let root = try root()
        let run = CtlRun("audit", "--root", root.path, "--output", form, isTerminal: true, columns: 300)
        #expect(run.output.unicodeScalars.allSatisfy { $0.isPlain || $0 == "\n" })
        #expect(run.lines.count == (form == "short" ? 8 : 7))
        guard form == "json" else { return }
        // And is the same to who parses it.
        let objects = try run.lines.compactMap {
            try JSONDocument(Array($0.utf8)).root["needs"]?.elements.first { _ in true }?["object"]?.string
        }
        #expect(objects.last == "/srv/\u{1B}[31m\u{202E}\nx")
    }

    @Test("On a terminal no line is wider than it", arguments: [40, 60, 100])
    func width(columns: Int) throws {
        let root = try root()
        let run = CtlRun("audit", "--root", root.path, isTerminal: true, columns: columns)
        #expect(run.lines.allSatisfy { ShownText.width(String($0)) <= columns })
        #expect(run.lines.contains { $0.contains("…") })
    }

    static let filters: [([String], Int)] = [
        ([], 7),
        (["--kind", "call"], 3),
        (["--client", "bob"], 2),
        (["--client=claude"], 3),
        (["--client", "mallory"], 0),
        (["--tool", "read_file"], 2),
        (["--verdict", "deny"], 1),
        (["--verdict", "deny", "--client", "alice"], 0),
        (["--since", "2025-11-21 10:00"], 4),
        (["--until", "2025-11-21T10:00:00Z"], 4),
        (["--since", "2025-11-21", "--until", "2025-11-22"], 7),
        (["--since", "-1h"], 0),
        (["-n", "2"], 2),
        (["--lines=all"], 7),
        (["-n", "0"], 0),
    ]

    @Test("Filters show what fits all of them", arguments: filters.indices)
    func filter(place: Int) throws {
        let (options, count) = Self.filters[place]
        let root = try root()
        let output = CtlRun(["audit", "--json", "--root", root.path] + options)
        #expect(output.status == 0)
        #expect(output.lines.count == count, "\(options)")
        for line in output.lines { #expect(AuditEntry(Array(line.utf8)[...]) != nil) }
    }

    static let mistakes: [([String], String)] = [
        (["--verdict", "perhaps"], "--verdict takes allow, ask, deny, not \"perhaps\""),
        (["--kind", "x"], "--kind takes start, stop, "),
        (["--output", "xml"], "--output takes short, json, rfc5424"),
        (["--since", "soon"], "--since takes a time such as"),
        (["--since", "-1y"], "--since takes a time such as"),
        (["-n", "-1"], "--lines takes a number from 0 to 1000000 or all"),
        (["--client"], "--client needs a value"),
        (["--follow=yes"], "--follow takes no value"),
        (["--public-key", "x"], "unknown option --public-key"),
        (["extra"], "audit does not take \"extra\""),
        (["verify", "--since", "12"], "--since takes SEQ:HASH"),
        (["verify", "--", "-x"], "audit verify does not take \"-x\""),
    ]

    @Test("A mistake is named, and the status is 2", arguments: mistakes.indices)
    func mistake(place: Int) {
        let (options, complaint) = Self.mistakes[place]
        let run = CtlRun(["audit"] + options)
        #expect(run.status == 2)
        #expect(run.output == "")
        #expect(run.errors.hasPrefix("cloisterctl: \(complaint)"), "\(run.errors)")
    }

    @Test(
        "A directory that is not there is an error, and not an empty log",
        arguments: ["audit", "audit verify"])
    func missing(command: String) {
        let run = CtlRun(
            ["--root", "/nonexistent"] + command.split(separator: " ").map(String.init))
        #expect(run.status == 1)
        #expect(run.errors.contains("/nonexistent/audit"))
    }

    // MARK: verify

    @Test("A log that is as it was written verifies, and says what to keep elsewhere")
    func verified() throws {
        let root = try root()
        let run = CtlRun("audit", "verify", "--root", root.path)
        #expect(run.status == 0)
        #expect(run.lines.first == "7 records, 1 to 7, are as they were written.")
        let kept = try #require(run.lines.last?.split(separator: " ").last)
        let again = CtlRun(
            "audit", "verify", "--root", root.path, "--since", String(kept), "--public-key",
            root.directory.publicKey, "--json")
        #expect(again.status == 0)
        let answer = try JSONDocument(Array(again.output.utf8)).root
        #expect(answer["ok"]?.bool == true)
        #expect(answer["last"]?["seq"]?.integer == 7)
    }

    @Test("A log that is not ends with status 1, and the first bad record is named")
    func tampered() throws {
        let root = try root()
        var bytes = try File.read(root.directory.file(1))
        let lines = bytes.split(separator: 0x0A)
        bytes[lines[3].startIndex + 60] ^= 1
        try File.replace(root.directory.file(1), with: bytes, mode: 0o640)
        let run = CtlRun("audit", "verify", "--root", root.path)
        #expect(run.status == 1)
        #expect(run.errors == "")
        #expect(run.output.hasPrefix("Record 4 was changed: its hash is not that of its content.\n"))
        #expect(run.output.contains("/audit/000001.jsonl, line 4\n"))
        let json = CtlRun("audit", "verify", "--root", root.path, "--json")
        #expect(json.status == 1)
        let answer = try JSONDocument(Array(json.output.utf8)).root
        #expect(answer["ok"]?.bool == false)
        #expect(answer["fault"]?["seq"]?.integer == 4)
        #expect(answer["fault"]?["line"]?.integer == 4)
    }

    @Test("Another key than the one that signed does not verify")
    func otherKey() throws {
        let (root, other) = (try root(), try root())
        let run = CtlRun("audit", "verify", "--root", root.path, "--public-key", other.directory.publicKey)
        #expect(run.status == 1)
        let none = CtlRun("audit", "verify", "--root", root.path, "--public-key", root.directory.key)
        #expect(none.status == 1)
        #expect(none.errors.contains("is no public Ed25519 key in PEM form"))
    }
}
