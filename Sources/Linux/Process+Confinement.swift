import CLinux
import Glibc

// What a process does to itself, and cannot take back.
extension Process {
    /// No program that is executed from here on gives more rights than there are.
    package static func setNoNewPrivileges() throws(SystemError) {
        try systemCall("prctl", on: "PR_SET_NO_NEW_PRIVS") { cloister_prctl(PR_SET_NO_NEW_PRIVS, 1, 0) }
    }

    package static var hasNoNewPrivileges: Bool { cloister_prctl(PR_GET_NO_NEW_PRIVS, 0, 0) == 1 }

    /// Where it is not, its memory, descriptors and program are nobody's to look at, not even its own user's; and
    /// what it has in /proc is root's.
    package static func setDumpable(_ isDumpable: Bool) throws(SystemError) {
        try systemCall("prctl", on: "PR_SET_DUMPABLE \(isDumpable ? 1 : 0)") {
            cloister_prctl(PR_SET_DUMPABLE, isDumpable ? 1 : 0, 0)
        }
    }

    package static var isDumpable: Bool { cloister_prctl(PR_GET_DUMPABLE, 0, 0) != 0 }

    /// By a file, because a filter may well deny to ask.
    package static var isFiltered: Bool {
        let status = (try? File.readText("/proc/self/status")) ?? ""
        return status.split(separator: "\n").contains("Seccomp:\t2")
    }

    /// Dies with the thread that started it. The caller checks that it was not too late.
    package static func dieWithParent() throws(SystemError) {
        try systemCall("prctl", on: "PR_SET_PDEATHSIG") {
            cloister_prctl(PR_SET_PDEATHSIG, UInt(SIGKILL), 0)
        }
    }

    /// Whoever descends from us and loses its parent becomes our child.
    package static func adoptOrphans() throws(SystemError) {
        try systemCall("prctl", on: "PR_SET_CHILD_SUBREAPER") {
            cloister_prctl(PR_SET_CHILD_SUBREAPER, 1, 0)
        }
    }

    /// For good. Permitted capabilities stay; where the old user is root in its namespace, they are no longer
    /// effective.
    package static func become(
        _ user: NamespacedProcess.User, droppingGroups: Bool
    ) throws(SystemError) {
        try systemCall("prctl", on: "PR_SET_KEEPCAPS") { cloister_prctl(PR_SET_KEEPCAPS, 1, 0) }
        if droppingGroups { try systemCall("setgroups") { setgroups(0, nil) } }
        try systemCall("setresgid", on: "\(user.gid)") { setresgid(user.gid, user.gid, user.gid) }
        try systemCall("setresuid", on: "\(user.uid)") { setresuid(user.uid, user.uid, user.uid) }
    }

    /// What is made from here on belongs to this user, and everything else stays as it is.
    package static func makeFiles(as user: NamespacedProcess.User) throws(SystemError) {
        // Neither says whether it worked, but who it was before: so each is asked twice.
        setfsgid(user.gid)
        setfsuid(user.uid)
        guard setfsgid(.max) == CInt(bitPattern: user.gid) else {
            throw SystemError("setfsgid", .notPermitted, "\(user.gid)")
        }
        guard setfsuid(.max) == CInt(bitPattern: user.uid) else {
            throw SystemError("setfsuid", .notPermitted, "\(user.uid)")
        }
        // The kernel forgets it with every such change.
        try dieWithParent()
    }

    /// Really, effectively, and what one could go back to.
    package static func isOnly(_ user: NamespacedProcess.User) -> Bool {
        var (real, effective, saved): (uid_t, uid_t, uid_t) = (0, 0, 0)
        guard unsafe getresuid(&real, &effective, &saved) == 0 else { return false }
        let users = [real, effective, saved]
        guard unsafe getresgid(&real, &effective, &saved) == 0 else { return false }
        return users.allSatisfy { $0 == user.uid }
            && [real, effective, saved].allSatisfy { $0 == user.gid }
    }

    package static func startSession() throws(SystemError) {
        // Who leads a group already leads its session too, when it was started like that.
        if getsid(0) == getpid() { return }
        try systemCall("setsid") { setsid() }
    }

    package static func joinNewKeyring() throws(SystemError) {
        try systemCall("keyctl", on: "KEYCTL_JOIN_SESSION_KEYRING") { cloister_join_session_keyring() }
    }

    package static func setHostName(_ name: String) throws(SystemError) {
        try systemCall("sethostname") { unsafe sethostname(name, name.utf8.count) }
    }

    package static func raiseLoopback() throws(SystemError) {
        let socket = OwnedFD(
            raw: try systemCall("socket", on: "AF_INET") {
                Glibc.socket(AF_INET, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            })
        try systemCall("ioctl", on: "SIOCSIFFLAGS lo") { cloister_raise_loopback(socket.raw) }
    }

    /// The children that come later get a time namespace in which the machine has just been started.
    package static func hideUptimeFromChildren() throws(SystemError) {
        try systemCall("unshare", on: "CLONE_NEWTIME") { unshare(CLONE_NEWTIME) }
        let boot = SystemClock.boot.components.seconds
        let monotonic = SystemClock.monotonic.components.seconds
        try File.write("monotonic -\(monotonic) 0\nboottime -\(boot) 0\n", to: "/proc/self/timens_offsets")
    }

    package enum Resource: Sendable {
        case openFiles, fileSize, coreSize, lockedMemory, processes

        var raw: __rlimit_resource_t {
            switch self {
            case .openFiles: RLIMIT_NOFILE
            case .fileSize: RLIMIT_FSIZE
            case .coreSize: RLIMIT_CORE
            case .lockedMemory: __RLIMIT_MEMLOCK
            case .processes: __RLIMIT_NPROC
            }
        }
    }

    /// Soft and hard; never more than there was.
    package static func limit(_ resource: Resource, to value: UInt64) throws(SystemError) {
        var current = rlimit()
        try systemCall("getrlimit") { unsafe getrlimit(resource.raw, &current) }
        var lower = rlimit(rlim_cur: 0, rlim_max: min(UInt(clamping: value), current.rlim_max))
        lower.rlim_cur = lower.rlim_max
        try systemCall("setrlimit") { unsafe setrlimit(resource.raw, &lower) }
    }

    package static func limit(of resource: Resource) throws(SystemError) -> UInt64 {
        var current = rlimit()
        try systemCall("getrlimit") { unsafe getrlimit(resource.raw, &current) }
        return UInt64(current.rlim_max)
    }

    /// Closes every descriptor but the standard ones and these.
    package static func closeDescriptors(keeping kept: [Int]) throws(SystemError) {
        var first = 3
        for number in kept.sorted() + [Int(UInt32.max)] where number >= first {
            if number > first {
                try systemCall("close_range") {
                    cloister_close_range(UInt32(first), UInt32(number - 1), 0)
                }
            }
            first = number + 1
        }
    }

    /// Makes a descriptor our 0, 1 or 2.
    package static func replaceStandard(_ number: Int, with fd: borrowing OwnedFD) throws(SystemError) {
        precondition((0...2).contains(number))
        let raw = fd.raw
        try systemCall("dup2") { dup2(raw, CInt(number)) }
    }
}
