import Audit
import JSON
import Testing

@Suite struct AuditRecordTests {
    private static let time = AuditTime(microseconds: 1_763_712_000_000_000)

    private func text(_ record: AuditRecord) -> String {
        String(decoding: record.members(at: Self.time), as: UTF8.self)
    }

    @Test("A call has its client, its claims apart, and all that became of it, in a fixed order")
    func call() {
        var client = AuditClient(session: 3, uid: 1000, pid: 99)
        client.user = "alice"
        client.executable = "/usr/bin/claude"
        client.unit = "app-code-1.scope"
        client.application = "code"
        client.label = "unconfined"
        client.claims = .init(bridge: "claude-desktop", name: "Claude", version: "1")
        var call = AuditCall(
            tool: "run_command", arguments: RecordedArguments(json(#"{"command":["ls"]}"#)),
            verdict: .ask, outcome: .failed, bytes: 12, durationMicroseconds: 3400)
        call.needs = [.init("TOOL", "run_command"), .init("CODE_EXECUTION", "/usr/bin/ls")]
        call.rule = "/etc/cloister/policy.d/a.yaml:3"
        call.consent = .init(who: "bob", how: "queue")
        call.reason = "exit status 2"
        call.exit = 2
        call.resources = .init(cpuMicroseconds: 5, peakMemoryBytes: 4096)
        call.missingWalls = ["cgroup", "timens"]
        let digest = call.arguments.digest
        #expect(
            text(AuditRecord(.call(call), of: client)) == #"""
                "time":"2025-11-21T08:00:00.000000Z","kind":"call","client":{"session":3,"uid":1000,\#
                "user":"alice","pid":99,"executable":"/usr/bin/claude","unit":"app-code-1.scope",\#
                "application":"code","label":"unconfined"},"claims":{"bridge":"claude-desktop",\#
                "name":"Claude","version":"1"},"tool":"run_command","needs":[{"permission":"TOOL",\#
                "object":"run_command"},{"permission":"CODE_EXECUTION","object":"/usr/bin/ls"}],\#
                "digest":"\#(digest)","arguments":{"command":["ls"]},"verdict":"ask",\#
                "rule":"/etc/cloister/policy.d/a.yaml:3","consent":{"who":"bob","how":"queue"},\#
                "outcome":"failed","reason":"exit status 2","exit":2,"bytes":12,"duration_us":3400,\#
                "resources":{"cpu_us":5,"peak_memory":4096},"missing_walls":["cgroup","timens"]
                """#)
    }

    static let others: [(AuditRecord, String)] = [
        (
            AuditRecord(.start(AuditStart(version: "1.0.0", mayLack: ["cgroup"]))),
            #""kind":"start","version":"1.0.0","may_lack":["cgroup"]"#
        ),
        (AuditRecord(.stop(AuditStop(reason: "SIGTERM"))), #""kind":"stop","reason":"SIGTERM""#),
        (
            AuditRecord(
                .session(AuditSession(.closed, reason: "gone")),
                of: AuditClient(session: 1, uid: 0, pid: 2)),
            #""kind":"session","client":{"session":1,"uid":0,"pid":2},"change":"closed","reason":"gone""#
        ),
        (
            AuditRecord(
                .consent(
                    AuditConsent(
                        question: "q1", tool: "write_file", digest: "00", verdict: .allow, who: "bob",
                        how: "polkit", scope: "once"))),
            #""kind":"consent","question":"q1","tool":"write_file","digest":"00","verdict":"allow","#
                + #""consent":{"who":"bob","how":"polkit"},"scope":"once""#
        ),
        (
            AuditRecord(.policy(AuditPolicy(.refused, files: ["a.yaml"], faults: ["a.yaml:1:2: no"]))),
            #""kind":"policy","change":"refused","files":["a.yaml"],"faults":["a.yaml:1:2: no"]"#
        ),
        (
            AuditRecord(.admin(AuditAct(who: "root", act: "approve", object: "q1"))),
            #""kind":"admin","who":"root","act":"approve","object":"q1""#
        ),
    ]

    @Test("Every other kind has its own fields", arguments: others)
    func otherKinds(record: AuditRecord, expected: String) {
        #expect(text(record) == #""time":"2025-11-21T08:00:00.000000Z","# + expected)
    }
}

@Suite struct RecordedArgumentsTests {
    private func text(_ arguments: RecordedArguments) -> String {
        String(decoding: arguments.json, as: UTF8.self)
    }

    @Test("The digest is over the compact form, whatever white space was sent")
    func digest() {
        let compact = RecordedArguments(json(#"{"a":1,"b":[true]}"#))
        #expect(compact.digest == Digest(of: Array(#"{"a":1,"b":[true]}"#.utf8)))
        #expect(RecordedArguments(json("{ \"a\" : 1,\n \"b\" : [ true ] }")) == compact)
        #expect(RecordedArguments(json(#"{"a":1.0,"b":[true]}"#)).digest != compact.digest)
        #expect(RecordedArguments(nil).digest == Digest(of: Array("{}".utf8)))
    }

    @Test("A secret member is replaced wherever it is, and its name may be spelt with escapes")
    func secrets() {
        let shown = RecordedArguments(
            json(#"{"stdin":"hunter2","x":[{"stdin":{"y":"hunter2"},"z":1}],"std\u0069n":"hunter2"}"#),
            secret: ["stdin"])
        let expected = #"{"redacted":true,"bytes":7}"#
        #expect(
            text(shown)
                == #"{"stdin":\#(expected),"x":[{"stdin":{"redacted":true,"bytes":15},"z":1}],"stdin":\#(expected)}"#
        )
    }

    /// The digest of a short password would tell it to everybody who can read the journal and try.
    @Test("What was secret has no part in the digest")
    func secretsAndDigest() {
        let one = RecordedArguments(json(#"{"stdin":"hunter2"}"#), secret: ["stdin"])
        let other = RecordedArguments(json(#"{"stdin":"hunter3"}"#), secret: ["stdin"])
        #expect(one == other)
        #expect(one.digest != RecordedArguments(json(#"{"stdin":"hunter2"}"#)).digest)
    }

    @Test("Long texts are cut, and everything beside them stays")
    func longTexts() throws {
        let long = String(repeating: "é", count: 5000)
        let shown = RecordedArguments(json(#"{"content":"\#(long)","path":"/a"}"#))
        #expect(shown.json.count <= RecordedArguments.mostBytes)
        let root = try JSONDocument(shown.json).root
        #expect(root["path"]?.string == "/a")
        #expect(root["content"]?["cut"]?.bool == true)
        #expect(root["content"]?["bytes"]?.integer == 10_000)
        #expect(root["content"]?["start"]?.string == String(repeating: "é", count: 256))
        #expect(shown.digest == Digest(of: Array(#"{"content":"\#(long)","path":"/a"}"#.utf8)))
    }

    @Test("Too many arguments are cut as a whole", arguments: [1000, 100_000])
    func manyArguments(count: Int) throws {
        let list = (0..<count).map { "\"\($0)\"" }.joined(separator: ",")
        let shown = RecordedArguments(json(#"{"list":[\#(list)]}"#))
        #expect(shown.json.count <= RecordedArguments.mostBytes + 100)
        let root = try JSONDocument(shown.json).root
        #expect(root["cut"]?.bool == true)
        #expect(root["start"]?.string?.hasPrefix(#"{"list":["0","1","#) == true)
    }
}
