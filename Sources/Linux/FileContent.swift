import CLinux
import Glibc

// Reading, writing and copying at a place of a file, without its position.
extension OwnedFD {
    /// Less than asked for at the end alone; `nil` where there is nothing now (not a regular file).
    package func read(
        into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
    ) throws(SystemError) -> Int? {
        try nonBlockingCall("pread") {
            unsafe pread(raw, buffer.baseAddress, buffer.count, off_t(clamping: offset))
        }
    }

    /// At most so many bytes; fewer at the end.
    package func readBytes(_ count: Int, at offset: UInt64) throws(SystemError) -> [UInt8] {
        var fault: SystemError?
        // Not filled with zeroes first: what is not read is not part of it.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            do throws(SystemError) {
                while filled < count {
                    let read = try systemCall("pread") {
                        unsafe pread(
                            raw, buffer.baseAddress! + filled, count - filled,
                            off_t(clamping: offset) + filled)
                    }
                    if read == 0 { break }
                    filled += read
                }
            } catch {
                fault = error
            }
        }
        if let fault { throw fault }
        return bytes
    }

    package func truncate(to size: UInt64) throws(SystemError) {
        try systemCall("ftruncate") { ftruncate(raw, off_t(clamping: size)) }
    }

    /// The owner stays who it is.
    package func setGroup(_ gid: UInt32) throws(SystemError) {
        try systemCall("fchown") { fchown(raw, uid_t.max, gid) }
    }

    package func setMode(_ mode: UInt16) throws(SystemError) {
        try systemCall("fchmod") { fchmod(raw, mode_t(mode)) }
    }

    /// The next stretch of data at or behind an offset; `nil` when only a hole is left.
    package func nextData(from offset: UInt64) throws(SystemError) -> Range<UInt64>? {
        do throws(SystemError) {
            let start = try systemCall("lseek") { lseek(raw, off_t(clamping: offset), SEEK_DATA) }
            let end = try systemCall("lseek") { lseek(raw, start, SEEK_HOLE) }
            return UInt64(start)..<max(UInt64(end), UInt64(start))
        } catch {
            if error.errno.rawValue == ENXIO { return nil }
            throw error
        }
    }

    /// By the kernel, which shares blocks where the file system can. Less than asked for is no error, and
    /// 0 the end; `nil` where these two files have to be copied by hand.
    package func copyRange(
        at offset: UInt64, count: Int, to target: borrowing OwnedFD
    ) throws(SystemError) -> Int? {
        var from = off64_t(clamping: offset)
        var to = from
        let raw = raw
        let targetRaw = target.raw
        do throws(SystemError) {
            return try systemCall("copy_file_range") {
                unsafe copy_file_range(raw, &from, targetRaw, &to, count, 0)
            }
        } catch {
            switch error.errno.rawValue {
            case EXDEV, EINVAL, ENOSYS, EOPNOTSUPP, ETXTBSY: return nil
            default: throw error
            }
        }
    }

    /// All of them.
    package func writeAll(_ bytes: Span<UInt8>, at offset: UInt64) throws(SystemError) {
        var done = 0
        while done < bytes.count {
            done += try write(bytes.extracting(done...), at: offset + UInt64(done))
        }
    }

    package func write(_ bytes: Span<UInt8>, at offset: UInt64) throws(SystemError) -> Int {
        try systemCall("pwrite") {
            unsafe bytes.withUnsafeBufferPointer {
                unsafe pwrite(raw, $0.baseAddress, $0.count, off_t(clamping: offset))
            }
        }
    }
}
