import Glibc

/// Looking through raw memory, as quickly as the C library does.
enum Bytes {
    static func contains(_ byte: UInt8, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress else { return false }
        return unsafe memchr(base, CInt(byte), bytes.count) != nil
    }

    static func firstNewline(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard let base = bytes.baseAddress, let found = unsafe memchr(base, 10, bytes.count) else {
            return nil
        }
        return unsafe UnsafeRawPointer(found) - base
    }

    static func lastNewline(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard let base = bytes.baseAddress, let found = unsafe memrchr(base, 10, bytes.count) else {
            return nil
        }
        return unsafe UnsafeRawPointer(found) - base
    }

    static func newlines(_ bytes: UnsafeRawBufferPointer) -> Int {
        var count = 0
        for index in 0..<bytes.count {
            if unsafe bytes[index] == 10 { count += 1 }
        }
        return count
    }
}
