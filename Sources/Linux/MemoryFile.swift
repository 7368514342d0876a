import CLinux
import Glibc

/// Files that have no name and lie in no directory.
package enum MemoryFile {
    /// The name is for /proc alone.
    package static func create(_ name: String) throws(SystemError) -> OwnedFD {
        OwnedFD(raw: try systemCall("memfd_create") { unsafe memfd_create(name, UInt32(MFD_CLOEXEC)) })
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
