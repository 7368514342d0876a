import Foundation
import Glibc
import Linux
import TestSupport
import Testing

/// Who is at the other end, by the kernel's word.
@Suite struct PeerCredentialsTests {
    /// The process that a pidfd refers to, as /proc has it; -1 when that process is gone.
    private func process(of pidfd: borrowing OwnedFD) throws -> pid_t? {
        try File.readText("/proc/self/fdinfo/\(pidfd.number)").split(separator: "\n")
            .first { $0.hasPrefix("Pid:") }
            .flatMap { pid_t($0.dropFirst(4).trimmingCharacters(in: .whitespaces)) }
    }

    /// Linux 6.5 can say exactly which process it was; before, a number has to be looked up.
    private var kernelKnowsPidfds: Bool {
        let numbers = Linux.Process.kernel.release.split { !$0.isNumber }.prefix(2).compactMap {
            Int($0)
        }
        return numbers.count == 2 && (numbers[0], numbers[1]) >= (6, 5)
    }

    @Test("Of a pair of sockets, the peer is this process")
    func pair() throws {
        let pair = try UnixSocket.pair()
        let credentials = try PeerCredentials(of: pair.one)
        #expect(credentials.uid == getuid())
        #expect(credentials.gid == getgid())
        #expect(credentials.pid == getpid())
        #expect(credentials.pidfdIsExact == kernelKnowsPidfds)
        guard credentials.pidfd != nil else {
            Issue.record("no pidfd of a process that runs")
            return
        }
        #expect(try process(of: credentials.pidfd!) == getpid())
        #expect(isCloseOnExec(credentials.pidfd!) == true)
    }

    @Test("Its groups are those that it was in when it connected", arguments: [1, 3, 40])
    func groups(count: Int) throws {
        try #require(geteuid() == 0, "groups can be set by root alone")
        let groups = (0..<count).map { gid_t(5000 + $0) }
        let directory = try TemporaryDirectory()
        let path = directory.path + "/socket"
        let listener = ListeningSocket(try UnixSocket.listen(at: path, mode: 0o600))
        let list = groups.map(String.init).joined(separator: ",")
        let client = try Self.connect(to: path) {
            Launch("/usr/bin/setpriv", ["--groups", list, "--", Executable.bridge.path] + $0)
        }
        let connection = try listener.accept()
        #expect(try PeerCredentials(of: connection).groups == groups)
        client.kill(SIGKILL)
    }

    @Test("Root has a name and a home, and a number that nobody has has none")
    func accounts() {
        let root = Accounts.user(0)
        #expect(root?.name == "root")
        #expect(root?.home == "/root")
        #expect(Accounts.groupName(0) == "root")
        #expect(Accounts.user(3_999_999_999) == nil)
        #expect(Accounts.groupName(3_999_999_999) == nil)
    }

    @Test("Of an accepted connection, it is the process that connected")
    func accepted() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/socket"
        let listener = ListeningSocket(try UnixSocket.listen(at: path, mode: 0o600))
        let client = try Self.connect(to: path)
        // Kept, because the client ends with its connection.
        let connection = try listener.accept()
        let credentials = try PeerCredentials(of: connection)
        #expect(credentials.pid == client.pid)
        #expect(credentials.pid != getpid())
        #expect(credentials.uid == getuid())
        #expect(credentials.gid == getgid())
        guard credentials.pidfd != nil else {
            Issue.record("no pidfd of a process that runs")
            return
        }
        #expect(try process(of: credentials.pidfd!) == client.pid)
        // The descriptor is the process: it tells its end.
        #expect(Deadline(in: .zero).poll(credentials.pidfd!, .read).isEmpty)
        client.kill(SIGKILL)
        #expect(!Deadline().poll(credentials.pidfd!, .read).isEmpty)
    }

    @Test("A process that is gone before it is asked for is not mistaken for another")
    func gone() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/socket"
        let listener = ListeningSocket(try UnixSocket.listen(at: path, mode: 0o600))
        let client = try Self.connect(to: path)
        let socket = try listener.accept()
        client.kill(SIGKILL)
        try client.waitForEnd()
        let credentials = try PeerCredentials(of: socket)
        #expect(credentials.pid == client.pid)
        #expect(credentials.uid == getuid())
        // Whether the kernel still has a descriptor for it or not.
        if credentials.pidfd != nil { #expect(try process(of: credentials.pidfd!) == -1) }
    }

    @Test("Another user's process is that user's, with the group that it has")
    func anotherUser() throws {
        try #require(getuid() == 0 || Linux.Process.environment("CLOISTER_MUST_RUN") != "1")
        if getuid() != 0 { try Test.cancel("only root can act as other users") }
        let directory = try TemporaryDirectory()
        let user: uid_t = 64_003
        let path = directory.path + "/socket"
        let listener = ListeningSocket(try UnixSocket.listen(at: path, mode: 0o666))
        try directory.giveAway(to: user)
        let program = try directory.copy(of: .bridge)
        let client = try Self.connect(to: path) { Launch(program, $0).asUser(user) }
        let connection = try listener.accept()
        let credentials = try PeerCredentials(of: connection)
        #expect(credentials.uid == user)
        #expect(credentials.gid == user)
        #expect(credentials.pid == client.pid)
    }

    @Test("The security module's label is the peer's own, where there is one")
    func label() throws {
        let pair = try UnixSocket.pair()
        let own = try? File.readText("/proc/self/attr/current").trimmingCharacters(
            in: CharacterSet(charactersIn: "\0\n"))
        let label = try PeerCredentials(of: pair.one).label
        // A module may know processes and not sockets; it may not know one by another's label.
        #expect(label == nil || label == own)
        #expect(label != "")
    }

    @Test("What is no socket has no peer, and says so")
    func noSocket() throws {
        let pipe = try Linux.Pipe()
        #expect(throws: SystemError("getsockopt", Errno(rawValue: ENOTSOCK), "SO_PEERCRED")) {
            _ = try PeerCredentials(of: pipe.reading)
        }
    }

    /// The bridge is a program that connects and stays: it holds its own input open.
    private static func connect(
        to path: String, as launch: ([String]) -> Launch = { Launch(Executable.bridge.path, $0) }
    ) throws -> RunningProgram {
        let input = try Linux.Pipe()
        return try launch(["--socket", path]).start(descriptors: [
            0: input.reading.number, 3: input.writing.number,
        ])
    }
}
