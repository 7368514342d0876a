import CLinux
import Glibc

/// Makes files below a directory that is still nobody else's.
package struct TreeMaker: ~Copyable {
    package let root: OwnedFD

    package init(below root: consuming OwnedFD) { self.root = root }

    /// All the directories of a path such as `a/b/c`.
    package func directories(_ path: String, mode: mode_t = 0o755) throws(SystemError) {
        var made = ""
        for part in path.split(separator: "/") {
            made += made.isEmpty ? "\(part)" : "/\(part)"
            do throws(SystemError) {
                try systemCall("mkdirat", on: made) { unsafe mkdirat(root.raw, made, mode) }
            } catch  where error.errno == .exists {}
        }
    }

    package func link(_ path: String, to target: String) throws(SystemError) {
        try systemCall("symlinkat", on: path) { unsafe symlinkat(target, root.raw, path) }
    }

    package func file(_ path: String, _ text: String = "", mode: mode_t = 0o644) throws(SystemError) {
        let file = OwnedFD(
            raw: try systemCall("openat", on: path) {
                unsafe cloister_create_at(root.raw, path, mode)
            })
        let bytes = Array(text.utf8)
        try systemCall("write", on: path) { unsafe Glibc.write(file.raw, bytes, bytes.count) }
    }
}

extension File {
    package enum Kind: Sendable { case directory, link, other }

    /// What stands at a path, itself and not what it links to; `nil` when there is nothing.
    package static func kind(of path: String) -> Kind? {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return nil }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: return .directory
        case S_IFLNK: return .link
        default: return .other
        }
    }

    /// The number of what stands at a path, following links.
    package static func inode(of path: String) throws(SystemError) -> UInt64 {
        var status = stat()
        try systemCall("stat", on: path) { unsafe fstatat(AT_FDCWD, path, &status, 0) }
        return UInt64(status.st_ino)
    }

    /// What this process takes away from the modes of files that it makes.
    package static func setCreationMask(_ mask: mode_t) { umask(mask) }

    /// A device that nobody without rights over the machine makes: tried, to see who refuses it.
    package static func makeBlockDevice(_ path: String) throws(SystemError) {
        try systemCall("mknod", on: path) { unsafe mknod(path, S_IFBLK | 0o600, 0) }
    }
}
