import CLinux
import Glibc

/// Starts programs by posix_spawn, which runs no code of ours between fork and exec.
package enum Spawn {
    /// A child whose standard input and output are pipes to us. Everything else is closed on exec.
    package struct Piped: ~Copyable {
        package let pid: pid_t
        package let pidfd: OwnedFD
        /// What the child reads as its standard input.
        package var input: OwnedFD?
        package let output: OwnedFD
    }

    package static func piped(_ command: [String]) throws(SystemError) -> Piped {
        let toChild = try Pipe()
        let fromChild = try Pipe()
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, toChild.reading.raw, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, fromChild.writing.raw, 1)
        var arguments = unsafe command.map { unsafe strdup($0) } + [nil]
        defer { unsafe arguments.forEach { unsafe free($0) } }
        var pid: pid_t = 0
        let failure = unsafe cloister_spawn(&pid, command[0], &actions, &arguments)
        guard failure == 0 else {
            throw SystemError("posix_spawn", Errno(rawValue: failure), command[0])
        }
        let pidfd = try ProcessFD.open(pid)
        return Piped(pid: pid, pidfd: pidfd, input: toChild.writing, output: fromChild.reading)
    }

    /// A child that has our standard descriptors, and one more under this number; by its
    /// process descriptor.
    package static func start(
        _ command: [String], passing fd: borrowing OwnedFD, as number: CInt
    ) throws(SystemError) -> OwnedFD {
        // Above the number, because duplicating one onto itself would leave it closed on exec.
        let raw = fd.raw
        let high = OwnedFD(raw: try systemCall("fcntl") { fcntl(raw, F_DUPFD_CLOEXEC, number + 1) })
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, high.raw, number)
        var arguments = unsafe command.map { unsafe strdup($0) } + [nil]
        defer { unsafe arguments.forEach { unsafe free($0) } }
        var pid: pid_t = 0
        let failure = unsafe cloister_spawn(&pid, command[0], &actions, &arguments)
        guard failure == 0 else {
            throw SystemError("posix_spawn", Errno(rawValue: failure), command[0])
        }
        return try ProcessFD.open(pid)
    }

    /// Runs a short program to its end. Its output is ours.
    package static func run(_ command: [String]) throws(SystemError) -> ProcessFD.Status {
        var arguments = unsafe command.map { unsafe strdup($0) } + [nil]
        defer { unsafe arguments.forEach { unsafe free($0) } }
        var pid: pid_t = 0
        let failure = unsafe cloister_spawn(&pid, command[0], nil, &arguments)
        guard failure == 0 else {
            throw SystemError("posix_spawn", Errno(rawValue: failure), command[0])
        }
        let pidfd = try ProcessFD.open(pid)
        var set = PollSet()
        set.add(pidfd, .read)
        while true {
            try set.wait()
            if let status = try ProcessFD.reap(pidfd) { return status }
        }
    }
}
