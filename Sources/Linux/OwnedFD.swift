import CLinux
import Glibc

/// A file descriptor with one owner. Consuming transfers it, borrowing uses it, leaving scope closes it.
package struct OwnedFD: ~Copyable, Sendable {
    let raw: CInt

    init(raw: CInt) {
        precondition(raw >= 0)
        self.raw = raw
    }

    deinit {
        // Linux releases the number even when close reports an error; there is nothing to repeat.
        _ = Glibc.close(raw)
    }

    /// Takes over a number that the environment handed us (LISTEN_FDS, standard input).
    package init(inherited number: Int) throws(SystemError) {
        let raw = CInt(number)
        guard fcntl(raw, F_GETFD) >= 0 else {
            throw SystemError("fcntl", .current, "descriptor \(number)")
        }
        self.init(raw: raw)
    }

    /// A duplicate of a number that a library keeps for itself.
    package init(duplicating number: Int) throws(SystemError) {
        self.init(raw: try systemCall("fcntl") { fcntl(CInt(number), F_DUPFD_CLOEXEC, 3) })
    }

    package func duplicate() throws(SystemError) -> OwnedFD {
        OwnedFD(raw: try systemCall("fcntl") { fcntl(raw, F_DUPFD_CLOEXEC, 3) })
    }

    package func closeOnExec() throws(SystemError) {
        try systemCall("fcntl") { fcntl(raw, F_SETFD, FD_CLOEXEC) }
    }

    /// A flag of the open file, which every process that shares it sees.
    package func setBlocking(_ blocks: Bool) throws(SystemError) {
        let flags = try systemCall("fcntl") { fcntl(raw, F_GETFL) }
        let wanted = blocks ? flags & ~O_NONBLOCK : flags | O_NONBLOCK
        try systemCall("fcntl") { fcntl(raw, F_SETFL, wanted) }
    }

    package enum FileType: Sendable { case pipe, socket, other }

    package var type: FileType {
        var status = stat()
        guard unsafe fstat(raw, &status) == 0 else { return .other }
        switch status.st_mode & S_IFMT {
        case S_IFIFO: return .pipe
        case S_IFSOCK: return .socket
        default: return .other
        }
    }

    /// The same pipe through an open file of our own, so that it can be non-blocking for us alone.
    package func reopenedPipe() throws(SystemError) -> OwnedFD {
        let path = "/proc/self/fd/\(raw)"
        return OwnedFD(
            raw: try systemCall("open", on: path) {
                unsafe cloister_open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC, 0)
            })
    }

    /// What other processes and log lines call it. Never to be used in place of the owner.
    package var number: Int { Int(raw) }

    // MARK: Bytes

    /// `nil` when there is nothing now, 0 at the end.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int? {
        try nonBlockingCall("read") { unsafe Glibc.read(raw, buffer.baseAddress, buffer.count) }
    }

    /// Some bytes: none at the end, `nil` when there are none now on a descriptor that does not block.
    package func readSome(atMost count: Int) throws(SystemError) -> [UInt8]? {
        var outcome: Result<Int?, SystemError> = .success(nil)
        // Not filled with zeroes first, for what is there is mostly far less than what may be.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, length in
            length = 0
            do throws(SystemError) {
                let read = try nonBlockingCall("read") {
                    unsafe Glibc.read(raw, buffer.baseAddress, count)
                }
                outcome = .success(read)
                length = read ?? 0
            } catch {
                outcome = .failure(error)
            }
        }
        return try outcome.get() == nil ? nil : bytes
    }

    /// `nil` when nothing can be taken now.
    package func write(_ bytes: Span<UInt8>) throws(SystemError) -> Int? {
        try nonBlockingCall("write") {
            unsafe bytes.withUnsafeBufferPointer { buffer in
                unsafe Glibc.write(raw, buffer.baseAddress, buffer.count)
            }
        }
    }
}
