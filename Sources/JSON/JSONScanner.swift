// Where a token ends, and what an escaped string says. The string scanner is where the time of large
// messages goes: eight plain ASCII bytes at a step, one byte at a time only for what needs a decision.

enum JSONScanner {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    /// True when all eight bytes are ASCII, printable, and neither a quote nor a backslash.
    @inline(__always)
    private static func isPlain(_ word: UInt64) -> Bool {
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5C)
        // (x - n) borrows into the high bit of each byte below n; a byte above 0x7F has it already.
        let special =
            (quote &- ones) | (backslash &- ones) | (word &- (ones &* 0x20)) | word
        return special & highs == 0
    }

    /// From the byte after the opening quote to the byte after the closing one.
    static func endOfString(
        _ bytes: Span<UInt8>, from start: Int, escaped: inout Bool
    ) throws(JSONError) -> Int {
        var position = start
        let raw = unsafe bytes.bytes
        while true {
            while position &+ 8 <= bytes.count {
                // In bounds by the line above.
                let word = unsafe raw.unsafeLoadUnaligned(
                    fromUncheckedByteOffset: position, as: UInt64.self)
                guard isPlain(word) else { break }
                position &+= 8
            }
            guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: bytes.count) }
            switch bytes[position] {
            case 0x22:
                return position + 1
            case 0x5C:
                escaped = true
                position = try endOfEscape(bytes, from: position)
            case 0x00..<0x20:
                throw JSONError(.controlCharacter, at: position)
            case 0x20..<0x80:
                position &+= 1
            default:
                // Where one such character is, most often the next is another.
                repeat {
                    position = try endOfScalar(bytes, from: position)
                } while position < bytes.count && bytes[position] >= 0x80
            }
        }
    }

    /// One UTF-8 sequence of two to four bytes: the well-formed byte sequences of Unicode, table 3-7.
    @inline(__always)
    private static func endOfScalar(
        _ bytes: Span<UInt8>, from start: Int
    ) throws(JSONError) -> Int {
        let lead = bytes[start]
        func continues(_ offset: Int, _ range: ClosedRange<UInt8> = 0x80...0xBF) -> Bool {
            start &+ offset < bytes.count && range.contains(bytes[start &+ offset])
        }
        switch lead {
        case 0xC2...0xDF:
            if continues(1) { return start &+ 2 }
        case 0xE1...0xEC, 0xEE...0xEF:
            if continues(1), continues(2) { return start &+ 3 }
        case 0xE0:
            if continues(1, 0xA0...0xBF), continues(2) { return start &+ 3 }
        case 0xED:
            if continues(1, 0x80...0x9F), continues(2) { return start &+ 3 }
        case 0xF1...0xF3:
            if continues(1), continues(2), continues(3) { return start &+ 4 }
        case 0xF0:
            if continues(1, 0x90...0xBF), continues(2), continues(3) { return start &+ 4 }
        case 0xF4:
            if continues(1, 0x80...0x8F), continues(2), continues(3) { return start &+ 4 }
        default:
            break
        }
        throw JSONError(.invalidUTF8, at: start)
    }

    private static func endOfEscape(
        _ bytes: Span<UInt8>, from backslash: Int
    ) throws(JSONError) -> Int {
        guard backslash + 1 < bytes.count else {
            throw JSONError(.unexpectedEnd, at: bytes.count)
        }
        switch bytes[backslash + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
            UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return backslash + 2
        case UInt8(ascii: "u"):
            let unit = try codeUnit(bytes, at: backslash)
            if UTF16.isTrailSurrogate(unit) { throw JSONError(.loneSurrogate, at: backslash) }
            guard UTF16.isLeadSurrogate(unit) else { return backslash + 6 }
            let next = backslash + 6
            guard next + 1 < bytes.count, bytes[next] == 0x5C,
                bytes[next + 1] == UInt8(ascii: "u"),
                UTF16.isTrailSurrogate(try codeUnit(bytes, at: next))
            else { throw JSONError(.loneSurrogate, at: backslash) }
            return next + 6
        default:
            throw JSONError(.badEscape, at: backslash)
        }
    }

    /// The UTF-16 code unit that `\uXXXX` at `backslash` names.
    private static func codeUnit(
        _ bytes: Span<UInt8>, at backslash: Int
    ) throws(JSONError) -> UInt16 {
        guard backslash + 6 <= bytes.count else {
            throw JSONError(.badEscape, at: backslash)
        }
        var unit: UInt16 = 0
        for offset in 2..<6 {
            guard let digit = Character(UnicodeScalar(bytes[backslash + offset])).hexDigitValue,
                bytes[backslash + offset] < 0x80
            else { throw JSONError(.badEscape, at: backslash) }
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }

    static func endOfNumber(_ bytes: Span<UInt8>, from start: Int) throws(JSONError) -> Int {
        var position = start
        func digits() -> Int {
            let first = position
            while position < bytes.count, bytes[position] &- 0x30 < 10 { position += 1 }
            return position - first
        }
        if bytes[position] == UInt8(ascii: "-") { position += 1 }
        let whole = position
        let wholeDigits = digits()
        guard wholeDigits == 1 || (wholeDigits > 1 && bytes[whole] != UInt8(ascii: "0")) else {
            throw JSONError(.badNumber, at: start)
        }
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            guard digits() > 0 else { throw JSONError(.badNumber, at: start) }
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < bytes.count,
                bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-")
            {
                position += 1
            }
            guard digits() > 0 else { throw JSONError(.badNumber, at: start) }
        }
        return position
    }

    /// The text between the quotes of a string that has been found well-formed.
    static func text(
        _ bytes: Span<UInt8>, from start: Int, to end: Int, escaped: Bool
    ) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(end - start)
        var position = start
        while position < end {
            let byte = bytes[position]
            guard escaped, byte == 0x5C else {
                text.append(byte)
                position += 1
                continue
            }
            switch bytes[position + 1] {
            case UInt8(ascii: "b"): text.append(0x08)
            case UInt8(ascii: "f"): text.append(0x0C)
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "u"):
                position += appendScalar(bytes, at: position, to: &text)
                continue
            case let itself: text.append(itself)
            }
            position += 2
        }
        return text
    }

    /// Decodes `\uXXXX`, or a pair of them, and says how many bytes it took.
    private static func appendScalar(
        _ bytes: Span<UInt8>, at backslash: Int, to text: inout [UInt8]
    ) -> Int {
        guard let unit = try? codeUnit(bytes, at: backslash) else { return 6 }
        var scalar = UInt32(unit)
        var length = 6
        if UTF16.isLeadSurrogate(unit), let trail = try? codeUnit(bytes, at: backslash + 6) {
            scalar = 0x10000 + (UInt32(unit) & 0x3FF) << 10 + UInt32(trail) & 0x3FF
            length = 12
        }
        guard let valid = UnicodeScalar(scalar) else {
            preconditionFailure("a lone surrogate passed the parser")
        }
        text.append(contentsOf: UTF8.encode(valid) ?? .init())
        return length
    }
}
