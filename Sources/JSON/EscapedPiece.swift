// Text as it stands between the quotation marks of JSON, eight bytes at a time, for most eights of what
// files and programs say have nothing to escape. Eight in an integer: the standard library compares vectors
// byte by byte.

enum EscapedPiece {
    /// The longest at a time; the worst becomes six times as long, and room is made for the worst.
    static let most = 2048

    /// What a text of so many bytes may need, with one block behind it.
    static func room(for count: Int) -> Int { 6 * count + width }

    private static let width = 8

    static func write(_ text: Span<UInt8>, to output: inout OutputSpan<UInt8>) {
        precondition(output.freeCapacity >= room(for: text.count))
        unsafe output.withUnsafeMutableBufferPointer { buffer, count in
            count += unsafe write(text, to: UnsafeMutableRawBufferPointer(buffer.extracting(count...)))
        }
    }

    /// How many bytes it became. A block is stored whole, also where only its beginning counts, and what
    /// comes next is stored over the rest: so `room` has a block more than the longest result.
    private static func write(_ text: Span<UInt8>, to room: UnsafeMutableRawBufferPointer) -> Int {
        var written = 0
        unsafe text.withUnsafeBytes { text in
            var place = 0
            // Within bounds: `place + width` is looked at here, and of `room` at most six bytes for each
            // byte of the text are in use, with a block behind them.
            while place + width <= text.count {
                let block = unsafe text.loadUnaligned(fromByteOffset: place, as: UInt64.self)
                unsafe room.storeBytes(of: block, toByteOffset: written, as: UInt64.self)
                let marks = marks(UInt64(littleEndian: block))
                // A branch that is nearly always foretold; the next eight do not wait for this result.
                if marks == 0 {
                    place &+= width
                    written &+= width
                    continue
                }
                let plain = marks.trailingZeroBitCount / 8
                place += plain
                written += plain
                written = unsafe escape(text[place], to: room, at: written)
                place += 1
            }
            while place < text.count {
                let byte = unsafe text[place]
                if needsEscape(byte) {
                    written = unsafe escape(byte, to: room, at: written)
                } else {
                    unsafe room[written] = byte
                    written += 1
                }
                place += 1
            }
        }
        return written
    }

    private static func needsEscape(_ byte: UInt8) -> Bool { byte < 0x20 || byte == 0x22 || byte == 0x5C }

    /// Marks what needs an escape, in the highest bit of each byte, where subtracting borrowed. Behind the
    /// first mark there may be wrong ones, and the first is the one that counts.
    private static func marks(_ block: UInt64) -> UInt64 {
        let each: UInt64 = 0x0101_0101_0101_0101
        let quotes = block ^ (each &* 0x22)
        let backslashes = block ^ (each &* 0x5C)
        return
            ((block &- (each &* 0x20)) & ~block | (quotes &- each) & ~quotes
            | (backslashes &- each) & ~backslashes) & (each &* 0x80)
    }

    /// Where to go on in `room`.
    private static func escape(_ byte: UInt8, to room: UnsafeMutableRawBufferPointer, at place: Int) -> Int {
        unsafe room[place] = UInt8(ascii: "\\")
        let short: UInt8? =
            switch byte {
            case 0x0A: UInt8(ascii: "n")
            case 0x22, 0x5C: byte
            case 0x09: UInt8(ascii: "t")
            case 0x0D: UInt8(ascii: "r")
            case 0x08: UInt8(ascii: "b")
            case 0x0C: UInt8(ascii: "f")
            default: nil
            }
        if let short {
            unsafe room[place + 1] = short
            return place + 2
        }
        unsafe room[place + 1] = UInt8(ascii: "u")
        unsafe room[place + 2] = UInt8(ascii: "0")
        unsafe room[place + 3] = UInt8(ascii: "0")
        unsafe room[place + 4] = digit(byte >> 4)
        unsafe room[place + 5] = digit(byte & 15)
        return place + 6
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
