import CLinux
import Glibc

/// A command on the host, started with what it shall be and without what it shall not have. Its part between clone and
/// exec is C (CLinux/command.h).
package struct HostProcess: Sendable {
    package struct User: Equatable, Sendable {
        package let uid: uid_t
        package let gid: gid_t
        package let groups: [gid_t]

        package init(uid: uid_t, gid: gid_t, groups: [gid_t]) {
            (self.uid, self.gid, self.groups) = (uid, gid, groups)
        }
    }

    package struct Directory: Sendable {
        package let path: String
        /// Where it cannot be entered, the command runs in /.
        package let isUsual: Bool

        package init(_ path: String, isUsual: Bool) { (self.path, self.isUsual) = (path, isUsual) }
    }

    package let program: Starter.Program
    package let directory: Directory
    /// Whom it becomes; `nil`: it is who we are.
    package let user: User?
    /// Root's capabilities, and what set-uid programs give.
    package let keepsRights: Bool
    package let limits: [Process.Resource: UInt64]

    package init(
        _ program: Starter.Program, in directory: Directory, as user: User?, keepsRights: Bool,
        limits: [Process.Resource: UInt64]
    ) {
        (self.program, self.directory) = (program, directory)
        (self.user, self.keepsRights, self.limits) = (user, keepsRights, limits)
    }

    /// Returns when it has been executed, as a child of ours that ends with us.
    package func start(
        input: borrowing OwnedFD, output: borrowing OwnedFD, error: borrowing OwnedFD,
        group: borrowing DescriptorTable
    ) throws(SystemError) -> pid_t {
        var words = unsafe program.arguments.map { unsafe strdup($0) } + [nil]
        var variables = unsafe program.environment.map { unsafe strdup($0) } + [nil]
        let path = unsafe strdup(directory.path)
        defer {
            unsafe (words + variables).forEach { unsafe free($0) }
            unsafe free(path)
        }
        let raised = try limits.map { (resource, value) throws(SystemError) in
            // A hard limit can only be lowered.
            cloister_limit(
                resource: CInt(resource.raw.rawValue), most: min(value, try Process.limit(of: resource)))
        }
        let groups = user?.groups ?? []
        let groupRaw = try unsafe group.withRaw { (raw) throws(SystemError) in unsafe raw.first ?? -1 }

        var command = unsafe cloister_command()
        unsafe command.directory = UnsafePointer(path)
        unsafe command.is_directory_usual = directory.isUsual ? 1 : 0
        unsafe (command.input, command.output, command.error) = (input.raw, output.raw, error.raw)
        unsafe command.group = groupRaw
        if let user {
            unsafe command.changes_user = 1
            unsafe (command.uid, command.gid) = (user.uid, user.gid)
        }
        unsafe command.keeps_rights = keepsRights ? 1 : 0
        let pid = unsafe words.withUnsafeMutableBufferPointer { words in
            unsafe variables.withUnsafeMutableBufferPointer { variables in
                unsafe groups.withUnsafeBufferPointer { groups in
                    unsafe raised.withUnsafeBufferPointer { limits in
                        unsafe command.arguments = UnsafePointer(words.baseAddress)
                        unsafe command.variables = UnsafePointer(variables.baseAddress)
                        unsafe (command.groups, command.group_count) = (groups.baseAddress, groups.count)
                        unsafe (command.limits, command.limit_count) = (limits.baseAddress, limits.count)
                        return unsafe cloister_start_command(&command)
                    }
                }
            }
        }
        guard pid > 0 else {
            throw failure(at: unsafe command.stage, Errno(rawValue: unsafe command.failure))
        }
        return pid
    }

    private func failure(at stage: CInt, _ errno: Errno) -> SystemError {
        switch Int(stage) {
        case Int(cloister_command_clone): SystemError("clone3", errno)
        case Int(cloister_command_user): SystemError("setresuid", errno, user.map { "\($0.uid)" } ?? "")
        case Int(cloister_command_rights): SystemError("capset", errno)
        case Int(cloister_command_directory): SystemError("chdir", errno, directory.path)
        case Int(cloister_command_exec): SystemError("execve", errno, program.arguments[0])
        default: SystemError("prepare", errno)
        }
    }
}
