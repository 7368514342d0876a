import CLinux
import Glibc

/// Files that have no name and lie in no directory.
package enum MemoryFile {
    /// The name is for /proc alone.
    package static func create(_ name: String) throws(SystemError) -> OwnedFD {
        OwnedFD(raw: try systemCall("memfd_create") { unsafe memfd_create(name, UInt32(MFD_CLOEXEC)) })
    }

    /// One that nobody can change any more, so that a reader need not fear that somebody does.
    package static func sealed(_ name: String, _ bytes: [UInt8]) throws(SystemError) -> OwnedFD {
        let flags = UInt32(MFD_CLOEXEC) | UInt32(MFD_ALLOW_SEALING)
        let file = OwnedFD(raw: try systemCall("memfd_create") { unsafe memfd_create(name, flags) })
        try file.writeAll(bytes.span, at: 0)
        let raw = file.raw
        try systemCall("fcntl", on: "F_ADD_SEALS") { fcntl(raw, F_ADD_SEALS, seals) }
        return file
    }

    private static var seals: CInt { F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL }

    package static func isOne(_ file: borrowing OwnedFD) -> Bool { fcntl(file.raw, F_GET_SEALS) >= 0 }

    /// Whether nobody can change it, whoever else has it. What is no such file at all is not sealed.
    package static func isSealed(_ file: borrowing OwnedFD) -> Bool {
        let found = fcntl(file.raw, F_GET_SEALS)
        return found >= 0 && found & seals == seals
    }

    /// The memory of a part that nobody reads any more. What is behind it stays in its place.
    package static func release(
        _ file: borrowing OwnedFD, from start: UInt64, to end: UInt64
    ) throws(SystemError) {
        guard end > start else { return }
        let raw = file.raw
        try systemCall("fallocate") {
            fallocate(raw, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off_t(start), off_t(end - start))
        }
    }

    /// Sends a part of it, and leaves the file's position where the next part begins: in one step, so that another
    /// process that has the file can tell what was sent. `nil` when the socket takes nothing now.
    package static func send(
        _ file: borrowing OwnedFD, from offset: UInt64, _ count: Int, to socket: borrowing OwnedFD
    ) throws(SystemError) -> Int? {
        let (from, to) = (file.raw, socket.raw)
        try systemCall("lseek") { lseek(from, off_t(offset), SEEK_SET) }
        return try nonBlockingCall("sendfile") { sendfile(to, from, nil, count) }
    }

    package static func position(of file: borrowing OwnedFD) throws(SystemError) -> UInt64 {
        let raw = file.raw
        return UInt64(try systemCall("lseek") { lseek(raw, 0, SEEK_CUR) })
    }

    /// All of it, wherever its offset stands.
    package static func contents(of file: borrowing OwnedFD) throws(SystemError) -> [UInt8] {
        let raw = file.raw
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let offset = bytes.count
            let count = try systemCall("pread") {
                unsafe chunk.withUnsafeMutableBytes {
                    unsafe pread(raw, $0.baseAddress, $0.count, offset)
                }
            }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
    }
}
