import CLinux
import Glibc

/// Small whole files: /proc, /etc, /sys. Not for anything that a client may have made.
package enum File {
    package struct OpenFlags: OptionSet, Sendable {
        package let rawValue: CInt
        package init(rawValue: CInt) { self.rawValue = rawValue }
        package static let readOnly = OpenFlags([])
        package static let readWrite = OpenFlags(rawValue: O_RDWR)
        package static let create = OpenFlags(rawValue: O_CREAT)
        package static let directory = OpenFlags(rawValue: O_DIRECTORY)
        package static let noFollow = OpenFlags(rawValue: O_NOFOLLOW)
    }

    package static func open(
        _ path: String, _ flags: OpenFlags = .readOnly, mode: mode_t = 0
    ) throws(SystemError) -> OwnedFD {
        OwnedFD(
            raw: try systemCall("open", on: path) {
                unsafe cloister_open(path, flags.rawValue | O_CLOEXEC, mode)
            })
    }

    /// At most `limit` bytes of a file.
    package static func read(
        _ path: String, limit: Int = 1 << 20
    ) throws(SystemError) -> [UInt8] {
        let file = try open(path)
        var bytes: [UInt8] = []
        while bytes.count < limit {
            let room = min(4096, limit - bytes.count)
            let start = bytes.count
            bytes.append(contentsOf: repeatElement(0, count: room))
            let count = try systemCall("read", on: path) {
                unsafe bytes.withUnsafeMutableBytes {
                    unsafe Glibc.read(file.raw, $0.baseAddress! + start, room)
                }
            }
            bytes.removeLast(room - count)
            if count == 0 { break }
        }
        return bytes
    }

    package static func readText(
        _ path: String, limit: Int = 1 << 20
    ) throws(SystemError) -> String {
        String(decoding: try read(path, limit: limit), as: UTF8.self)
    }

    /// Into a file that is there, such as those of /proc and of control groups: one write, all of it.
    package static func write(_ text: String, to path: String) throws(SystemError) {
        let file = OwnedFD(
            raw: try systemCall("open", on: path) { unsafe cloister_open(path, O_WRONLY | O_CLOEXEC, 0) })
        let bytes = Array(text.utf8)
        try systemCall("write", on: path) { unsafe Glibc.write(file.raw, bytes, bytes.count) }
    }

    /// Where a symbolic link points.
    package static func readLink(_ path: String) throws(SystemError) -> String {
        String(decoding: try readLinkBytes(path), as: UTF8.self)
    }

    package static func readLinkBytes(_ path: String) throws(SystemError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = try systemCall("readlink", on: path) {
            unsafe buffer.withUnsafeMutableBytes {
                unsafe Glibc.readlink(
                    path, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
            }
        }
        return Array(buffer[..<count])
    }

    package static func makeDirectory(_ path: String, mode: mode_t) throws(SystemError) {
        try systemCall("mkdirat", on: path) { unsafe mkdirat(AT_FDCWD, path, mode) }
    }

    package static func remove(_ path: String) throws(SystemError) {
        try systemCall("unlink", on: path) { unsafe Glibc.unlink(path) }
    }

    package static func setMode(_ path: String, _ mode: mode_t) throws(SystemError) {
        try systemCall("chmod", on: path) { unsafe Glibc.chmod(path, mode) }
    }

    /// An advisory lock that lasts as long as the descriptor; false when another process holds it.
    package static func lockExclusively(_ file: borrowing OwnedFD) throws(SystemError) -> Bool {
        let raw = file.raw
        return try nonBlockingCall("flock") { Int(flock(raw, LOCK_EX | LOCK_NB)) } != nil
    }
}
