import CLinux
import Glibc

/// Starts programs by posix_spawn, which runs no code of ours between fork and exec. Everything of ours that is not
/// given is closed on exec.
package enum Spawn {
    /// A child whose standard input and output are pipes to us.
    package struct Piped: ~Copyable {
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
        let pidfd = try unsafe start(command, &actions)
        return Piped(pidfd: pidfd, input: toChild.writing, output: fromChild.reading)
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
        return try unsafe start(command, &actions)
    }

    /// Runs a short program to its end. Its output is ours.
    package static func run(_ command: [String]) throws(SystemError) -> ProcessFD.Status {
        let pidfd = try unsafe start(command, nil)
        var set = PollSet()
        set.add(pidfd, .read)
        while true {
            try set.wait()
            if let status = try ProcessFD.reap(pidfd) { return status }
        }
    }

    private static func start(
        _ command: [String], _ actions: UnsafeMutablePointer<posix_spawn_file_actions_t>?
    ) throws(SystemError) -> OwnedFD {
        var arguments = unsafe command.map { unsafe strdup($0) } + [nil]
        defer { unsafe arguments.forEach { unsafe free($0) } }
        var pid: pid_t = 0
        let failure = unsafe cloister_spawn(&pid, command[0], actions, &arguments)
        guard failure == 0 else {
            throw SystemError("posix_spawn", Errno(rawValue: failure), command[0])
        }
        return try ProcessFD.open(pid)
    }
}
