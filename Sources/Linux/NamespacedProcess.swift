// A process born into namespaces of its own, which waits at a gate until its parent has given it a user.
//
//   clone3 ──▶ waits at the gate ──maps written, gate opened──▶ becomes its user, keeps the capabilities of
//                    │                                          its own user namespace, executes
//                    └──parent gone, or never opened──▶ ends, and nothing was executed
//
// The part of the child is C (CLinux/clone.h): Swift never runs between clone and exec.

import CLinux
import Glibc

package struct NamespacedProcess: ~Copyable {
    /// Who the process is, inside and outside.
    package struct User: Equatable, Sendable {
        package let uid: uid_t
        package let gid: gid_t

        package init(uid: uid_t, gid: gid_t) { (self.uid, self.gid) = (uid, gid) }
    }

    package let pid: pid_t
    package let pidfd: OwnedFD

    /// Starts the program; `descriptors` become its 3, 4, 5, …, and it gets no others but 0, 1 and 2.
    package static func start(
        _ program: borrowing OwnedFD, _ arguments: [String], environment: [String],
        in namespaces: Namespaces, as user: User,
        descriptors: borrowing DescriptorTable, group: borrowing DescriptorTable = DescriptorTable()
    ) throws(SystemError) -> NamespacedProcess {
        try prepare(
            program, arguments, environment: environment, in: namespaces, descriptors: descriptors,
            group: group
        ).release(as: user)
    }

    /// One that waits at the gate. It keeps nothing of ours open but what it is given, and ends when it is
    /// dropped, or we are gone.
    package struct Waiting: ~Copyable {
        let process: NamespacedProcess
        let gate: OwnedFD
        let namespaces: Namespaces

        /// Lets it go on as this user. One that could not be let go has been ended.
        package consuming func release(as user: User) throws(SystemError) -> NamespacedProcess {
            let canDropGroups = geteuid() == 0
            do throws(SystemError) {
                if namespaces.contains(.user) { try process.map(user, canDropGroups: canDropGroups) }
                let word = cloister_cell_user(
                    uid: user.uid, gid: user.gid, drop_groups: canDropGroups ? 1 : 0)
                let bytes = unsafe withUnsafeBytes(of: word) { unsafe Array($0) }
                _ = try gate.write(bytes.span)
            } catch {
                process.end()
                throw error
            }
            return process
        }

        package consuming func end() { process.end() }
    }

    /// Kills it, and does not leave it as a zombie.
    package borrowing func end() {
        try? ProcessFD.kill(pidfd, SIGKILL)
        waitUntilGone()
    }

    package static func prepare(
        _ program: borrowing OwnedFD, _ arguments: [String], environment: [String],
        in namespaces: Namespaces,
        descriptors: borrowing DescriptorTable, group: borrowing DescriptorTable = DescriptorTable()
    ) throws(SystemError) -> Waiting {
        let gate = try Pipe()
        var words = unsafe arguments.map { unsafe strdup($0) } + [nil]
        var variables = unsafe environment.map { unsafe strdup($0) } + [nil]
        defer { unsafe (words + variables).forEach { unsafe free($0) } }

        var cell = unsafe cloister_new_cell()
        unsafe cell.namespaces = namespaces.rawValue
        // Born into a control group of its own, or its parent's.
        unsafe cell.cgroup = try unsafe group.withRaw { (raw) throws(SystemError) in unsafe raw.first ?? -1 }
        unsafe cell.gate = gate.reading.raw
        unsafe cell.program = program.raw
        var pidfd: CInt = -1
        let pid = try unsafe descriptors.withRaw { (raw) throws(SystemError) -> pid_t in
            unsafe cell.fds = raw.baseAddress
            unsafe cell.fd_count = CInt(raw.count)
            return try systemCall("clone3") {
                unsafe cloister_clone_cell(&cell, &pidfd, &words, &variables)
            }
        }
        return Waiting(
            process: NamespacedProcess(pid: pid, pidfd: OwnedFD(raw: pidfd)), gate: gate.writingAlone(),
            namespaces: namespaces)
    }

    /// Exactly one user and one group exist inside.
    private borrowing func map(_ user: User, canDropGroups: Bool) throws(SystemError) {
        // Without the right to drop groups, the right to drop them inside is what has to go: dropping one
        // could open what is denied to its members.
        if !canDropGroups { try write("deny", to: "setgroups") }
        try write("\(user.uid) \(user.uid) 1", to: "uid_map")
        try write("\(user.gid) \(user.gid) 1", to: "gid_map")
    }

    private borrowing func write(_ text: String, to file: String) throws(SystemError) {
        // The pid is ours until it is reaped, and nobody reaps it but its pidfd's owner.
        try File.write(text, to: "/proc/\(pid)/\(file)")
    }

    /// Blocks until it has ended, and reaps it.
    package borrowing func waitUntilGone() {
        var polled = PollSet()
        polled.add(pidfd, .read)
        try? polled.wait()
        _ = try? ProcessFD.reap(pidfd)
    }
}

/// Descriptors that a new process is given, in order. Owns duplicates until it is gone.
package struct DescriptorTable: ~Copyable {
    package static let most = Int(cloister_most_fds)
    private var raw: [CInt] = []

    package init() {}

    deinit { for each in raw { _ = OwnedFD(raw: each) } }

    package var count: Int { raw.count }

    /// A descriptor of its own for what stands in a place.
    package borrowing func duplicate(_ place: Int) throws(SystemError) -> OwnedFD {
        let original = raw[place]
        return OwnedFD(raw: try systemCall("fcntl") { fcntl(original, F_DUPFD_CLOEXEC, 3) })
    }

    package mutating func add(_ fd: borrowing OwnedFD) throws(SystemError) {
        guard raw.count < Self.most else { throw SystemError("dup", .invalid, "too many descriptors") }
        let original = fd.raw
        raw.append(try systemCall("fcntl") { fcntl(original, F_DUPFD_CLOEXEC, 3) })
    }

    borrowing func withRaw<Result>(
        _ body: (UnsafeBufferPointer<CInt>) throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        var outcome: Swift.Result<Result, SystemError>?
        unsafe raw.withUnsafeBufferPointer { buffer in
            do throws(SystemError) {
                outcome = .success(try unsafe body(buffer))
            } catch {
                outcome = .failure(error)
            }
        }
        guard let outcome else { preconditionFailure("the body was not called") }
        return try outcome.get()
    }
}
