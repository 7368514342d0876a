import YAML

/// The bytes of a file of settings, and what editing them has to keep.
struct SettingsText: Sendable {
    let bytes: [UInt8]
    /// Where the text begins: behind the mark of its byte order, if it has one.
    let start: Int
    /// What ends a line here.
    let lineEnd: [UInt8]

    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    init(_ bytes: [UInt8]) throws(SettingsFault) {
        self.bytes = bytes
        start = bytes.starts(with: Self.mark) ? Self.mark.count : 0
        let first = bytes.firstIndex(of: UInt8(ascii: "\n"))
        let isWide = first.map { $0 > 0 && bytes[$0 - 1] == UInt8(ascii: "\r") } ?? false
        lineEnd = Array((isWide ? "\r\n" : "\n").utf8)
        do {
            _ = try UTF8Span(validating: bytes.span)
        } catch {
            throw SettingsFault(place(of: error.byteOffsets.lowerBound), "this is not UTF-8")
        }
        if let zero = bytes.firstIndex(of: 0) { throw SettingsFault(place(of: zero), "this is not text") }
    }

    func fault(at offset: Int, _ problem: String) -> SettingsFault {
        SettingsFault(place(of: offset), problem)
    }

    private func place(of offset: Int) -> TextPlace {
        let before = bytes[start..<max(start, offset)]
        let line = before.reduce(1) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
        let begin = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? start
        // Not the bytes that continue a character.
        let column = bytes[begin..<max(begin, offset)].reduce(1) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
        return TextPlace(line: line, column: column)
    }

    // MARK: Lines

    func lineStart(of offset: Int) -> Int {
        bytes[start..<offset].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? start
    }

    /// Behind the end of the line, or the end of the text.
    func lineEnd(from offset: Int) -> Int {
        bytes[offset...].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? bytes.count
    }

    /// The blanks at the begin of the line that this is in.
    func indentation(of offset: Int) -> [UInt8] {
        Array(bytes[lineStart(of: offset)..<offset].prefix(while: isBlank))
    }

    func isFirstOfLine(_ offset: Int) -> Bool { bytes[lineStart(of: offset)..<offset].allSatisfy(isBlank) }

    /// The text between is blank, ends of lines included.
    func isEmpty(_ range: Range<Int>) -> Bool { bytes[range].allSatisfy { isBlank($0) || isBreak($0) } }

    var endsInLine: Bool { start < bytes.count && bytes.last != UInt8(ascii: "\n") }
}

func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
func isBreak(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") }
