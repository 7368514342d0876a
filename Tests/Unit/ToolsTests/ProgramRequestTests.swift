import Cells
import Testing

@testable import Tools

/// What arguments ask of the cell about programs, and what they need to be allowed.
struct ProgramRequestTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let tool: String
        let arguments: String
        let request: ProgramRequest
        let needs: [String]

        init(_ tool: String, _ arguments: String, _ request: ProgramRequest, needs: String...) {
            (self.tool, self.arguments, self.request, self.needs) = (tool, arguments, request, needs)
        }

        var testDescription: String { "\(tool) \(arguments)" }
    }

    private static let usual = [
        "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/workspace", "LANG=C.UTF-8", "USER=cell", "LOGNAME=cell",
        "TERM=dumb", "SHELL=/bin/sh", "TMPDIR=/tmp",
    ]

    private static func start(
        _ words: [String], _ environment: [String] = usual, in directory: String = ""
    ) -> ProgramStart {
        ProgramStart(arguments: words, environment: environment, directory: directory)
    }

    private static func run(
        _ start: ProgramStart, input: String = "", seconds: UInt32 = 120
    ) -> ProgramRequest {
        var run = RunProgram(start)
        (run.input, run.timeoutMilliseconds) = (Array(input.utf8), seconds * 1000)
        return .run(run)
    }

    static let cases = [
        Case(
            "run_command", #"{"command":"ls | wc"}"#, run(start(["/bin/sh", "-c", "ls | wc"])),
            needs: "run /bin/sh"),
        Case(
            "run_command",
            #"{"argv":["ls",""],"working_directory":"src","stdin":"in","timeout_seconds":3600,"environment":{"A":"1","HOME":"/x","B":"="}}"#,
            run(
                start(
                    ["ls", ""], usual.filter { !$0.hasPrefix("HOME=") } + ["A=1", "HOME=/x", "B=="],
                    in: "/workspace/src"), input: "in", seconds: 3600), needs: "run ls"),
        Case(
            "run_command", #"{"argv":["./x"],"working_directory":"/tmp/d"}"#,
            run(start(["./x"], in: "/tmp/d")), needs: "run /tmp/d/x"),
        Case("run_command", #"{"argv":["bin/../x"]}"#, run(start(["bin/../x"])), needs: "run /workspace/x"),
        Case(
            "run_command", #"{"argv":["/usr//bin/id"]}"#, run(start(["/usr//bin/id"])),
            needs: "run /usr/bin/id"),
        Case(
            "run_code", #"{"language":"python3","source":"print(1)","arguments":["a","-b"]}"#,
            run(start(["/usr/bin/python3", "-c", "print(1)", "a", "-b"])), needs: "run /usr/bin/python3"),
        Case(
            "run_code",
            #"{"language":"bash","source":"echo","arguments":["a"],"stdin":"x","timeout_seconds":1}"#,
            run(start(["/usr/bin/bash", "-c", "echo", "bash", "a"]), input: "x", seconds: 1),
            needs: "run /usr/bin/bash"),
        Case(
            "run_code", #"{"language":"perl","source":"x","arguments":["-v"],"working_directory":"d"}"#,
            run(start(["/usr/bin/perl", "-e", "x", "--", "-v"], in: "/workspace/d")),
            needs: "run /usr/bin/perl"),
        Case(
            "run_code", #"{"language":"php","source":"<?php echo 1;"}"#,
            run(start(["/usr/bin/php", "-r", " echo 1;", "--"])), needs: "run /usr/bin/php"),
        Case(
            "run_code", #"{"language":"awk","source":"{print}","arguments":["f"]}"#,
            run(start(["/usr/bin/awk", "--", "{print}", "f"])), needs: "run /usr/bin/awk"),
        Case(
            "start_process", #"{"argv":["sleep","9"],"environment":{"A":"b"}}"#,
            .start(start(["sleep", "9"], usual + ["A=b"])), needs: "run sleep"),
        Case(
            "start_process", #"{"command":"sleep 9","working_directory":"d"}"#,
            .start(start(["/bin/sh", "-c", "sleep 9"], in: "/workspace/d")), needs: "run /bin/sh"),
        Case(
            "process_output", #"{"process":3}"#,
            .output(process: 3, standardErrorToo: false, from: 0, most: 64 << 10)),
        Case(
            "process_output", #"{"process":3,"stream":"stderr","from":9,"limit":16}"#,
            .output(process: 3, standardErrorToo: true, from: 9, most: 16)),
        Case(
            "process_input", #"{"process":3,"text":"a\n"}"#, .input(process: 3, [0x61, 0x0A], closes: false)),
        Case(
            "process_input", #"{"process":3,"base64":"/w==","close":true}"#,
            .input(process: 3, [0xFF], closes: true)),
        Case("process_input", #"{"process":3,"close":true}"#, .input(process: 3, [], closes: true)),
        Case(
            "stop_process", #"{"process":3}"#, .stop(process: 3, signal: 15, graceMilliseconds: 5000)),
        Case(
            "stop_process", #"{"process":3,"signal":"USR1","grace_seconds":0}"#,
            .stop(process: 3, signal: 10, graceMilliseconds: 0)),
        Case("list_processes", "{}", .list),
    ]

    @Test(arguments: cases)
    func `arguments become a request, and the permissions that it needs`(each: Case) async throws {
        let tool = try TestedTools.named(each.tool)
        let cell = ScriptedCell()
        _ = await tool.run(try TestedTools.json(each.arguments), cell.context)
        #expect(await cell.programRequests == [each.request])
        #expect(try TestedTools.needs(each.tool, each.arguments) == each.needs)
        let faults = SchemaChecker.faults(
            try TestedTools.json(each.arguments), against: tool.tool.inputSchema)
        #expect(faults == [])
        #expect(try ProgramRequest(decoding: each.request.encoded[...]) == each.request)
    }

    @Test(arguments: cases)
    func `a refusal of the cell is the result, and nothing else`(each: Case) async throws {
        let failure = CellFailure(.notFound, "there is no program x in this cell")
        let called = try await TestedTools.call(each.tool, each.arguments, ScriptedCell(.failure(failure)))
        #expect(called.result.isError)
        #expect(called.text == failure.message)
        #expect(called.result.structured == nil)
    }

    @Test(arguments: cases)
    func `an answer to another question is a failure that says so`(each: Case) async throws {
        let wrong: ProgramResult = each.tool == "process_input" ? .processes([]) : .accepted(0)
        let called = try await TestedTools.call(each.tool, each.arguments, ScriptedCell(.program(wrong)))
        #expect(called.result.isError)
        #expect(called.text == "The cell gave an answer to another question.")
    }

    // MARK: Long sources

    @Test(arguments: [
        ("python3", ["a"], "", ["FILE", "a"]), ("awk", ["a"], "", ["-f", "FILE", "--", "a"]),
        ("php", ["a"], "<?php\n", ["FILE", "--", "a"]), ("lua", [], "", ["FILE"]),
    ])
    func `a source that is too long for an argument goes through a file, which is deleted`(
        language: String, arguments: [String], prefix: String, words: [String]
    ) async throws {
        let source = String(repeating: "x", count: RunCode.longestInline + 1)
        let cell = ScriptedCell(
            .file(.written(bytes: 1, isNew: true)), .program(.ended(ProgramEnd(.exited(0)))),
            .file(.done(entries: 1, bytes: 0)))
        let list = arguments.map { "\"\($0)\"" }.joined(separator: ",")
        let called = try await TestedTools.call(
            "run_code", #"{"language":"\#(language)","source":"\#(source)","arguments":[\#(list)]}"#, cell)
        #expect(!called.result.isError)
        let requests = await cell.fileRequests
        try #require(requests.count == 2)
        guard case .write(let write) = requests[0], case .delete(let path, false) = requests[1],
            case .run(let run)? = await cell.programRequests.first
        else {
            Issue.record("not a file that is written and deleted")
            return
        }
        #expect(write.path.hasPrefix("/tmp/run_code-"))
        #expect(write.path == path)
        #expect((write.disposition, write.mode) == (.create, 0o600))
        #expect(write.data == Array((prefix + source).utf8))
        #expect(run.start.arguments.dropFirst().map { $0 == path ? "FILE" : $0 } == words)
    }

    @Test func `the file goes though the program could not be started`() async throws {
        let cell = ScriptedCell(
            .file(.written(bytes: 1, isNew: true)), .failure(CellFailure(.other, "no")),
            .file(.done(entries: 1, bytes: 0)))
        let source = String(repeating: "x", count: RunCode.longestInline + 1)
        let called = try await TestedTools.call(
            "run_code", #"{"language":"sh","source":"\#(source)"}"#, cell)
        #expect(called.text == "no")
        #expect(await cell.fileRequests.count == 2)
    }

    @Test func `only interpreters that are there are offered`() throws {
        let some = Interpreter.known.filter { ["sh", "awk"].contains($0.language) }
        let tool = try #require(RunCode.registered(some)).tool
        let choices = try #require(tool.inputSchema["properties"]?["language"]?["enum"])
        #expect(choices.elements.map(\.string) == ["sh", "awk"])
        #expect(RunCode.registered([]) == nil)
        #expect(Interpreter.found().contains { $0.language == "sh" })
    }
}
