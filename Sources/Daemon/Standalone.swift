import Linux

/// The directory of a daemon without systemd: its lock, its socket, and whatever else the system's paths
/// would hold.
package struct Standalone: ~Copyable {
    package struct Fault: Error, CustomStringConvertible {
        package let description: String
    }

    package let socketPath: String
    private let controlPath: String
    /// Held for as long as this daemon lives: two daemons in one directory would take each other's clients.
    private let lock: OwnedFD

    package static func claim(_ directory: String) throws(Fault) -> Standalone {
        let (socketPath, controlPath) = (directory + "/mcp.sock", directory + "/control.sock")
        guard controlPath.utf8.count <= UnixSocket.longestPath else {
            throw Fault(
                description: """
                    \(controlPath) is longer than a socket's path may be (\(UnixSocket.longestPath) \
                    bytes); choose a directory with a shorter name
                    """)
        }
        do throws(SystemError) {
            try makeDirectory(directory)
            let lock = try File.open(
                directory + "/lock", [.readWrite, .create, .noFollow], mode: 0o600)
            if try File.lockExclusively(lock) {
                return Standalone(socketPath: socketPath, controlPath: controlPath, lock: lock)
            }
        } catch {
            throw Fault(description: "cannot use \(directory): \(error)")
        }
        throw Fault(description: "another cloisterd serves \(directory) already")
    }

    private static func makeDirectory(_ path: String) throws(SystemError) {
        do throws(SystemError) {
            try File.makeDirectory(path, mode: 0o755)
        } catch  where error.errno == .exists {
            _ = try File.open(path, .directory)
        }
    }

    package borrowing func listen() throws(SystemError) -> OwnedFD {
        // Ours by the lock: what is left there is of a daemon that is gone.
        try? File.remove(socketPath)
        // Anyone may connect; who they are is the kernel's word, what they may do is policy.
        return try UnixSocket.listen(at: socketPath, mode: 0o666)
    }

    package borrowing func listenForAdministration() throws(SystemError) -> OwnedFD {
        try? File.remove(controlPath)
        return try UnixSocket.listen(at: controlPath, mode: 0o600)
    }

    package borrowing func removeSocket() {
        try? File.remove(socketPath)
        try? File.remove(controlPath)
    }
}
