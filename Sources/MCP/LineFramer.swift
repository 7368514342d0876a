// Cuts a stream of bytes into lines. Every message of the stream transports is one line.
//
// A line may end with "\n" or "\r\n" and may begin with a byte order mark; blank lines mean nothing. A
// line over the limit is reported as soon as the limit is passed, and the rest of it is skipped without
// being stored. What stands after the last "\n" when the stream ends was never a message.

package struct LineFramer: Sendable {
    package enum Line: Equatable, Sendable {
        case line([UInt8])
        case tooLong
    }

    package let limit: Int
    private var bytes: [UInt8] = []
    private var start = 0
    private var searched = 0
    private var isSkipping = false

    package init(limit: Int) {
        self.limit = limit
    }

    /// Bytes held for a line that is not complete, or not taken.
    package var held: Int { bytes.count - start }
    /// The last so many of them.
    package func heldBytes(_ count: Int) -> [UInt8] { Array(bytes[start...].suffix(count)) }

    package mutating func append(_ new: Span<UInt8>) {
        // What was taken goes before more comes, so that the buffer never holds more than is untaken.
        if start > 0 {
            bytes.removeFirst(start)
            searched -= start
            start = 0
        }
        unsafe new.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
    }

    /// The next complete line, or `nil` until more has been appended.
    package mutating func next() -> Line? {
        while true {
            guard let newline = Self.newline(in: bytes.span, from: searched) else {
                searched = bytes.count
                return endOfBytes()
            }
            let line = bytes[start..<newline]
            start = newline + 1
            searched = start
            if isSkipping {
                isSkipping = false
                continue
            }
            if let line = message(in: line) { return line }
        }
    }

    /// Eight bytes at a step, for lines can be long.
    private static func newline(in bytes: Span<UInt8>, from start: Int) -> Int? {
        let (ones, highs): (UInt64, UInt64) = (0x0101_0101_0101_0101, 0x8080_8080_8080_8080)
        var position = start
        let raw = unsafe bytes.bytes
        while position + 8 <= bytes.count {
            // In bounds by the line above.
            let word = unsafe raw.unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: UInt64.self)
            // A newline is what is zero in here; the lowest one that borrows is one.
            let zeros = word ^ (ones &* 0x0A)
            guard (zeros &- ones) & ~zeros & highs == 0 else { break }
            position += 8
        }
        while position < bytes.count, bytes[position] != 0x0A { position += 1 }
        return position < bytes.count ? position : nil
    }

    private mutating func endOfBytes() -> Line? {
        // What does not count: a carriage return that may end the line, a byte order mark that began it.
        let most = limit + 1 + (Self.beginsWithMark(bytes[start...]) ? Self.mark.count : 0)
        let isOverLong = !isSkipping && held > most
        if isOverLong { isSkipping = true }
        if isSkipping || held == 0 { forget() }
        return isOverLong ? .tooLong : nil
    }

    /// The byte order mark, in UTF-8.
    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    private static func beginsWithMark(_ line: ArraySlice<UInt8>) -> Bool {
        line.first == mark[0] && line.starts(with: mark)
    }

    private mutating func forget() {
        // An idle connection holds no buffer.
        bytes.removeAll(keepingCapacity: bytes.capacity <= 512)
        (start, searched) = (0, 0)
    }

    private func message(in line: ArraySlice<UInt8>) -> Line? {
        var line = line
        if line.last == 0x0D { line.removeLast() }
        if Self.beginsWithMark(line) { line.removeFirst(Self.mark.count) }
        if line.isEmpty { return nil }
        return line.count > limit ? .tooLong : .line(Array(line))
    }
}
