import CLinux
import Glibc

/// A group of the unified hierarchy (cgroup v2), by its open directory: it is reached where it was, even from
/// a place that has no such mount.
package final class ControlGroup: Sendable {
    package let directory: OwnedFD

    package init(_ directory: consuming OwnedFD) { self.directory = directory }

    /// Where the unified hierarchy is mounted, and which group of it this process is in.
    package static func ownPath() throws(SystemError) -> String {
        let groups = try File.readText("/proc/self/cgroup")
        let mounts = try File.readText("/proc/self/mounts")
        guard let line = groups.split(separator: "\n").first(where: { $0.hasPrefix("0::") }),
            let mount = mounts.split(separator: "\n").map({ $0.split(separator: " ") })
                .first(where: { $0.count > 2 && $0[2] == "cgroup2" })?[1]
        else { throw SystemError("open", .notFound, "cgroup2") }
        let group = line.dropFirst(3)
        return group == "/" ? String(mount) : "\(mount)\(group)"
    }

    package static func open(_ path: String) throws(SystemError) -> ControlGroup {
        ControlGroup(try File.open(path, .directory))
    }

    package func makeChild(_ name: String) throws(SystemError) -> ControlGroup {
        let raw = directory.raw
        try systemCall("mkdir", on: "cgroup \(name)") { unsafe mkdirat(raw, name, 0o755) }
        return try child(name)
    }

    package func child(_ name: String) throws(SystemError) -> ControlGroup {
        let raw = directory.raw
        return ControlGroup(
            OwnedFD(
                raw: try systemCall("open", on: "cgroup \(name)") {
                    unsafe cloister_openat(raw, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                }))
    }

    package func removeChild(_ name: String) throws(SystemError) {
        let raw = directory.raw
        try systemCall("rmdir", on: "cgroup \(name)") { unsafe unlinkat(raw, name, AT_REMOVEDIR) }
    }

    /// And all that is below it, if none of it has a process any more.
    package func removeTree(_ name: String) throws(SystemError) {
        let group = try child(name)
        for below in try group.children() {
            do throws(SystemError) {
                try group.removeTree(below)
            } catch  where error.errno == .notFound {}  // somebody else was faster
        }
        try removeChild(name)
    }

    /// The names of the groups below this one.
    package func children() throws(SystemError) -> [String] {
        try directory.entryNames().filter { name in
            var status = stat()
            return unsafe fstatat(directory.raw, name, &status, AT_SYMLINK_NOFOLLOW) == 0
                && status.st_mode & S_IFMT == S_IFDIR
        }
    }

    package func set(_ file: String, _ value: String) throws(SystemError) {
        let opened = try open(file, O_WRONLY)
        let bytes = Array(value.utf8)
        try systemCall("write", on: "\(file) \(value)") {
            unsafe Glibc.write(opened.raw, bytes, bytes.count)
        }
    }

    package func read(_ file: String) throws(SystemError) -> String {
        let opened = try open(file, O_RDONLY)
        return String(decoding: try opened.readSome(atMost: 4096) ?? [], as: UTF8.self)
    }

    /// A file of statistics that is read more than once, or at a moment when each call counts.
    package func statistics(_ file: String) -> Statistics? {
        guard let opened = try? open(file, O_RDONLY) else { return nil }
        return Statistics(opened)
    }

    package final class Statistics: Sendable {
        private let file: OwnedFD

        init(_ file: consuming OwnedFD) { self.file = file }

        package var text: String? {
            let raw = file.raw
            return unsafe String(unsafeUninitializedCapacity: 4096) { buffer in
                unsafe max(0, pread(raw, buffer.baseAddress, buffer.count, 0))
            }
        }

        /// A line `key number`.
        package func number(_ key: String) -> UInt64? { text.flatMap { ControlGroup.number(key, of: $0) } }
    }

    private static func number(_ key: String, of text: String) -> UInt64? {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, words[0] == key { return UInt64(words[1]) }
        }
        return nil
    }

    /// Everybody in it and below, at once.
    package func kill() throws(SystemError) { try set("cgroup.kill", "1") }

    /// What kills them, for one who may open it now and not any more when it is wanted.
    package func killSwitch() throws(SystemError) -> KillSwitch {
        KillSwitch(try open("cgroup.kill", O_WRONLY))
    }

    package final class KillSwitch: Sendable {
        private let file: OwnedFD

        init(_ file: consuming OwnedFD) { self.file = file }

        package func kill() throws(SystemError) {
            let raw = file.raw
            try systemCall("write", on: "cgroup.kill") { unsafe Glibc.write(raw, "1", 1) }
        }
    }

    /// Lets a user make groups below it and move its own processes between them, but not change its limits.
    package func delegate(to user: NamespacedProcess.User) throws(SystemError) {
        let raw = directory.raw
        try systemCall("fchown", on: "cgroup") { fchown(raw, user.uid, user.gid) }
        for file in ["cgroup.procs", "cgroup.threads", "cgroup.subtree_control"] {
            try systemCall("fchownat", on: file) {
                unsafe fchownat(raw, file, user.uid, user.gid, AT_SYMLINK_NOFOLLOW)
            }
        }
    }

    /// Lets a user move its own processes between groups below, and nothing else here.
    package func allowMoves(by user: NamespacedProcess.User) throws(SystemError) {
        let raw = directory.raw
        try systemCall("fchownat", on: "cgroup.procs") {
            unsafe fchownat(raw, "cgroup.procs", user.uid, user.gid, AT_SYMLINK_NOFOLLOW)
        }
    }

    private func open(_ file: String, _ flags: CInt) throws(SystemError) -> OwnedFD {
        let raw = directory.raw
        return OwnedFD(
            raw: try systemCall("open", on: file) {
                unsafe cloister_openat(raw, file, flags | O_CLOEXEC)
            })
    }
}

extension OwnedFD {
    /// What stands in a directory that nobody hostile fills.
    package func entryNames() throws(SystemError) -> [String] {
        // A descriptor of its own, because reading moves the place.
        let raw = raw
        let own = try systemCall("open") {
            unsafe cloister_openat(raw, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        }
        guard let stream = unsafe fdopendir(own) else {
            _ = OwnedFD(raw: own)
            throw SystemError("fdopendir", .current)
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
