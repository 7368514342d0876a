import CLinux
import Glibc

/// The beginning of a file in memory, as memory. What is written here is in the file at once, and stays there whenever
/// this process ends.
// Unchecked: whoever has it keeps it to one thread.
@safe package final class SharedMemory: @unchecked Sendable {
    package let count: Int
    private let base: UnsafeMutableRawPointer

    /// The file grows to that size, if it is smaller.
    package init(of file: borrowing OwnedFD, count: Int) throws(SystemError) {
        let raw = file.raw
        if try file.status().size < count { try systemCall("ftruncate") { ftruncate(raw, off_t(count)) } }
        let mapped = unsafe mmap(nil, count, PROT_READ | PROT_WRITE, MAP_SHARED, raw, 0)
        guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED else {
            throw SystemError("mmap", .current)
        }
        self.count = count
        unsafe base = mapped
    }

    deinit { unsafe munmap(base, count) }

    /// Eight bytes that are changed at once.
    package subscript(word place: Int) -> UInt64 {
        get {
            precondition(place >= 0 && place + 8 <= count && place % 8 == 0)
            return unsafe base.load(fromByteOffset: place, as: UInt64.self)
        }
        set {
            precondition(place >= 0 && place + 8 <= count && place % 8 == 0)
            unsafe base.storeBytes(of: newValue, toByteOffset: place, as: UInt64.self)
        }
    }

    /// Reads to a place here, and from there to the buffer.
    package func read(
        from file: borrowing OwnedFD, at place: Int, into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> Int? {
        precondition(place >= 0 && place <= count)
        let room = unsafe UnsafeMutableRawBufferPointer(
            start: base + place, count: min(buffer.count, count - place))
        guard let read = try unsafe file.read(into: room) else { return nil }
        unsafe buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: room[..<read]))
        return read
    }

    package func clear(_ length: Int, at place: Int) {
        precondition(place >= 0 && length >= 0 && place + length <= count)
        unsafe (base + place).initializeMemory(as: UInt8.self, repeating: 0, count: length)
    }
}
