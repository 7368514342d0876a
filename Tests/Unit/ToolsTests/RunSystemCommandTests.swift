import Cells
import Linux
import Testing

@testable import Tools

/// What the arguments of `run_system_command` ask for and need, and what its answers look like.
struct RunSystemCommandTests {
    private static let tool = "run_system_command"

    private static func run(
        _ words: [String], environment: [String] = [], in directory: String = "", input: String = "",
        seconds: UInt32 = 120
    ) -> RunProgram {
        var run = RunProgram(
            ProgramStart(arguments: words, environment: environment, directory: directory))
        (run.input, run.timeoutMilliseconds) = (Array(input.utf8), seconds * 1000)
        return run
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let arguments: String
        let run: RunProgram
        let asRoot: Bool
        let need: String
        var testDescription: String { arguments }
    }

    static let cases = [
        Case(
            arguments: #"{"argv":["sh","-c","echo $A"]}"#, run: run([found("sh"), "-c", "echo $A"]),
            asRoot: false, need: "systemCommand \(found("sh")) -c 'echo $A'"),
        Case(
            arguments:
                #"{"argv":["/opt/x",""],"working_directory":"/srv","stdin":"in","timeout_seconds":9,"environment":{"LC_ALL":"C","TZ":"UTC"}}"#,
            run: run(
                ["/opt/x", ""], environment: ["LC_ALL=C", "TZ=UTC"], in: "/srv", input: "in", seconds: 9),
            asRoot: false, need: "systemCommand /opt/x ''"),
        Case(
            arguments: #"{"argv":["/bin/id"],"as_root":true,"environment":{}}"#, run: run([found("id")]),
            asRoot: true, need: "sudo \(found("id"))"),
    ]

    private static func found(_ name: String) -> String { HostPrograms.find(name) ?? "" }

    @Test(arguments: cases)
    func `arguments become a command, and the permission that it needs`(each: Case) async throws {
        let cell = ScriptedCell(.program(.ended(ProgramEnd(.exited(0)))))
        _ = try await TestedTools.call(Self.tool, each.arguments, cell)
        let commands = await cell.commands
        #expect(commands.map(\.run) == [each.run])
        #expect(commands.map(\.asRoot) == [each.asRoot])
        #expect(try TestedTools.needs(Self.tool, each.arguments) == [each.need])
    }

    @Test(arguments: [
        ("{}", "\"argv\" is missing"),
        (#"{"argv":[]}"#, "an array of 1 to"),
        (#"{"argv":[""]}"#, "argv[0]"),
        (#"{"argv":["./x"]}"#, "absolute path without . and .."),
        (#"{"argv":["/usr/bin/../x"]}"#, "absolute path without . and .."),
        (#"{"argv":["/proc/self/root/usr/bin/id"]}"#, "absolute path without . and .."),
        (#"{"argv":["no-such-program"]}"#, "there is no program of that name in /usr/local/sbin:"),
        (#"{"argv":["."]}"#, "there is no program of that name"),
        (#"{"argv":["id"],"working_directory":"tmp"}"#, "no absolute path"),
        (
            #"{"argv":["id"],"environment":{"LD_PRELOAD":"/x"}}"#,
            "LD_PRELOAD, by which a command could be made"
        ),
        (#"{"argv":["id"],"environment":{"TZ":":/etc/shadow"}}"#, "TZ, by which"),
        (#"{"argv":["id"],"environment":{"LC_ALL":"%s"}}"#, "LC_ALL, by which"),
        (#"{"argv":["id"],"environment":{"LANG":"C"},"as_root":true}"#, "as root gets no variables"),
        (#"{"argv":["id"],"working_directory":"/tmp","as_root":true}"#, "always runs in root's home"),
        (#"{"argv":["id"],"as_root":"yes"}"#, "true or false"),
        (#"{"command":"id"}"#, "unknown argument"),
    ])
    func `a wrong argument is named`(arguments: String, words: String) async throws {
        let called = try await TestedTools.call(Self.tool, arguments)
        #expect(called.result.isError)
        #expect(called.text.contains(words), "\(called.text)")
    }

    @Test func `more than a command can be given is refused`() async throws {
        let word = String(repeating: "x", count: 40_000)
        let called = try await TestedTools.call(Self.tool, #"{"argv":["id","\#(word)","\#(word)"]}"#)
        #expect(called.text.contains("at most 65536; put what is long into stdin"))
    }

    @Test func `an answer speaks of no cell`() async throws {
        var end = ProgramEnd(.signalled(9))
        (end.ranOutOfMemory, end.outputBytes) = (true, 9)
        let output = ProgramOutput(isError: true, bytes: Array("Permission denied\n".utf8))
        let called = try await TestedTools.call(
            Self.tool, #"{"argv":["id"]}"#, ScriptedCell(.program(.ended(end), writing: [output])))
        #expect(called.result.isError)
        #expect(called.text.contains("the limit of this client was reached"))
        #expect(called.text.contains("[cut: the first 0 of 9 bytes of stdout; the rest is lost]"))
        #expect(!called.text.contains("wall") && !called.text.contains("cell"))
        end = ProgramEnd(.exited(0))
        end.timedOut = true
        let late = try await TestedTools.call(
            Self.tool, #"{"argv":["id"],"timeout_seconds":3}"#, ScriptedCell(.program(.ended(end))))
        #expect(late.text.contains("timed out after 3 s") && late.text.hasSuffix("timeout_seconds]"))
    }
}
