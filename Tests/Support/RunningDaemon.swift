import Glibc
import Linux

/// A daemon of one test, in a directory of its own, ready when this is made.
package final class RunningDaemon: @unchecked Sendable {
    // Unchecked: its parts are, and none is replaced.
    package let directory: TemporaryDirectory
    package let socketPath: String
    package let program: RunningProgram
    package let manager: NotifySocket
    /// How it is started: by itself, or by systemd with a socket that was there before.
    package enum Start: Sendable, CaseIterable, CustomStringConvertible {
        case standalone, activated

        package var description: String { self == .standalone ? "standalone" : "socket-activated" }
    }

    package init(
        _ executable: Executable = .fixtureDaemon, _ start: Start = .standalone,
        options: [String] = [], environment: [String: String] = [:], abstractNotify: Bool = false,
        in directory: TemporaryDirectory? = nil, program path: String? = nil, asUser user: uid_t? = nil
    ) throws {
        let directory = try directory ?? TemporaryDirectory()
        self.directory = directory
        socketPath = directory.path + "/mcp.sock"
        let notify = directory.path + "/notify"
        // An abstract name belongs to nobody's directory; it is as unique as that.
        manager = try NotifySocket(at: abstractNotify ? "@" + notify : notify)
        var environment = environment
        environment["NOTIFY_SOCKET"] = manager.address
        var command = Launch(path ?? executable.path, options)
        if let user {
            try directory.giveAway(to: user)
            _ = unsafe chmod(notify, 0o666)
            command = command.asUser(user)
        }
        switch start {
        case .standalone:
            program = try command.adding(["--standalone", directory.path]).start(environment)
        case .activated:
            let policy = try directory.policy(allowing: "TOOL")
            command = command.adding(["--policy", policy, "--audit", directory.path + "/audit"])
            let socket = try UnixSocket.listen(at: socketPath, mode: 0o666)
            program = try command.activated().start(environment, descriptors: [3: socket.number])
        }
        try waitUntilReady()
    }

    deinit { stopForGood() }

    private func waitUntilReady() throws {
        let deadline = Deadline()
        while true {
            if let state = try? manager.nextState(within: .milliseconds(50)) {
                guard state.first == "READY=1" else { throw TestFault("not ready: \(state)") }
                return
            }
            guard program.isRunning, !deadline.hasPassed else {
                throw TestFault("the daemon did not become ready: \(program.said)")
            }
        }
    }

    package func connect(recordedAs name: String = #function) throws -> LineClient {
        let client = try LineClient(
            try UnixSocket.connect(to: socketPath, waiting: true), recordedAs: name)
        client.peer = self
        return client
    }

    /// Waits until the daemon has said that.
    @discardableResult
    package func log(
        saying text: String, within patience: Duration = Deadline.patience
    ) throws -> String {
        try program.errors.wait(for: text, within: patience)
    }

    package func terminate() { program.kill(SIGTERM) }

    private func stopForGood() {
        program.kill(SIGKILL)
        _ = try? program.waitForEnd()
    }
}

/// A command line, and what stands before it.
package struct Launch: Sendable {
    package var words: [String]

    package init(_ path: String, _ arguments: [String] = []) { words = [path] + arguments }

    package func adding(_ arguments: [String]) -> Launch {
        var more = self
        more.words += arguments
        return more
    }

    /// As systemd does it: the sockets begin at 3, and the process that they are meant for is named by its
    /// own number, which only it can know.
    package func activated(sockets: Int = 1, pid: String = "$$") -> Launch {
        let script = "export LISTEN_PID=\(pid) LISTEN_FDS=\(sockets); exec \"$@\""
        return Launch("/bin/sh", ["-c", script, "sh"] + words)
    }

    /// As the child of a shell that has something to do afterwards: to end with status 7.
    package var runByShell: Launch { Launch("/bin/sh", ["-c", "\"$@\"; exit 7", "sh"] + words) }

    package func asUser(_ user: uid_t) -> Launch {
        Launch(
            "/usr/bin/setpriv", ["--reuid=\(user)", "--regid=\(user)", "--clear-groups", "--"] + words)
    }

    package func start(
        _ environment: [String: String] = [:], descriptors: [Int: Int] = [:]
    ) throws -> RunningProgram {
        try RunningProgram(
            words[0], Array(words.dropFirst()), environment: environment, descriptors: descriptors)
    }

    /// Runs it to its end.
    package func run(
        _ environment: [String: String] = [:], descriptors: [Int: Int] = [:]
    ) throws -> (status: ProcessFD.Status, output: String, errors: String) {
        let output = try Linux.Pipe()
        output.resize(to: 1 << 20)
        let program: RunningProgram
        do {
            program = try start(
                environment, descriptors: descriptors.merging([1: output.writing.number]) { $1 })
        }
        let status = try program.waitForEnd()
        let reader = ByteReader(try output.reading.duplicate())
        return (status, String(decoding: try reader.peek(), as: UTF8.self), program.said)
    }
}
