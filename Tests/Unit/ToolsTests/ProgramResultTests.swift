import Cells
import Testing

@testable import Tools

/// What programs' ends and outputs look like to a client.
struct ProgramResultTests {
    private func end(
        _ cause: ProgramEnd.Cause = .exited(0), output: UInt64 = 0, error: UInt64 = 0,
        _ change: (inout ProgramEnd) -> Void = { _ in }
    ) -> ProgramEnd {
        var end = ProgramEnd(cause)
        (end.cpuMicroseconds, end.wallMicroseconds, end.peakMemoryBytes) = (310_000, 1_529_999, 12 << 20)
        (end.outputBytes, end.errorBytes) = (output, error)
        change(&end)
        return end
    }

    private func run(_ end: ProgramEnd, _ pieces: [ProgramOutput]) async throws -> CallResult {
        try await TestedTools.call(
            "run_command", #"{"command":"x","timeout_seconds":7}"#,
            ScriptedCell(.program(.ended(end), writing: pieces)))
    }

    private func out(_ text: String) -> ProgramOutput {
        ProgramOutput(isError: false, bytes: Array(text.utf8))
    }
    private func err(_ text: String) -> ProgramOutput {
        ProgramOutput(isError: true, bytes: Array(text.utf8))
    }

    private let usage = "1.52 s, 0.31 s of CPU, 12.0 MiB"

    // MARK: Ends

    @Test func `a result has stdout, stderr and the status, in this order`() async throws {
        let called = try await run(
            end(.exited(3), output: 4, error: 3), [out("a"), err("no\n"), out("\nb\n")])
        #expect(called.text == "a\nb\n[stderr]\nno\n[exit status 3, \(usage)]")
        #expect(
            called.structured
                == #"{"exit_code":3,"out_of_memory":false,"cpu_seconds":0.31,"wall_seconds":1.529999,"#
                + #""peak_memory_bytes":12582912,"timed_out":false,"stdout":"a\nb\n","stderr":"no\n","#
                + #""stdout_bytes":4,"stderr_bytes":3}"#)
    }

    @Test(arguments: [
        ("cp: cannot create 'x': Read-only file system", "wall fileview"),
        ("ping: connect: Network is unreachable", "wall netns"),
        ("curl: (6) Could not resolve host: example.org", "wall netns"),
        ("dd: error writing 'x': No space left on device", "wall workspace"),
        ("tee: x: File too large", "wall rlimits"),
        ("sh: 1: Cannot fork: Resource temporarily unavailable", "walls cgroup and rlimits"),
        ("mount: /tmp: must be superuser to use mount.", "walls capabilities and seccomp"),
        ("chown: changing ownership of 'x': Operation not permitted", "walls capabilities and seccomp"),
        ("cat: x: Permission denied", "wall landlock"),
    ])
    func `words of the kernel's refusal come back with the wall that may have been the reason`(
        words: String, wall: String
    ) async throws {
        let failed = try await run(end(.exited(1), error: UInt64(words.utf8.count)), [err(words)])
        #expect(failed.text.contains("[if a wall of the cell was the reason: "))
        #expect(failed.text.contains("(\(wall))"))
        // A program that got what it wanted has nothing to be explained.
        let succeeded = try await run(end(.exited(0), error: UInt64(words.utf8.count)), [err(words)])
        #expect(!succeeded.text.contains("[if a wall"))
    }

    @Test func `another status than 0 is no error of the tool`() async throws {
        #expect(try await !run(end(.exited(1)), []).result.isError)
        #expect(try await !run(end(.signalled(6)), []).result.isError)
    }

    @Test func `a signal is named`() async throws {
        let called = try await run(end(.signalled(11)), [])
        #expect(called.text == "[ended by SIGSEGV, \(usage)]")
        #expect(called["signal"]?.string == "SIGSEGV")
        #expect(called["exit_code"] == nil)
    }

    @Test func `time that was up is an error, with what there is of output`() async throws {
        let called = try await run(end(.signalled(9), output: 1) { $0.timedOut = true }, [out("a")])
        #expect(called.result.isError)
        #expect(called.text.hasPrefix("a\n[timed out after 7 s and was ended, \(usage); give a larger"))
        #expect(called["timed_out"]?.bool == true)
        #expect(called["stdout"]?.string == "a")
    }

    @Test func `memory that was up is an error that says so`() async throws {
        let called = try await run(end(.signalled(9)) { $0.ranOutOfMemory = true }, [])
        #expect(called.result.isError)
        #expect(called.text.hasPrefix("[ended by SIGKILL: out of memory, the limit of this cell was reached"))
        #expect(called.text.contains("(wall cgroup); an administrator can raise it"))
        #expect(called["out_of_memory"]?.bool == true)
    }

    @Test(arguments: [(31, "(wall seccomp)"), (25, "(wall rlimits)")] as [(UInt8, String)])
    func `a program that a wall ended is explained`(signal: UInt8, wall: String) async throws {
        #expect(try await run(end(.signalled(signal)), []).text.contains(wall))
    }

    // MARK: Output

    @Test func `output that was cut names the file that has all of it`() async throws {
        let file = "/workspace/.cloister/output/1.stdout"
        let cut = end(output: 10, error: 4) { $0.outputFile = file }
        let called = try await run(cut, [out("abcé".dropLast() + "é"), err("x")])
        #expect(
            called.text == """
                abcé
                [cut: the first 5 of 10 bytes of stdout; read_file shows more of it: \(file)]
                [stderr]
                x
                [cut: the first 1 of 4 bytes of stderr; the rest is lost]
                [exit status 0, \(usage)]
                """)
        #expect(called["stdout_file"]?.string == file)
        #expect(called["stderr_file"] == nil)
    }

    @Test func `half a character at a cut is left out`() async throws {
        let piece = ProgramOutput(isError: false, bytes: [0x61, 0xC3])
        let called = try await run(end(output: 9), [piece])
        #expect(called["stdout"]?.string == "a")
        #expect(called.text.hasPrefix("a\n[cut: the first 1 of 9 bytes"))
        #expect(called["stdout_is_lossy"] == nil)
    }

    @Test func `output that is not UTF-8 is shown lossily and marked`() async throws {
        let piece = ProgramOutput(isError: true, bytes: [0x61, 0xFF])
        let called = try await run(end(error: 2), [piece])
        #expect(
            called.text
                == "[stderr]\na\u{FFFD}\n[stderr is not UTF-8; bytes that are not are shown as U+FFFD]\n[exit status 0, \(usage)]"
        )
        #expect(called["stderr_is_lossy"]?.bool == true)
        #expect(called["stdout_is_lossy"] == nil)
    }

    // MARK: Progress

    private func progress(_ pieces: [ProgramOutput]) async -> [ScriptedCell.Progress] {
        let cell = ScriptedCell()
        let collector = OutputCollector(cell)
        for piece in pieces { await collector.take(piece) }
        return await cell.progress
    }

    @Test func `output is told as it comes, and counted`() async throws {
        let told = await progress([out("one\n"), err("bad\n"), out("two\n"), out("")])
        #expect(
            told == [
                .init(count: 4, message: "one\n"), .init(count: 8, message: "[stderr] bad\n"),
                .init(count: 12, message: "two\n"),
            ])
    }

    @Test func `a character that comes in two pieces is told whole`() async throws {
        let halves = [[0x61, 0xC3], [0xA9, 0x62]].map { ProgramOutput(isError: false, bytes: $0) }
        let told = await progress(halves)
        #expect(told == [.init(count: 1, message: "a"), .init(count: 4, message: "éb")])
    }

    @Test func `a large piece shows its end`() async throws {
        let told = await progress([out(String(repeating: "é", count: 5000))])
        #expect(told.count == 1)
        #expect(told[0].count == 10_000)
        #expect(told[0].message == "…" + String(repeating: "é", count: 2048))
    }

    @Test func `a program that writes byte by byte costs a bounded number of messages`() async throws {
        let count = 20_000
        let told = await progress(Array(repeating: out("x"), count: count))
        #expect(told.count <= OutputCollector.promptMessages + count / OutputCollector.longestPiece)
        #expect(told.count > OutputCollector.promptMessages)
        #expect(zip(told, told.dropFirst()).allSatisfy { $0.count < $1.count })
    }

    @Test func `a stream that takes over does not mix with what waited of the other`() async throws {
        let many = Array(repeating: out("x"), count: OutputCollector.promptMessages)
        let told = await progress(many + [out("a"), out("b"), err(String(repeating: "c", count: 4096))])
        #expect(told.suffix(2).map(\.message) == ["ab", "[stderr] " + String(repeating: "c", count: 4096)])
        #expect(told.suffix(2).map(\.count) == [202, 4298])
    }

    @Test func `a call tells its client`() async throws {
        let cell = ScriptedCell(.program(.ended(end(output: 2)), writing: [out("hi")]))
        _ = try await TestedTools.call("run_code", #"{"language":"sh","source":"x"}"#, cell)
        #expect(await cell.progress == [.init(count: 2, message: "hi")])
    }

    // MARK: Processes

    private func status(_ end: ProgramEnd? = nil) -> ProcessStatus {
        ProcessStatus(process: 3, pid: 41, command: "sleep\n9", runningMicroseconds: 2_000_000, end: end)
    }

    private let line = "process 3 (pid 41): running for 2.00 s: sleep?9"

    @Test(arguments: [
        ("start_process", #"{"command":"x"}"#), ("stop_process", #"{"process":3}"#),
    ])
    func `a process is shown`(tool: String, arguments: String) async throws {
        let called = try await TestedTools.call(
            tool, arguments, ScriptedCell(.program(.status(status()))))
        #expect(called.text == line)
        #expect(
            called.structured
                == #"{"process":3,"pid":41,"command":"sleep\n9","is_running":true,"running_seconds":2.0}"#)
        let ended = try await TestedTools.call(
            tool, arguments, ScriptedCell(.program(.status(status(end(.signalled(15)))))))
        #expect(ended.text == "process 3 (pid 41): ended by SIGTERM, \(usage): sleep?9")
        #expect(ended["end"]?["signal"]?.string == "SIGTERM")
        #expect(ended["is_running"]?.bool == false)
    }

    @Test func `processes are listed, and none is said`() async throws {
        let two = try await TestedTools.call(
            "list_processes", "{}", ScriptedCell(.program(.processes([status(), status(end())]))))
        #expect(two.text == "\(line)\nprocess 3 (pid 41): exit status 0, \(usage): sleep?9")
        #expect(two["processes"]?.count == 2)
        let none = try await TestedTools.call(
            "list_processes", "{}", ScriptedCell(.program(.processes([]))))
        #expect(none.text == "[no processes]")
    }

    private func output(
        _ bytes: [UInt8], from: UInt64 = 0, end: ProgramEnd? = nil, arguments: String = ""
    ) async throws -> CallResult {
        let output = ProcessOutput(from: from, bytes: bytes, status: status(end))
        return try await TestedTools.call(
            "process_output", #"{"process":3\#(arguments)}"#, ScriptedCell(.program(.output(output))))
    }

    @Test func `output of a process says where it goes on`() async throws {
        let called = try await output(Array("ready\n".utf8))
        #expect(called.text == "ready\n[this is all so far; continue with from=6]\n[\(line)]")
        #expect(called["next_from"]?.integer == 6)
        #expect(called["is_complete"]?.bool == false)
        #expect(called["status"]?["process"]?.integer == 3)
    }

    @Test func `output of a process that has ended is complete at its end`() async throws {
        let called = try await output(Array("bye".utf8), end: end())
        #expect(called.text.hasPrefix("bye\n[process 3 (pid 41): exit status 0"))
        #expect(called["is_complete"]?.bool == true)
    }

    @Test func `output beyond the limit is cut, and half a character left for later`() async throws {
        let bytes = Array(String(repeating: "x", count: 15).utf8) + [0xC3]
        let called = try await output(bytes, end: end(), arguments: #","limit":16"#)
        #expect(called.text.contains("xxx\n[cut: there is more; continue with from=15]\n"))
        #expect(called["is_complete"]?.bool == false)
        #expect(called["is_lossy"] == nil)
    }

    @Test func `output that is no longer kept is said to be missing`() async throws {
        let called = try await output([0x61], from: 50, arguments: #","from":10"#)
        #expect(called.text.hasPrefix("[bytes 10 to 49 are not kept any more]\na\n"))
        #expect(called["from"]?.integer == 50)
        #expect(called["next_from"]?.integer == 51)
    }

    @Test func `input says what was taken`() async throws {
        let called = try await TestedTools.call(
            "process_input", #"{"process":3,"text":"ab","close":true}"#,
            ScriptedCell(.program(.accepted(2))))
        #expect(called.text == "process 3 was given 2 bytes; its input is closed")
        #expect(called.structured == #"{"process":3,"accepted_bytes":2,"is_closed":true}"#)
    }
}
