import CLinux
import Glibc

/// The names in a directory, a buffer at a time, in no order.
package struct DirectoryEntries: ~Copyable {
    package struct Entry: Sendable {
        package let name: FileName
        /// Unknown where the file system does not say.
        package let kind: FileStatus.Kind
    }

    private var buffer = [UInt8](repeating: 0, count: 64 << 10)

    package init() {}

    /// The next ones of a directory, without `.` and `..`; false at the end.
    package mutating func read(
        from directory: borrowing OwnedFD, into entries: inout [Entry]
    ) throws(SystemError) -> Bool {
        let raw = directory.raw
        let count = try systemCall("getdents64") {
            unsafe buffer.withUnsafeMutableBytes { unsafe getdents64(raw, $0.baseAddress!, $0.count) }
        }
        var place = 0
        while place < count {
            // struct linux_dirent64: inode 8, offset 8, length 2, type 1, and the name with its NUL.
            let length = Int(buffer[place + 16]) | Int(buffer[place + 17]) << 8
            let rest = buffer[(place + 19)..<(place + length)]
            let name = rest[..<(rest.firstIndex(of: 0) ?? rest.endIndex)]
            if !name.elementsEqual(".".utf8) && !name.elementsEqual("..".utf8) {
                // DT_REG and its like are the type bits of a mode.
                let kind = FileStatus.Kind(mode: mode_t(buffer[place + 18]) << 12)
                entries.append(Entry(name: FileName(unchecked: name), kind: kind))
            }
            place += length
        }
        return count > 0
    }
}
