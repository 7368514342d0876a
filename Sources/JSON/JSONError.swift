/// Why a text is not the JSON that we accept, and at which byte that was found out.
package struct JSONError: Error, Equatable, CustomStringConvertible {
    package enum Reason: String, Sendable {
        case empty = "no value"
        case unexpectedByte = "unexpected byte"
        case unexpectedEnd = "the text ends inside a value"
        case trailingBytes = "bytes after the value"
        case badLiteral = "misspelt literal"
        case badNumber = "malformed number"
        case badEscape = "malformed escape"
        case loneSurrogate = "lone surrogate"
        case controlCharacter = "unescaped control character"
        case invalidUTF8 = "invalid UTF-8"
        case tooDeep = "nested too deeply"
        case tooLarge = "text too large"
        case tooManyValues = "too many values"
    }

    package let reason: Reason
    package let offset: Int

    package init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    package var description: String { "\(reason.rawValue) at byte \(offset)" }
}

/// What a text may ask of us before it is refused. Every limit is an error, never a truncation.
package struct JSONLimits: Sendable, Equatable {
    package var depth: Int
    package var bytes: Int
    package var values: Int

    package init(depth: Int = 128, bytes: Int = 64 << 20, values: Int = 1 << 20) {
        // Offsets are kept in 32 bits.
        precondition(bytes < Int(UInt32.max))
        self.depth = depth
        self.bytes = bytes
        self.values = values
    }

    package static let standard = JSONLimits()
}
