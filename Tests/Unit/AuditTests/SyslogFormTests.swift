import Audit
import JSON
import TestSupport
import Testing

@Suite struct SyslogFormTests {
    private let form = SyslogForm(host: "machine", process: 42)

    private func entry(_ record: AuditRecord) throws -> AuditEntry {
        var chain = HashChain()
        var line: [UInt8] = []
        chain.append(record.members(at: AuditTime(microseconds: 1_763_712_000_000_000)), to: &line)
        return try #require(AuditEntry(line.dropLast()[...]))
    }

    @Test("A call is one line of RFC 5424 with all of its fields")
    func call() throws {
        let line = form.line(of: try entry(.call(5)))
        #expect(
            line.hasPrefix(
                """
                <86>1 2025-11-21T08:00:00.000000Z machine cloisterd 42 call [cloister@32473 seq="1" \
                client.session="7" client.uid="1000" client.user="alice" client.pid="4711" \
                client.executable="/usr/bin/claude" claims.name="Claude" tool="read_file" \
                needs.permission="TOOL" needs.object="read_file" needs.permission="FILE_READ" \
                needs.object="/srv/5" digest="
                """))
        #expect(line.contains(#" arguments="{\"path\":\"/srv/5\"}" verdict="allow" "#))
        #expect(line.hasSuffix(#""] alice /usr/bin/claude: read_file /srv/5 allow, succeeded"#))
    }

    @Test("What a client chose neither ends its parameter nor begins a line")
    func escaping() throws {
        let text = "a\"b]c\\d\ne\u{0}f\u{1B}[31m\u{202E}g\u{2028}<0>1 é"
        let line = form.line(of: try entry(AuditRecord(.admin(AuditAct(who: "x", act: "y", object: text)))))
        #expect(line.contains(#" object="a\"b\]c\\d e f [31m g <0>1 é" "#))
        #expect(line.unicodeScalars.allSatisfy { $0.isPlain })
    }

    @Test("Severity follows the verdict", arguments: [("allow", "<86>"), ("deny", "<85>")])
    func severity(verdict: String, priority: String) throws {
        var record = AuditRecord.call(1)
        guard case .call(var call) = record.event else { return }
        call.verdict = try #require(AuditCall.Verdict(rawValue: verdict))
        record.event = .call(call)
        #expect(form.line(of: try entry(record)).hasPrefix(priority))
    }

    @Test("A name that is none for syslog is made one")
    func names() throws {
        let line = Array(#"{"seq":1,"time":"2025-11-21T08:00:00Z","kind":"a b\"]","x y=\"z]":1,"":2}"#.utf8)
        let text = SyslogForm(host: "", process: 1).line(of: try #require(AuditEntry(line[...])))
        #expect(text.hasPrefix("<86>1 2025-11-21T08:00:00.000000Z - cloisterd 1 a_b__ [cloister@32473 "))
        #expect(text.contains(#" x_y__z_="1" -="2"]"#))
    }
}
