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
        var place = 0
        while place < bytes.count {
            place += try file.write(bytes.span.extracting(place...), at: UInt64(place))
        }
        let raw = file.raw
        try systemCall("fcntl", on: "F_ADD_SEALS") { fcntl(raw, F_ADD_SEALS, seals) }
        return file
    }

    private static var seals: CInt { F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL }

    /// Whether nobody can change it, whoever else has it. What is no such file at all is not sealed.
    package static func isSealed(_ file: borrowing OwnedFD) -> Bool {
        let found = fcntl(file.raw, F_GET_SEALS)
        return found >= 0 && found & seals == seals
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
