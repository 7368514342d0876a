import CLinux
import Glibc

/// What distinguishes a file from every other that exists at the same time.
package struct FileIdentity: Hashable, Sendable {
    package let device: UInt64
    package let inode: UInt64
}

/// What the kernel knows about a file.
package struct FileStatus: Equatable, Sendable {
    package enum Kind: UInt8, Sendable {
        case regular, directory, symbolicLink, fifo, socket, characterDevice, blockDevice, unknown

        init(mode: mode_t) {
            switch mode & S_IFMT {
            case S_IFREG: self = .regular
            case S_IFDIR: self = .directory
            case S_IFLNK: self = .symbolicLink
            case S_IFIFO: self = .fifo
            case S_IFSOCK: self = .socket
            case S_IFCHR: self = .characterDevice
            case S_IFBLK: self = .blockDevice
            default: self = .unknown
            }
        }
    }

    package let identity: FileIdentity
    package let kind: Kind
    /// The permission bits, with set-uid, set-gid and sticky.
    package let mode: UInt16
    package let links: UInt64
    package let uid: UInt32
    package let gid: UInt32
    package let size: UInt64
    package let allocated: UInt64
    /// Nanoseconds since 1970.
    package let accessed: Int64
    package let modified: Int64
    package let changed: Int64
    package let born: Int64?

    init(_ status: statx) {
        func nanoseconds(_ time: statx_timestamp) -> Int64 {
            time.tv_sec.multipliedReportingOverflow(by: 1_000_000_000).partialValue
                &+ Int64(time.tv_nsec)
        }
        identity = FileIdentity(
            device: UInt64(status.stx_dev_major) << 32 | UInt64(status.stx_dev_minor),
            inode: status.stx_ino)
        kind = Kind(mode: mode_t(status.stx_mode))
        mode = status.stx_mode & 0o7777
        links = UInt64(status.stx_nlink)
        (uid, gid) = (status.stx_uid, status.stx_gid)
        size = status.stx_size
        allocated = status.stx_blocks * 512
        accessed = nanoseconds(status.stx_atime)
        modified = nanoseconds(status.stx_mtime)
        changed = nanoseconds(status.stx_ctime)
        born = status.stx_mask & UInt32(STATX_BTIME) != 0 ? nanoseconds(status.stx_btime) : nil
    }

    /// Still the file that it was, with the content that it had, as far as the kernel can tell.
    package func isUnchanged(since earlier: FileStatus) -> Bool {
        identity == earlier.identity && size == earlier.size && modified == earlier.modified
            && changed == earlier.changed
    }
}

extension OwnedFD {
    private static let wanted = UInt32(STATX_BASIC_STATS) | UInt32(STATX_BTIME)

    package func status() throws(SystemError) -> FileStatus {
        var status = statx()
        try systemCall("statx") { unsafe statx(raw, "", AT_EMPTY_PATH, Self.wanted, &status) }
        return FileStatus(status)
    }

    /// Of a symbolic link: its own.
    package func status(of name: FileName) throws(SystemError) -> FileStatus {
        var status = statx()
        try systemCall("statx", on: name.description) {
            unsafe name.withCString {
                unsafe statx(raw, $0, AT_SYMLINK_NOFOLLOW, Self.wanted, &status)
            }
        }
        return FileStatus(status)
    }
}
