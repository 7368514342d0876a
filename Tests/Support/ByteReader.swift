import Glibc
import Linux

/// The reading end of a pipe or a socket, with patience.
package final class ByteReader: @unchecked Sendable {
    // Unchecked: one test, or one thread beside it, reads it.
    private var fd: OwnedFD?
    package private(set) var buffer: [UInt8] = []
    package private(set) var hasEnded = false
    private static let bytesPerRead = 256 << 10

    package init(_ fd: consuming OwnedFD) {
        try? fd.setBlocking(false)
        self.fd = consume fd
    }

    package func close() { _ = fd.take() }

    /// One line, without its end; `nil` at the end of the stream.
    package func readLine(within patience: Duration = Deadline.patience) throws -> [UInt8]? {
        var searched = 0
        let deadline = Deadline(in: patience)
        while true {
            if let newline = Self.newline(in: buffer, from: searched) {
                let line = Array(buffer[..<newline])
                buffer.removeFirst(newline + 1)
                return line
            }
            searched = buffer.count
            if hasEnded { return nil }
            try fill(deadline, "a line")
        }
    }

    package func read(_ count: Int, within patience: Duration = Deadline.patience) throws -> [UInt8] {
        let deadline = Deadline(in: patience)
        while buffer.count < count, !hasEnded { try fill(deadline, "\(count) bytes") }
        let taken = Array(buffer.prefix(count))
        buffer.removeFirst(taken.count)
        return taken
    }

    package func readToEnd(within patience: Duration = Deadline.patience) throws -> [UInt8] {
        let deadline = Deadline(in: patience)
        while !hasEnded { try fill(deadline, "the end") }
        defer { buffer = [] }
        return buffer
    }

    /// Reads on until the text has been seen, and keeps everything.
    @discardableResult
    package func wait(for text: String, within patience: Duration = Deadline.patience) throws -> String {
        let deadline = Deadline(in: patience)
        while true {
            let all = String(decoding: buffer, as: UTF8.self)
            if all.contains(text) { return all }
            if hasEnded { throw TestFault("ended without \"\(text)\": \(all)") }
            try fill(deadline, "\"\(text)\"")
        }
    }

    /// What is there now, and stays there.
    package func peek() throws -> [UInt8] {
        while !hasEnded, isReadable(Deadline(in: .zero)) { try fill(Deadline(), "bytes") }
        return buffer
    }

    /// Throws away what is there; waits for that long if there is nothing.
    package func discard(within patience: Duration) throws {
        if !hasEnded, isReadable(Deadline(in: patience)) { try fill(Deadline(), "bytes") }
        buffer = []
    }

    /// Until there is something to read, which stays unread.
    package func waitForBytes() throws {
        guard isReadable(Deadline()) else { throw TestFault("in vain waited for bytes") }
    }

    private func isReadable(_ deadline: Deadline) -> Bool {
        fd != nil && !deadline.poll(fd!, .read).isEmpty
    }

    private func fill(_ deadline: Deadline, _ what: @autoclosure () -> String) throws {
        guard isReadable(deadline) else {
            let have = String(decoding: buffer.prefix(200), as: UTF8.self)
            throw TestFault("in vain waited for \(what()); there are \(buffer.count) bytes: \(have)")
        }
        var count: Int? = 0
        var failure: (any Error)?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Self.bytesPerRead) { space, filled in
            do {
                count = try unsafe fd!.read(into: UnsafeMutableRawBufferPointer(space))
                filled = count ?? 0
            } catch let error as SystemError where error.errno == .connectionReset {
                // A peer that closed with something unread: an end as well.
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        buffer += bytes
        if count == 0 { hasEnded = true }
    }

    private static func newline(in bytes: [UInt8], from start: Int) -> Int? {
        unsafe bytes.withUnsafeBytes { all in
            guard start < all.count else { return nil }
            let found = unsafe memchr(all.baseAddress! + start, 0x0A, all.count - start)
            return unsafe found.map { unsafe UnsafeRawPointer($0) - all.baseAddress! }
        }
    }
}

/// The writing end, with patience.
package final class ByteWriter: @unchecked Sendable {
    // Unchecked: one test, or one thread beside it, writes to it.
    private var fd: OwnedFD?
    private let isSocket: Bool

    /// A program that ends under its test is the test's failure, not the end of all tests.
    private static let ignoresBrokenPipes: Void = Signals.ignoreBrokenPipes()

    package init(_ fd: consuming OwnedFD) {
        Self.ignoresBrokenPipes
        try? fd.setBlocking(false)
        isSocket = fd.type == .socket
        self.fd = consume fd
    }

    package func write(_ bytes: [UInt8], within patience: Duration = Deadline.patience) throws {
        let written = try writeSome(bytes, within: patience)
        guard written == bytes.count else {
            throw TestFault("only \(written) of \(bytes.count) bytes were taken")
        }
    }

    package func write(_ text: String) throws { try write(Array(text.utf8)) }

    /// As much as is taken in that time; how much that is.
    package func writeSome(_ bytes: [UInt8], within patience: Duration) throws -> Int {
        guard fd != nil else { throw TestFault("closed") }
        let deadline = Deadline(in: patience)
        var sent = 0
        while sent < bytes.count {
            let rest = bytes.span.extracting(sent...)
            let count = isSocket ? try UnixSocket.send(fd!, rest) : try fd!.write(rest)
            sent += count ?? 0
            if count == nil, deadline.poll(fd!, .write).isEmpty { break }
        }
        return sent
    }

    /// Closes the descriptor, and nothing else.
    package func close() { _ = fd.take() }

    /// Closes the descriptor; of a socket that has a reader too, ends this direction only.
    package func finish() {
        guard let open = fd.take() else { return }
        if isSocket { UnixSocket.shutdownWriting(open) }
    }
}
