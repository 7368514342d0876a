import Testing
import YAML

@testable import Policy

/// What a policy file may look like, and where exactly it does not.
@Suite struct PolicyFileTests {
    static func fault(_ text: String) -> PolicyFault? {
        do throws(PolicyFault) {
            _ = try PolicySet([try PolicyFile.read(Array(text.utf8), named: "f.yaml")])
            return nil
        } catch {
            return error
        }
    }

    static let rule = "clients:\n  - name: a\n    rules:\n      - "

    @Test(
        "A file that is wrong is refused with its line, its column and what is wrong",
        arguments: [
            ("clients: [", 2, "this is not YAML"),
            ("clients: {}", 1, "clients is a list, and not a mapping"),
            ("client: []", 1, "client is not known in a policy file"),
            ("- a", 1, "a policy file is a mapping, and not a list"),
            ("clients: []\nclients: []", 2, "clients stands twice here, first in line 1"),
            ("clients: &a []", 1, "anchors (&) are not part of this language"),
            ("clients: *a", 1, ""),
            ("clients: !!seq []", 1, "tags (!) are not part of this language"),
            ("clients: []\n---\nclients: []", 2, "a second document begins"),
            ("? [a]\n: b", 1, "a key is a word, and not a list"),
            ("clients:\n  - match: {}", 2, "a block of clients needs a name"),
            ("clients:\n  - name: [a]", 2, "name is a word, and not a list"),
            ("clients:\n  - name: ''", 2, "name has no value"),
            ("clients:\n  - name: \"a\\tb\"", 2, "name has a control character in it"),
            ("clients:\n  - name: a\n  - name: a", 3, "the name a is taken, by the block at f.yaml:2"),
            ("clients:\n  - {name: a, match: {usr: x}}", 2, "usr is not known in match"),
            ("clients:\n  - {name: a, match: {user: []}}", 2, "user is an empty list"),
            ("clients:\n  - {name: a, match: {sha256: abc}}", 2, "sha256 is 64 hexadecimal digits"),
            (
                "clients:\n  - {name: a, match: {executable: usr/bin}}", 2,
                "it begins neither with / nor with ~/"
            ),
            (
                "clients:\n  - {name: a, match: {transport: http}}", 2,
                "transport is one of socket, bus, and not http"
            ),
            ("clients:\n  - {name: a, claims: {}}", 2, "claims names neither bridge nor name"),
            ("clients:\n  - {name: a, limits: {memory: 512}}", 2, "beyond what can be meant"),
            (
                "clients:\n  - {name: a, limits: {memory: 512MB}}", 2,
                "memory is a number with one of KiB, MiB, GiB, TiB"
            ),
            ("clients:\n  - {name: a, limits: {memory: 99999999999TiB}}", 2, "beyond what can be meant"),
            ("clients:\n  - {name: a, limits: {cpu: 150}}", 2, "cpu is a number with one of %"),
            ("clients:\n  - {name: a, limits: {tasks: 1}}", 2, "tasks is a number from 2"),
            ("clients:\n  - {name: a, limits: {tasks: -5}}", 2, "tasks is a number from 2"),
            ("clients:\n  - {name: a, limits: {sessions: 5}}", 2, "sessions is not known in limits"),
            ("clients:\n  - {name: a, rates: {calls: 5}}", 2, "calls is a number of calls in s, min, h or d"),
            (
                "clients:\n  - {name: a, workspace: yes}", 2,
                "workspace is one of persistent, ephemeral, and not yes"
            ),
            ("clients:\n  - {name: a, environment: {A=B: c}}", 2, "A=B is no name of a variable"),
            (rule + "{}", 4, "a rule says exactly one of allow, ask and deny"),
            (rule + "{allow: TOOL, deny: TOOL}", 4, "a rule says exactly one"),
            (rule + "{allow: FILE_REED}", 4, "there is no permission FILE_REED"),
            (rule + "{allow: CUSTOM_X}", 4, "CUSTOM_X is not declared"),
            (rule + "{allow: CUSTOM_}", 4, "there is no permission CUSTOM_"),
            (rule + "{allow: FILE_READ, argv: [a]}", 4, "FILE_READ has no argv; it has paths"),
            (rule + "{allow: [FILE_READ, TOOL], paths: [/a]}", 4, "TOOL has no paths; it has tools"),
            (rule + "{allow: FILE_READ, via: queue}", 4, "via belongs to ask"),
            (rule + "{ask: FILE_READ, via: mail}", 4, "via is one of client, queue, polkit, and not mail"),
            (rule + "{allow: FILE_READ, paths: [/a/../b]}", 4, "it has a part that is . or .."),
            (rule + "{allow: FILE_READ, restricted: true}", 4, "restricted belongs to CODE_EXECUTION"),
            (rule + "{allow: CODE_EXECUTION, restricted: true}", 4, "restricted needs programs"),
            (rule + "{allow: CODE_EXECUTION_SUDO}", 4, "CODE_EXECUTION_SUDO needs argv"),
            (rule + "{allow: SYSTEM_COMMAND, argv: [\"**\"]}", 4, "a command begins with a program"),
            (
                rule + "{allow: SYSTEM_COMMAND, argv: [a, \"**\", b]}", 4,
                "** stands for the rest of a command"
            ),
            (rule + "{allow: TOOL, hours: 8-18}", 4, "hours are such as Mon-Fri 08:00-18:00"),
            (rule + "{allow: TOOL, expires: 2026-02-29}", 4, "expires is a day or a time in UTC"),
            (rule + "{allow: TOOL, expires: soon}", 4, "expires is a day or a time in UTC"),
            (
                "clients:\n  - name: a\n    claims: {name: x}\n    rules:\n      - allow: TOOL", 5,
                "a block with claims cannot allow"
            ),
            ("audit: perhaps", 1, "audit is one of required, best-effort, and not perhaps"),
            ("audit: {required: maybe}", 1, "required is yes or no, and not maybe"),
            ("custom: TOOL", 1, "only names that begin with CUSTOM_ can be declared"),
            ("expect: [{permission: TOOL}]", 1, "an expectation needs permission and verdict"),
            ("expect: [{permission: FILE_READ, verdict: allow}]", 1, "FILE_READ needs a path here"),
        ])
    func wrong(text: String, line: Int, problem: String) throws {
        let fault = try #require(Self.fault(text))
        #expect(fault.place?.line == line, "\(fault)")
        #expect(fault.problem.contains(problem), "\(fault)")
        #expect(fault.file == "f.yaml")
    }

    @Test("The column is where the wrong thing begins")
    func column() throws {
        #expect(
            Self.fault("clients:\n  - {name: a, limits: {tasks: 1}}")?.place == TextPlace(line: 2, column: 31)
        )
        #expect(Self.fault("clients:\n  - {name: a, usr: 1}")?.place == TextPlace(line: 2, column: 15))
    }

    @Test(
        "A word is a word, whatever YAML takes it for",
        arguments: ["no", "1.0", "0x10", "~", "null", "2026-01-01", "'*'"])
    func words(word: String) throws {
        let set = try PolicySet.of("clients:\n  - name: \(word)\n    match: {user: \(word)}")
        let plain = word.filter { $0 != "'" }
        #expect(set.clients.first?.name == plain)
        #expect(set.clients.first?.match.users == [plain])
    }

    @Test("Text that is not UTF-8, too large or too deep is refused")
    func bounds() {
        #expect(throws: PolicyFault.self) { try PolicyFile.read([0xFF, 0xFE], named: "f") }
        #expect(throws: PolicyFault.self) { try PolicyFile.read([0x63, 0x80], named: "f") }
        let large = Array(repeating: UInt8(ascii: "#"), count: PolicyFile.mostBytes + 1)
        #expect(throws: PolicyFault.self) { try PolicyFile.read(large, named: "f") }
        #expect(
            Self.fault("clients: " + String(repeating: "[", count: 100) + String(repeating: "]", count: 100))?
                .problem == "this is nested too deeply")
        let bomb = "clients: [" + String(repeating: "[],", count: 250_000) + "[]]"
        #expect(Self.fault(bomb)?.problem == "the file has too many parts")
        let many =
            "clients:\n  - name: a\n    rules:\n" + String(repeating: "      - deny: TOOL\n", count: 10_001)
        #expect(Self.fault(many)?.problem.contains("more than 10000 rules") == true)
    }

    @Test("A file that says nothing is one", arguments: ["", "# nothing\n", "\n\n", "{}"])
    func empty(text: String) throws {
        #expect(Self.fault(text) == nil)
    }

    @Test(
        "Whether audit is required is a member, or one word",
        arguments: [
            ("", true), ("audit: required", true), ("audit: best-effort", false),
            ("audit: {required: no, sync: always}", false),
        ])
    func auditIsRequired(text: String, isRequired: Bool) throws {
        #expect(try PolicySet.of(text).audit.isRequired == isRequired)
    }

    @Test("Two files that set audit are one too many")
    func audit() {
        #expect(throws: PolicyFault.self) {
            try PolicySet.of("audit: {sync: always}", "audit: {sync: always}")
        }
    }
}
