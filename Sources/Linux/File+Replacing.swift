import CLinux
import Glibc

// Files that others see whole or not at all, and that are there after the power failed.
extension File {
    /// Writes a file beside the old one and gives it that one's name. `isSynced`: not before it is on disk.
    package static func replace(
        _ path: String, with bytes: [UInt8], mode: mode_t, isSynced: Bool = false
    ) throws(SystemError) {
        let temporary = path + ".new"
        // What is left of a writer that was killed in between.
        _ = unsafe Glibc.unlink(temporary)
        do throws(SystemError) {
            let file = try open(temporary, [.writeOnly, .create, .exclusive, .noFollow], mode: mode)
            var rest = bytes.span
            while !rest.isEmpty {
                guard let count = try file.write(rest), count > 0 else {
                    throw SystemError("write", .noSpace, temporary)
                }
                rest = rest.extracting(count...)
            }
            if isSynced { try file.syncData() }
        } catch {
            _ = unsafe Glibc.unlink(temporary)
            throw error
        }
        try systemCall("rename", on: path) { unsafe Glibc.rename(temporary, path) }
    }

    /// What was made in a directory and taken out of it.
    package static func syncDirectory(_ path: String) throws(SystemError) {
        try open(path, .directory).sync()
    }
}

extension OwnedFD {
    /// Waits until all that was written is on disk.
    package func syncData() throws(SystemError) {
        try systemCall("fdatasync") { fdatasync(raw) }
    }
}

extension OwnedFD {
    /// With all that is known about it; of a directory, the names in it.
    package func sync() throws(SystemError) {
        try systemCall("fsync") { fsync(raw) }
    }
}

package enum Random {
    package static func bytes(_ count: Int) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        // Never fewer than asked for, up to 256.
        precondition(count <= 256)
        try systemCall("getrandom") {
            unsafe bytes.withUnsafeMutableBytes { unsafe getrandom($0.baseAddress, $0.count, 0) }
        }
        return bytes
    }
}
