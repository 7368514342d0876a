// Bytes of a file or of a program, as text. What they are is found by what they look like, as `file` does:
//
//   a byte order mark            UTF-8, UTF-16
//   no NUL, all of it UTF-8      UTF-8
//   NULs in every second place   UTF-16 without a mark
//   no NUL, most of it UTF-8     UTF-8, damaged
//   no NUL, no control codes     Latin-1, or Windows-1252 where C1 codes are in use
//   anything else                not text

import Glibc

struct FoundText: Equatable, Sendable {
    enum Encoding: String, CaseIterable, Sendable {
        case utf8 = "utf-8"
        case utf16Little = "utf-16le"
        case utf16Big = "utf-16be"
        case latin1 = "iso-8859-1"
        case windows1252 = "windows-1252"
    }

    var text: String
    var encoding: Encoding
    /// Some bytes had no meaning, and are U+FFFD in the text.
    var isLossy = false

    /// `nil` where it is not UTF-8, or has a NUL in it. What nearly every file is: looked at once.
    init?(utf8 bytes: ArraySlice<UInt8>) {
        guard !Self.hasNUL(bytes) else { return nil }
        let isMarked = bytes.starts(with: [0xEF, 0xBB, 0xBF])
        guard let text = String(validating: isMarked ? bytes.dropFirst(3) : bytes, as: UTF8.self) else {
            return nil
        }
        self.init(text: text, encoding: .utf8)
    }

    static func hasNUL(_ bytes: ArraySlice<UInt8>) -> Bool {
        unsafe bytes.withUnsafeBytes { buffer in
            guard let start = buffer.baseAddress else { return false }
            return unsafe memchr(start, 0, buffer.count) != nil
        }
    }

    /// `nil` where it is not text.
    init?(finding bytes: [UInt8]) {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
            self.init(text: String(decoding: bytes.dropFirst(3), as: UTF8.self), encoding: .utf8)
            isLossy = String(validating: bytes, as: UTF8.self) == nil
        } else if let encoding = Self.utf16(bytes) {
            self.init(text: Self.decode16(bytes, encoding), encoding: encoding)
            isLossy = text.unicodeScalars.contains("\u{FFFD}")
        } else if bytes.contains(0) {
            return nil
        } else if let text = String(validating: bytes, as: UTF8.self) {
            self.init(text: text, encoding: .utf8)
        } else if Self.isMostlyUTF8(bytes) {
            self.init(lossy: bytes)
        } else if let encoding = Self.eightBit(bytes) {
            self.init(text: Self.decode8(bytes, encoding), encoding: encoding)
        } else {
            return nil
        }
    }

    /// As UTF-8 whatever it is.
    init(lossy bytes: [UInt8]) {
        self.init(text: String(decoding: bytes, as: UTF8.self), encoding: .utf8)
        isLossy = String(validating: bytes, as: UTF8.self) == nil
    }

    private init(text: String, encoding: Encoding) { (self.text, self.encoding) = (text, encoding) }

    /// Damaged text, or a part of one: it has more characters that are whole than bytes that mean nothing.
    private static func isMostlyUTF8(_ bytes: [UInt8]) -> Bool {
        var (whole, broken) = (0, 0)
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars where scalar.value >= 0x80 {
            if scalar == "\u{FFFD}" { broken += 1 } else { whole += 1 }
        }
        return whole > broken
    }

    // MARK: UTF-16

    private static func utf16(_ bytes: [UInt8]) -> Encoding? {
        // UTF-32 begins like UTF-16, and is not text here.
        if bytes.starts(with: [0xFF, 0xFE]) {
            return bytes.starts(with: [0xFF, 0xFE, 0, 0]) ? nil : .utf16Little
        }
        if bytes.starts(with: [0xFE, 0xFF]) { return .utf16Big }
        let sample = bytes.prefix(4096)
        let pairs = sample.count / 2
        guard pairs >= 2 else { return nil }
        var zeros = [0, 0]
        for (place, byte) in sample.enumerated() where byte == 0 { zeros[place % 2] += 1 }
        // Mostly ASCII, and no character that is zero.
        if zeros[0] == 0, zeros[1] * 10 >= pairs * 7 { return .utf16Little }
        if zeros[1] == 0, zeros[0] * 10 >= pairs * 7 { return .utf16Big }
        return nil
    }

    private static func decode16(_ bytes: [UInt8], _ encoding: Encoding) -> String {
        var units: [UInt16] = []
        for place in stride(from: 0, to: bytes.count - 1, by: 2) {
            let (first, second) = (UInt16(bytes[place]), UInt16(bytes[place + 1]))
            units.append(encoding == .utf16Little ? second << 8 | first : first << 8 | second)
        }
        if units.first == 0xFEFF { units.removeFirst() }
        return String(decoding: units, as: UTF16.self)
    }

    // MARK: One byte each

    private static func eightBit(_ bytes: [UInt8]) -> Encoding? {
        var (high, c1) = (0, 0)
        for byte in bytes {
            switch byte {
            case 0x09...0x0D, 0x1B, 0x20...0x7E: break
            case 0x80...0x9F:
                guard windows1252[Int(byte) - 0x80] != 0 else { return nil }
                c1 += 1
            case 0xA0...0xFF: high += 1
            default: return nil
            }
        }
        // Text of the languages that it was made for is mostly ASCII.
        guard (high + c1) * 10 <= bytes.count * 3 else { return nil }
        return c1 > 0 ? .windows1252 : .latin1
    }

    private static func decode8(_ bytes: [UInt8], _ encoding: Encoding) -> String {
        let units = bytes.map { (byte: UInt8) -> UInt16 in
            encoding == .windows1252 && (0x80...0x9F).contains(byte)
                ? windows1252[Int(byte) - 0x80] : UInt16(byte)
        }
        return String(decoding: units, as: UTF16.self)
    }

    /// Of 0x80 to 0x9F; 0 where it has nothing.
    private static let windows1252: [UInt16] = [
        0x20AC, 0, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152,
        0, 0x017D, 0, 0, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161,
        0x203A, 0x0153, 0, 0x017E, 0x0178,
    ]
}

extension RandomAccessCollection<UInt8> where Index == Int {
    /// How many bytes at the end begin a character of UTF-8 and do not end it.
    var openCharacterLength: Int {
        for length in 1...3 where length <= count {
            let byte = self[endIndex - length]
            if byte & 0xC0 == 0x80 { continue }
            let whole = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            return byte < 0xF8 && whole > length ? length : 0
        }
        return 0
    }

    /// How many bytes at the beginning go on with a character of UTF-8 that began before.
    var continuedCharacterLength: Int {
        let length = prefix(4).prefix { $0 & 0xC0 == 0x80 }.count
        return length == 4 ? 0 : length
    }
}
