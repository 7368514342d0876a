import Glibc

/// What /proc says of another process. It is held by its descriptor while that is read, so a number that was given
/// to somebody else in between says nothing.
package struct ProcessFacts: Equatable, Sendable {
    package let executable: String?
    package let executableFile: FileIdentity?
    package let parentExecutable: String?
    package let controlGroup: String?

    /// `nil` when it has ended.
    package init?(of process: borrowing OwnedFD, _ pid: pid_t) {
        let program = Self.executable(of: pid)
        (executable, executableFile) = (program?.path, program?.file)
        parentExecutable = Self.parent(of: pid).flatMap { parent in
            guard let held = try? ProcessFD.open(parent), let path = Self.executable(of: parent)?.path
            else {
                return nil
            }
            // It was the parent all the time, and not somebody with its number.
            return Self.parent(of: pid) == parent && ProcessFD.isThere(held) ? path : nil
        }
        controlGroup = (try? File.readText("/proc/\(pid)/cgroup"))?
            .split(separator: "\n").first { $0.hasPrefix("0::") }.map { String($0.dropFirst(3)) }
        guard ProcessFD.isThere(process) else { return nil }
    }

    /// A process can have mounts of its own, in which any name leads to any file. The name counts only where it leads
    /// us to the same file.
    private static func executable(of pid: pid_t) -> (path: String, file: FileIdentity)? {
        let link = "/proc/\(pid)/exe"
        guard let path = try? File.readLink(link), path.utf8.first == UInt8(ascii: "/"),
            let theirs = try? File.open(link, .path).status().identity,
            let ours = try? File.open(path, .path).status().identity, theirs == ours
        else { return nil }
        return (path, theirs)
    }

    /// When it began, in ticks since the boot: with this a number names one process, as far as ticks are fine enough.
    /// `nil` when it has ended.
    package static func startTime(of process: borrowing OwnedFD, _ pid: pid_t) -> UInt64? {
        guard ProcessFD.isThere(process), let field = field(22, of: pid), ProcessFD.isThere(process) else {
            return nil
        }
        return UInt64(field)
    }

    /// Whom it acts as, as `SO_PEERCRED` would say it; `nil` when it has ended.
    package static func user(of process: borrowing OwnedFD, _ pid: pid_t) -> NamespacedProcess.User? {
        guard ProcessFD.isThere(process), let text = try? File.readText("/proc/\(pid)/status") else {
            return nil
        }
        func effective(_ name: String) -> UInt32? {
            let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":\t") }
            // Real, effective, saved, of the file system.
            guard let words = line?.dropFirst(name.count + 2).split(separator: "\t"), words.count == 4 else {
                return nil
            }
            return UInt32(words[1])
        }
        guard let uid = effective("Uid"), let gid = effective("Gid"), ProcessFD.isThere(process) else {
            return nil
        }
        return NamespacedProcess.User(uid: uid, gid: gid)
    }

    private static func parent(of pid: pid_t) -> pid_t? {
        guard let field = field(4, of: pid), let parent = pid_t(field), parent > 0 else { return nil }
        return parent
    }

    /// Of stat, counted from 1 as proc_pid_stat(5) does, and not before the third: the second is a name in parentheses,
    /// which may have anything in it.
    private static func field(_ number: Int, of pid: pid_t) -> Substring? {
        guard let text = try? File.readText("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else {
            return nil
        }
        let words = text[end...].split(separator: " ")
        return words.count > number - 2 ? words[number - 2] : nil
    }
}

extension PeerCredentials {
    /// Of its process; `nil` when that has ended, or when nothing holds it.
    package borrowing func facts() -> ProcessFacts? {
        guard pidfd != nil else { return nil }
        return ProcessFacts(of: pidfd!, pid)
    }
}
