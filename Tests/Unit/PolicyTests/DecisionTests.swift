import Cells
import Testing

@testable import Policy

@Suite struct DecisionTests {
    @Test("Nothing said is a denial, and says so")
    func silence() {
        let decision = PolicySet.denyingAll.policy(for: alice).decide(.tool("x"), at: .noon)
        #expect(decision.verdict == .deny)
        #expect(decision.rule == nil)
    }

    @Test(
        "deny beats ask beats allow, wherever they stand",
        arguments: [
            (["allow"], "allow"), (["ask"], "ask"), (["deny"], "deny"), (["allow", "ask"], "ask"),
            (["ask", "allow"], "ask"), (["deny", "allow"], "deny"), (["allow", "deny", "ask"], "deny"),
        ])
    func strictness(effects: [String], expected: String) throws {
        let rules = effects.map { "      - {\($0): FILE_READ, paths: [/a/**]}\n" }.joined()
        let set = try PolicySet.of("clients:\n  - name: all\n    rules:\n" + rules)
        #expect(verdict(set, .path(.fileRead, "/a/b")) == expected)
        #expect(verdict(set, .path(.fileRead, "/b")) == "deny")
        #expect(verdict(set, .path(.fileWrite, "/a/b")) == "deny")
    }

    @Test("Of questions the way that is hardest to answer in a client's stead")
    func ways() throws {
        let set = try PolicySet.rules("ask: TOOL, via: client", "ask: TOOL, via: polkit", "ask: TOOL")
        #expect(set.policy(for: alice).decide(.tool("x"), at: .noon).verdict == .ask(.polkit))
    }

    @Test("The rule that decided is named, and says its reason")
    func reference() throws {
        let set = try PolicySet.rules("allow: TOOL", "deny: TOOL, tools: rm, reason: no removing here")
        let decision = set.policy(for: alice).decide(.tool("rm"), at: .noon)
        #expect(decision.rule?.description == "0.yaml:5")
        #expect(decision.rule?.block == "all")
        #expect(decision.reason == "no removing here")
    }

    @Test(
        "A system's program is meant by its name and by its path alike, and another's by its path",
        arguments: [
            ("ls", "/usr/bin/ls", true), ("ls", "/bin/ls", true), ("ls", "/usr/local/bin/ls", true),
            ("ls", "ls", true), ("ls", "/opt/bin/ls", false), ("ls", "/usr/bin/x/ls", false),
            ("/usr/bin/ls", "/usr/bin/ls", true), ("/bin/ls", "/usr/bin/ls", true),
            ("/usr/bin/ls", "/bin/ls", true), ("/usr/bin/ls", "/usr/local/bin/ls", false),
            ("/usr/bin/l*", "/bin/ls", true), ("l?", "/usr/sbin/ls", true), ("*", "/opt/x", true),
            ("/opt/*", "/opt/x", true), ("/opt/*", "/usr/bin/x", false),
        ])
    func programs(pattern: String, program: String, matches: Bool) throws {
        let need = Need(.systemCommand, .command([program, "-l"]))
        let rest = "argv: ['\(pattern)', '-l']"
        #expect(verdict(try .rules("allow: SYSTEM_COMMAND, \(rest)"), need) == (matches ? "allow" : "deny"))
        let denying: PolicySet = try .rules("allow: SYSTEM_COMMAND", "deny: SYSTEM_COMMAND, \(rest)")
        #expect(verdict(denying, need) == (matches ? "deny" : "allow"))
    }

    @Test("What a client may have any of is what a rule in force gives, whatever others deny")
    func gives() throws {
        let set: PolicySet = try .rules(
            "ask: CODE_EXECUTION_SUDO, argv: [id]", "deny: SYSTEM_COMMAND",
            "allow: NETWORK, expires: 1970-01-01T00:01:00Z")
        let policy = set.policy(for: alice)
        let late = Moment(seconds: 100, utcOffset: 0)
        #expect(policy.gives(.codeExecutionSudo, at: late))
        #expect(!policy.gives(.systemCommand, at: late))
        #expect(policy.gives(.network, at: Moment(seconds: 0, utcOffset: 0)))
        #expect(!policy.gives(.network, at: late))
    }

    @Test(
        "Objects are matched by what the permission has",
        arguments: [
            ("allow: FILE_READ, paths: ['~/src/**']", Need.path(.fileRead, "/home/alice/src/a"), "allow"),
            ("allow: FILE_READ, paths: ['~/src/**']", .path(.fileRead, "/home/bob/src/a"), "deny"),
            ("allow: FILE_READ, paths: ['/{a,b}/*.c']", .path(.fileRead, "/b/x.c"), "allow"),
            ("allow: CODE_EXECUTION, programs: 'python*'", Need(.codeExecution, .name("python3")), "allow"),
            ("allow: CODE_EXECUTION, programs: 'python*'", Need(.codeExecution, .name("ruby")), "deny"),
            (
                "allow: SYSTEM_COMMAND, argv: [systemctl, --user, '*', '**']",
                Need(.systemCommand, .command(["systemctl", "--user", "status"])), "allow"
            ),
            (
                "allow: SYSTEM_COMMAND, argv: [systemctl, --user, '*', '**']",
                Need(.systemCommand, .command(["systemctl", "--user"])), "deny"
            ),
            (
                "allow: SYSTEM_COMMAND, argv: [[ls], [df, -h]]",
                Need(.systemCommand, .command(["df", "-h"])), "allow"
            ),
            (
                "allow: SYSTEM_COMMAND, argv: [[ls], [df, -h]]", Need(.systemCommand, .command(["ls", "x"])),
                "deny"
            ),
            ("allow: TOOL, tools: ['read_*', x]", .tool("read_file"), "allow"),
            ("allow: TOOL, tools: ['read_*', x]", .tool("write_file"), "deny"),
            ("allow: NETWORK, hosts: '*.example.org'", Need(.network, .name("a.example.org")), "allow"),
        ] as [(String, Need, String)])
    func objects(rule: String, need: Need, expected: String) throws {
        #expect(verdict(try .rules(rule), need) == expected)
    }

    @Test(
        "A client fits by what the kernel says of it; what is not known fits nothing",
        arguments: [
            ("user: alice", true), ("user: 1000", true), ("user: [bob, alice]", true), ("user: bob", false),
            ("group: developers", true), ("group: wheel", false), ("executable: '/usr/bin/*'", true),
            ("executable: /opt/**", false), ("parent: /usr/bin/app", false), ("unit: '*'", false),
            ("label: '*'", false), ("transport: socket", true), ("transport: bus", false),
            ("user: alice, executable: /opt/app", false),
            ("sha256: \(String(repeating: "a", count: 64))", false),
        ])
    func matching(match: String, fits: Bool) throws {
        let set = try PolicySet.of("clients: [{name: a, match: {\(match)}, rules: [{allow: TOOL}]}]")
        #expect(verdict(set, .tool("x")) == (fits ? "allow" : "deny"))
    }

    @Test("A claim can take away, and a client that makes none loses nothing")
    func claims() throws {
        let set = try PolicySet.of(
            "clients: [{name: a, rules: [{allow: TOOL}]}, {name: b, claims: {name: 'Kiosk*'}, rules: [{deny: TOOL, tools: rm}]}]"
        )
        var kiosk = alice
        kiosk.nameClaim = "Kiosk 2"
        #expect(verdict(set, .tool("rm")) == "allow")
        #expect(verdict(set, .tool("rm"), kiosk) == "deny")
        #expect(verdict(set, .tool("ls"), kiosk) == "allow")
    }

    @Test("A question to those who claim something is asked only about what they have anyway")
    func narrowing() throws {
        let set = try PolicySet.of(
            "clients: [{name: a, rules: [{allow: TOOL, tools: ls}]}, {name: b, claims: {bridge: x}, rules: [{ask: TOOL}]}]"
        )
        var claiming = alice
        claiming.bridgeClaim = "x"
        #expect(verdict(set, .tool("ls"), claiming) == "ask")
        #expect(verdict(set, .tool("rm"), claiming) == "deny")
    }

    @Test("Hours and expiry: a rule out of its time says nothing, and the decision says how long it holds")
    func time() throws {
        let set = try PolicySet.rules(
            "allow: TOOL, hours: Mon-Fri 08:00-18:00, expires: 2026-11-20T17:00:30Z")
        let friday = Moment(seconds: 1_795_194_000, utcOffset: 0)
        #expect(friday.weekday == 4)
        let policy = set.policy(for: alice)
        #expect(policy.decide(.tool("x"), at: friday).verdict == .allow)
        #expect(policy.decide(.tool("x"), at: friday).validUntil == friday.seconds + 30)
        #expect(
            policy.decide(.tool("x"), at: Moment(seconds: friday.seconds + 30, utcOffset: 0)).verdict == .deny
        )
        #expect(
            policy.decide(.tool("x"), at: Moment(seconds: friday.seconds - 3600 * 10, utcOffset: 0)).verdict
                == .deny)
        #expect(policy.decide(.tool("x"), at: .noon).validUntil == Moment.noon.seconds + 60)
        #expect(policy.decide(.path(.fileRead, "/"), at: .noon).validUntil == nil)
    }

    @Test(
        "Windows: days, hours, both, and nights that begin the day before",
        arguments: [
            ("Mon-Fri", 2, 0, true), ("Sat,Sun", 2, 0, false), ("Fri-Mon", 6, 0, true),
            ("Fri-Mon", 2, 0, false),
            ("08:00-18:00", 2, 8 * 60, true), ("08:00-18:00", 2, 18 * 60, false),
            ("00:00-24:00", 2, 1439, true),
            ("Fri 22:00-06:00", 4, 23 * 60, true), ("Fri 22:00-06:00", 5, 5 * 60, true),
            ("Fri 22:00-06:00", 4, 5 * 60, false), ("Mon 22:00-06:00", 0, 60, false),
            ("Sun 22:00-06:00", 0, 60, true),
        ])
    func windows(text: String, weekday: Int, minute: Int, contains: Bool) throws {
        let window = try #require(TimeWindow(text))
        #expect(window.contains(Moment(seconds: 0, weekday: weekday, minuteOfDay: minute)) == contains)
    }

    @Test(
        "What is no window",
        arguments: [
            "", "Mo", "Mon-", "08:00", "8:00-9:00", "08:00-08:00", "24:00-25:00", "Mon Tue",
            "08:00-18:00 Mon", "Mon 08:00-18:00 x",
        ])
    func noWindows(text: String) { #expect(TimeWindow(text) == nil) }

    @Test("An allowed program is restricted where each rule that allows it says so")
    func restricted() throws {
        let set = try PolicySet.rules(
            "allow: CODE_EXECUTION, programs: [python3, make], restricted: true",
            "allow: CODE_EXECUTION, programs: make")
        let policy = set.policy(for: alice)
        #expect(policy.decide(Need(.codeExecution, .name("python3")), at: .noon).isRestricted)
        #expect(!policy.decide(Need(.codeExecution, .name("make")), at: .noon).isRestricted)
    }

    @Test("Of what several blocks say the narrower holds")
    func merging() throws {
        let set = try PolicySet.of(
            "clients: [{name: b, limits: {memory: 1GiB, cpu: 50%}, sessions: 4, environment: {A: b, C: c}, secret: x}]",
            "clients: [{name: a, limits: {memory: 2GiB, tasks: 10}, workspace: ephemeral, sessions: 9, environment: {A: a}, rates: {calls: 5/s}, secret: y}]"
        )
        let policy = set.policy(for: alice)
        #expect(policy.limits[.memory] == 1 << 30)
        #expect(policy.limits[.tasks] == 10)
        #expect(policy.limits[.sessions] == 4)
        #expect(policy.limits.ofCell.cpuPercent == 50)
        #expect(policy.limits.ofCell.memoryHigh < 1 << 30)
        #expect(policy.isEphemeral)
        #expect(policy.environment == ["A": "a", "C": "c"])
        #expect(policy.rates.calls == [CallRate(count: 5, seconds: 1)])
        #expect(policy.secrets == ["x", "y"])
    }

    @Test("Whole directories become mounts, unless all of one is denied")
    func trees() throws {
        let set = try PolicySet.rules(
            "allow: FILE_READ, paths: ['~/src/**', '/srv/*/x/**', '/usr/share/**', /opt/tool, '/data/a/**', '/proc/**']",
            "ask: FILE_WRITE_GLOBAL, paths: ['~/src/out/**', '/data/b/**']",
            "deny: FILE_READ, paths: ['/data/**']",
            "deny: FILE_READ, paths: ['~/src/**/.env']")
        #expect(
            set.policy(for: alice).trees(at: .noon) == [
                // Nobody may read it, and writing is asked about.
                CellPlan.Tree("/data/b", isWritable: true, programs: CellPlan.Tree.ProgramAccess.none),
                CellPlan.Tree("/home/alice/src", isWritable: false),
                CellPlan.Tree("/home/alice/src/out", isWritable: true, programs: .read),
            ])
    }

    @Test(
        "Programs, which ask nobody, have of a tree only what nobody has to be asked about",
        arguments: [
            (["allow: FILE_READ", "allow: FILE_WRITE_GLOBAL"], true, .write),
            (["allow: FILE_READ", "ask: FILE_WRITE_GLOBAL"], true, .read),
            (["ask: FILE_READ"], false, .none),
            (["ask: FILE_READ", "allow: FILE_WRITE_GLOBAL"], true, .none),
            (["allow: FILE_WRITE_GLOBAL"], true, .none),
            (["allow: FILE_READ", "ask: FILE_READ"], false, .none),
        ] as [([String], Bool, CellPlan.Tree.ProgramAccess)])
    func programs(effects: [String], isWritable: Bool, access: CellPlan.Tree.ProgramAccess) throws {
        let rules = effects.map { "      - {\($0), paths: [/data/**]}\n" }.joined()
        let set = try PolicySet.of("clients:\n  - name: all\n    rules:\n" + rules)
        #expect(
            set.policy(for: alice).trees(at: .noon) == [
                CellPlan.Tree("/data", isWritable: isWritable, programs: access)
            ])
    }

    @Test("A tree of which a part is denied as a tree is not for programs", arguments: ["ask", "deny"])
    func exceptions(effect: String) throws {
        let set = try PolicySet.rules(
            "allow: [FILE_READ, FILE_WRITE_GLOBAL], paths: [/data/**]",
            "\(effect): FILE_READ, paths: [/data/secret/**]")
        #expect(set.policy(for: alice).trees(at: .noon).first?.programs == CellPlan.Tree.ProgramAccess.none)
        let other = try PolicySet.rules(
            "allow: [FILE_READ, FILE_WRITE_GLOBAL], paths: [/data/**]",
            "\(effect): FILE_WRITE_GLOBAL, paths: [/data/x/**]")
        #expect(other.policy(for: alice).trees(at: .noon).first?.programs == .read)
    }

    @Test("Expectations that do not hold are named with what is the case")
    func expectations() throws {
        let set = try PolicySet.of(
            """
            clients: [{name: a, match: {user: alice}, rules: [{allow: FILE_READ, paths: ['~/**']}]}]
            expect:
              - {client: {user: alice}, permission: FILE_READ, path: ~/x, verdict: allow}
              - {client: {user: bob}, permission: FILE_READ, path: ~/x, verdict: allow}
              - {permission: TOOL, name: x, verdict: ask}
            """)
        let broken = set.brokenExpectations(at: .noon)
        #expect(broken.map { $0.place?.line } == [4, 5])
        #expect(
            broken.first?.problem.contains(
                "is expected to be allow, and is deny, because no rule says anything") == true)
    }

    @Test("An explanation names who won, who lost, who would have spoken, and what helps")
    func explanation() throws {
        let set = try PolicySet.of(
            "clients: [{name: a, rules: [{allow: TOOL},\n {deny: TOOL, tools: rm},\n {ask: TOOL, expires: 2001-01-01}]},\n {name: b, match: {user: bob}, rules: [{allow: TOOL}]}]"
        )
        let explanation = set.explain(.tool("rm"), for: alice, at: .noon)
        #expect(explanation.decision.verdict == .deny)
        #expect(explanation.blocks == ["a"])
        #expect(explanation.lost.map(\.remark) == ["deny is stricter than allow"])
        #expect(explanation.silent.map(\.remark) == ["it has expired", "b is for others: user is alice"])
        #expect(explanation.advice.contains("deny is stricter"))
        #expect(
            set.explain(.path(.fileRead, "/x"), for: alice, at: .noon).advice.contains(
                "Add `- allow: FILE_READ` with the right paths to a"))
    }
}
