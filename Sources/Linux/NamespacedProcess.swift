// A process born into namespaces of its own, with all capabilities of its user namespace and nobody's user:
//
//   clone3 ──▶ executes its program at once, and is nobody inside ──maps written──▶ may become the one user
//                                                                                  that exists there
//
// So a program can be started, with everything that this costs, before it is known whom it is for; it has to wait
// by itself until somebody tells it. The part of the child is C (CLinux/clone.h): Swift never runs between clone
// and exec.

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
    private let namespaces: Namespaces

    /// Starts the program; `descriptors` become its 3, 4, 5, …, and it gets no others but 0, 1 and 2. `group` is
    /// the control group that it is born into and, where its namespace of groups shall begin above that, the one
    /// where it does. One that ends with its parent is killed when that is gone.
    package static func start(
        _ program: borrowing OwnedFD, _ arguments: [String], environment: [String],
        in namespaces: Namespaces,
        descriptors: borrowing DescriptorTable, group: borrowing DescriptorTable = DescriptorTable(),
        endsWithParent: Bool = false
    ) throws(SystemError) -> NamespacedProcess {
        var words = unsafe arguments.map { unsafe strdup($0) } + [nil]
        var variables = unsafe environment.map { unsafe strdup($0) } + [nil]
        defer { unsafe (words + variables).forEach { unsafe free($0) } }

        var cell = unsafe cloister_new_cell()
        unsafe cell.namespaces = namespaces.rawValue
        // Born into a control group of its own, or its parent's.
        unsafe cell.cgroup = try unsafe group.withRaw { (raw) throws(SystemError) in unsafe raw.first ?? -1 }
        unsafe cell.cgroup_root = try unsafe group.withRaw { (raw) throws(SystemError) in
            unsafe raw.count > 1 ? raw[1] : -1
        }
        unsafe cell.program = program.raw
        unsafe cell.dies_with = endsWithParent ? getpid() : 0
        var pidfd: CInt = -1
        let pid = try unsafe descriptors.withRaw { (raw) throws(SystemError) -> pid_t in
            unsafe cell.fds = raw.baseAddress
            unsafe cell.fd_count = CInt(raw.count)
            do throws(SystemError) {
                return try systemCall("clone3") {
                    unsafe cloister_clone_cell(&cell, &pidfd, &words, &variables)
                }
            } catch  where error.errno == .canceled {
                throw SystemError("wait4", error.errno, "the midwife")
            }
        }
        return NamespacedProcess(pid: pid, pidfd: OwnedFD(raw: pidfd), namespaces: namespaces)
    }

    /// Whether those who are started drop the groups of their parent: it needs the right to.
    package static var canDropGroups: Bool { geteuid() == 0 }

    /// Gives it the one user and the one group that exist inside.
    package borrowing func map(_ user: User) throws(SystemError) {
        guard namespaces.contains(.user) else { return }
        // Without the right to drop groups, the right to drop them inside is what has to go: dropping one
        // could open what is denied to its members.
        if !Self.canDropGroups { try write("deny", to: "setgroups") }
        try write("\(user.uid) \(user.uid) 1", to: "uid_map")
        try write("\(user.gid) \(user.gid) 1", to: "gid_map")
    }

    private borrowing func write(_ text: String, to file: String) throws(SystemError) {
        // The pid is ours until it is reaped, and nobody reaps it but its pidfd's owner.
        try File.write(text, to: "/proc/\(pid)/\(file)")
    }

    /// Kills it, and does not leave it as a zombie.
    package borrowing func end() {
        try? ProcessFD.kill(pidfd, SIGKILL)
        waitUntilGone()
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
        return OwnedFD(raw: try systemCall("fcntl", on: "F_DUPFD") { fcntl(original, F_DUPFD_CLOEXEC, 3) })
    }

    package mutating func add(_ fd: borrowing OwnedFD) throws(SystemError) {
        guard raw.count < Self.most else { throw SystemError("dup", .invalid, "too many descriptors") }
        let original = fd.raw
        raw.append(try systemCall("fcntl", on: "F_DUPFD") { fcntl(original, F_DUPFD_CLOEXEC, 3) })
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
