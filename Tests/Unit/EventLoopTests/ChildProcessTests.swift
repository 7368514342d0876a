import Glibc
import Linux
import Testing

@testable import EventLoop

struct ChildProcessTests {
    private func spawn(_ words: [String]) throws -> pid_t {
        var pid: pid_t = 0
        var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { unsafe arguments.forEach { unsafe free($0) } }
        let error = unsafe posix_spawnp(&pid, words[0], nil, nil, &arguments, environ)
        try #require(error == 0)
        return pid
    }

    /// Our child neither runs nor waits to be reaped.
    private func isGone(_ pid: pid_t) -> Bool {
        waitpid(pid, nil, WNOHANG) == -1 && errno == ECHILD
    }

    @Test(arguments: [
        (["true"], ProcessFD.Status.exited(0)),
        (["false"], .exited(1)),
        (["sh", "-c", "exit 42"], .exited(42)),
        (["sh", "-c", "kill -KILL $$"], .signalled(SIGKILL)),
        // A shell's word for a signal is not one.
        (["sh", "-c", "exit 137"], .exited(137)),
    ])
    func `it says how the child ended, and leaves no zombie`(
        words: [String], status: ProcessFD.Status
    ) throws {
        let loop = try EventLoop()
        let pid = try spawn(words)
        var seen: [ProcessFD.Status?] = []
        _ = try ChildProcess(ProcessFD.open(pid), on: loop) {
            seen.append($0)
            loop.stop()
        }
        try run(loop)
        #expect(seen == [status])
        #expect(isGone(pid))
        try loop.runUntilIdle()
        #expect(seen.count == 1)
    }

    // waitid says ECHILD then, and the descriptor stays readable: the loop turned without end.
    @Test func `a child that somebody else reaped has ended, nobody knows how`() throws {
        let loop = try EventLoop()
        let pid = try spawn(["true"])
        let pidfd = try ProcessFD.open(pid)
        #expect(waitpid(pid, nil, 0) == pid)
        var seen: [ProcessFD.Status?] = []
        _ = try ChildProcess(pidfd, on: loop) {
            seen.append($0)
            loop.stop()
        }
        try run(loop)
        #expect(seen == [nil])
        try loop.runUntilIdle()
    }

    @Test func `a child that runs can be killed`() throws {
        let loop = try EventLoop()
        let pid = try spawn(["sleep", "600"])
        var seen: ProcessFD.Status?
        let child = try ChildProcess(ProcessFD.open(pid), on: loop) {
            seen = $0
            loop.stop()
        }
        try loop.turn(waiting: false)
        #expect(seen == nil)
        child.kill(SIGKILL)
        try run(loop)
        #expect(seen == .signalled(SIGKILL))
        #expect(isGone(pid))
        // Nobody is left to be killed, and certainly nobody who has its number now.
        child.kill(SIGKILL)
    }

    @Test func `many children are told apart`() throws {
        let loop = try EventLoop()
        var seen: [CInt: ProcessFD.Status] = [:]
        for number in 0..<CInt(20) {
            let pid = try spawn(["sh", "-c", "exit \(number)"])
            _ = try ChildProcess(ProcessFD.open(pid), on: loop) {
                seen[number] = $0
                if seen.count == 20 { loop.stop() }
            }
        }
        try run(loop)
        #expect(seen == Dictionary(uniqueKeysWithValues: (0..<20).map { ($0, .exited($0)) }))
    }
}
