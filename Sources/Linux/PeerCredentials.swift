import CLinux
import Glibc

// Who is at the other end of a socket, by the kernel's word alone, taken once at accept.
//
// The uid, gid and pid are those of the process that called connect(), frozen at that moment. A pid can
// be reused after its process ended; the pidfd cannot. Kernels before 6.5 have no SO_PEERPIDFD: there
// the pidfd is opened from the pid, which is a race that is small but not closed, and `pidfdIsExact`
// says so to whoever decides something by it.

package struct PeerCredentials: ~Copyable, Sendable {
    package let uid: uid_t
    package let gid: gid_t
    package let pid: pid_t
    /// Absent when the peer ended before it could be had.
    package let pidfd: OwnedFD?
    package let pidfdIsExact: Bool
    /// The security module's label (SELinux context, AppArmor profile), where one is loaded.
    package let label: String?
    /// Its groups beside `gid`, as they were when it connected.
    package let groups: [gid_t]

    /// `known`: what stands for its process since it connected, for a socket that is not new.
    package init(
        of socket: borrowing OwnedFD, known: consuming OwnedFD? = nil
    ) throws(SystemError) {
        guard let credentials = UnixSocket.option(socket, SO_PEERCRED, as: ucred.self) else {
            throw SystemError("getsockopt", .current, "SO_PEERCRED")
        }
        (uid, gid, pid) = (credentials.uid, credentials.gid, credentials.pid)
        label = Self.securityLabel(of: socket)
        groups = Self.groups(of: socket)
        if let raw = UnixSocket.option(socket, SO_PEERPIDFD, as: CInt.self) {
            pidfd = OwnedFD(raw: raw)
            pidfdIsExact = true
        } else if let known = consume known {
            pidfd = consume known
            pidfdIsExact = false
        } else {
            pidfd = try? ProcessFD.open(credentials.pid)
            pidfdIsExact = false
        }
    }

    /// By the word of somebody whom we believe, such as the system bus.
    package init(
        uid: uid_t, gid: gid_t, pid: pid_t, pidfd: consuming OwnedFD?, pidfdIsExact: Bool,
        label: String? = nil,
        groups: [gid_t]
    ) {
        (self.uid, self.gid, self.pid) = (uid, gid, pid)
        self.pidfd = pidfd
        (self.pidfdIsExact, self.label, self.groups) = (pidfdIsExact, label, groups)
    }

    /// The process that connected has not ended.
    package var isThere: Bool {
        // In one expression with `&&` this takes Swift 6.3's optimiser down.
        guard pidfd != nil else { return false }
        return ProcessFD.isThere(pidfd!)
    }

    private static func groups(of socket: borrowing OwnedFD) -> [gid_t] {
        let raw = socket.raw
        var groups = [gid_t](repeating: 0, count: 32)
        while true {
            var length = socklen_t(groups.count * MemoryLayout<gid_t>.stride)
            if unsafe getsockopt(raw, SOL_SOCKET, SO_PEERGROUPS, &groups, &length) == 0 {
                return Array(groups.prefix(Int(length) / MemoryLayout<gid_t>.stride))
            }
            // Then it says how much room they take. Who has none that we hear of is in none.
            let needed = Int(length) / MemoryLayout<gid_t>.stride
            guard errno == ERANGE, needed > groups.count else { return [] }
            groups = [gid_t](repeating: 0, count: needed)
        }
    }

    private static func securityLabel(of socket: borrowing OwnedFD) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        var length = socklen_t(buffer.count)
        let raw = socket.raw
        guard unsafe getsockopt(raw, SOL_SOCKET, SO_PEERSEC, &buffer, &length) == 0 else {
            return nil
        }
        // Some modules count the terminating NUL, some do not.
        let text = buffer[..<Int(length)].prefix { $0 != 0 }
        return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
    }
}
