import Foundation
import Glibc
import Linux

/// A program that a test started: known by its pidfd, reaped, and gone with its owner.
package final class RunningProgram: @unchecked Sendable {
    // Unchecked: the test that started it waits for it; signals may come from anywhere.
    package let pid: pid_t
    /// What it says on standard error, unless the test took that descriptor for itself.
    package let errors: ByteReader
    private let pidfd: OwnedFD
    private var status: ProcessFD.Status?

    /// `descriptors` are numbers of ours by the numbers that the program shall see; standard input and
    /// output are /dev/null without one. Nothing else is inherited.
    package init(
        _ path: String, _ arguments: [String] = [], environment: [String: String] = [:],
        descriptors: [Int: Int] = [:]
    ) throws {
        let errorPipe = try Linux.Pipe()
        // A program that says much must not wait for a test that looks later.
        errorPipe.resize(to: 1 << 20)
        let null = try File.open("/dev/null", .readWrite)
        var all = [0: null.number, 1: null.number, 2: errorPipe.writing.number]
        all.merge(descriptors) { $1 }
        all = all.filter { $0.value >= 0 }
        pid = try Spawn.run([path] + arguments, environment, all)
        pidfd = try ProcessFD.open(pid)
        errors = ByteReader(try errorPipe.reading.duplicate())
    }

    deinit {
        guard status == nil else { return }
        kill(SIGKILL)
        _ = try? waitForEnd()
    }

    package func kill(_ signal: CInt) {
        if status == nil { try? ProcessFD.kill(pidfd, signal) }
    }

    @discardableResult
    package func waitForEnd(
        within patience: Duration = Deadline.patience
    ) throws -> ProcessFD.Status {
        if let status { return status }
        guard !Deadline(in: patience).poll(pidfd, .read).isEmpty,
            let status = try ProcessFD.reap(pidfd)
        else { throw TestFault("process \(pid) did not end; it says: \(said)") }
        self.status = status
        return status
    }

    package var isRunning: Bool {
        status == nil && Deadline(in: .zero).poll(pidfd, .read).isEmpty
    }

    /// Everything that it has said on standard error so far.
    package var said: String {
        String(decoding: (try? errors.peek()) ?? [], as: UTF8.self)
    }

    // MARK: What it costs

    /// The most memory that it ever had in use.
    package func peakMemory() throws -> Int { try statusNumber("VmHWM:") * 1024 }

    package func memory() throws -> Int { try statusNumber("VmRSS:") * 1024 }

    package func descriptorCount() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
    }

    /// `peakMemory` begins anew with what is in use now.
    package func forgetPeakMemory() throws {
        try Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/\(pid)/clear_refs"))
    }

    package func processorTime() throws -> Duration {
        let fields = try statFields()
        guard fields.count > 12, let user = Int(fields[11]), let system = Int(fields[12])
        else { throw TestFault("/proc/\(pid)/stat cannot be read") }
        return .milliseconds((user + system) * 1000 / sysconf(CInt(_SC_CLK_TCK)))
    }

    /// Until it has nothing to do but to wait.
    package func waitUntilAsleep() throws {
        try Deadline().wait(for: "process \(pid) to sleep") {
            guard isRunning else { throw TestFault("process \(pid) ended; it says: \(said)") }
            return try statFields().first == "S"
        }
    }

    /// After the name, which is in parentheses and may hold anything: the state first, then numbers.
    private func statFields() throws -> [Substring] {
        try File.readText("/proc/\(pid)/stat").split(separator: ")").last?.split(separator: " ") ?? []
    }

    private func statusNumber(_ name: String) throws -> Int {
        for line in try File.readText("/proc/\(pid)/status").split(separator: "\n")
        where line.hasPrefix(name) {
            if let number = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({
                Int($0)
            }) {
                return number
            }
        }
        throw TestFault("no \(name) of process \(pid)")
    }
}

/// posix_spawn with a clean slate: default signals, none blocked, no descriptor but those that are meant.
private enum Spawn {
    static func run(
        _ arguments: [String], _ environment: [String: String], _ descriptors: [Int: Int]
    ) throws -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        // Out of the way first, so that no number is overwritten before it is used.
        let above: CInt = 100
        var owned: [CInt] = []
        defer { for fd in owned { close(fd) } }
        for (childs, ours) in descriptors {
            let copy = fcntl(CInt(ours), F_DUPFD_CLOEXEC, above)
            guard copy >= 0 else { throw TestFault("descriptor \(ours): \(errno)") }
            owned.append(copy)
            unsafe posix_spawn_file_actions_adddup2(&actions, copy, CInt(childs))
        }
        for number in 0...2 where descriptors[number] == nil {
            unsafe posix_spawn_file_actions_addclose(&actions, CInt(number))
        }
        let most = max(2, descriptors.keys.max() ?? 2)
        for number in stride(from: 3, through: most, by: 1) where descriptors[number] == nil {
            unsafe posix_spawn_file_actions_addclose(&actions, CInt(number))
        }
        unsafe posix_spawn_file_actions_addclosefrom_np(&actions, CInt(most + 1))

        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var (none, all) = (sigset_t(), sigset_t())
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        let environment =
            ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"] + environment.map { "\($0.key)=\($0.value)" }
        var argv = unsafe arguments.map { unsafe strdup($0) } + [nil]
        var envp = unsafe environment.map { unsafe strdup($0) } + [nil]
        defer { unsafe (argv + envp).forEach { unsafe free($0) } }
        var pid: pid_t = 0
        let failure = unsafe posix_spawn(&pid, arguments[0], &actions, &attributes, &argv, &envp)
        guard failure == 0 else {
            throw TestFault("cannot start \(arguments[0]): \(Errno(rawValue: failure))")
        }
        return pid
    }
}
