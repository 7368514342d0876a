/// RFC 8259 once more, to judge the parser by: its grammar, rule by rule, over Unicode scalars that the
/// standard library has decoded. It is slow, recurses, and shares nothing with what it judges.
struct ReferenceJSON {
    private var rest: ArraySlice<UnicodeScalar>
    private let depth: Int

    /// Whether the bytes are one JSON text, nested no deeper than `depth`.
    static func accepts(_ bytes: [UInt8], depth: Int) -> Bool {
        guard let text = String(validating: bytes, as: UTF8.self) else { return false }
        var grammar = ReferenceJSON(rest: Array(text.unicodeScalars)[...], depth: depth)
        return grammar.element(depth) && grammar.rest.isEmpty
    }

    private mutating func element(_ depth: Int) -> Bool {
        whiteSpace()
        defer { whiteSpace() }
        switch rest.first {
        case "{": return list("{", "}", depth) { $0.member(depth - 1) }
        case "[": return list("[", "]", depth) { $0.element(depth - 1) }
        case "\"": return string()
        case "t": return word("true")
        case "f": return word("false")
        case "n": return word("null")
        default: return number()
        }
    }

    private mutating func list(
        _ first: UnicodeScalar, _ last: UnicodeScalar, _ depth: Int,
        of item: (inout ReferenceJSON) -> Bool
    ) -> Bool {
        guard depth > 0, take(first) else { return false }
        whiteSpace()
        if take(last) { return true }
        repeat {
            guard item(&self) else { return false }
        } while take(",")
        return take(last)
    }

    private mutating func member(_ depth: Int) -> Bool {
        whiteSpace()
        guard string() else { return false }
        whiteSpace()
        return take(":") && element(depth)
    }

    private mutating func string() -> Bool {
        guard take("\"") else { return false }
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\"": return true
            case "\\": guard escape() else { return false }
            case "\u{0}"..."\u{1F}": return false
            default: break
            }
        }
        return false
    }

    /// What RFC 8259 leaves open and we do not: surrogates come in pairs.
    private mutating func escape() -> Bool {
        guard let letter = rest.popFirst() else { return false }
        guard letter == "u" else { return "\"\\/bfnrt".unicodeScalars.contains(letter) }
        guard let unit = codeUnit() else { return false }
        switch unit {
        case 0xDC00...0xDFFF: return false
        case 0xD800...0xDBFF:
            guard take("\\"), take("u"), let trail = codeUnit() else { return false }
            return (0xDC00...0xDFFF).contains(trail)
        default: return true
        }
    }

    private mutating func codeUnit() -> Int? {
        let digits = rest.prefix(4)
        rest = rest.dropFirst(4)
        guard digits.count == 4, digits.allSatisfy({ $0.isASCII && $0.properties.isASCIIHexDigit })
        else { return nil }
        return Int(String(String.UnicodeScalarView(digits)), radix: 16)
    }

    private mutating func number() -> Bool {
        _ = take("-")
        guard take("0") || digits() else { return false }
        if take(".") { guard digits() else { return false } }
        if take("e") || take("E") {
            _ = take("+") || take("-")
            guard digits() else { return false }
        }
        return true
    }

    private mutating func digits() -> Bool {
        let digits = rest.prefix { ("0"..."9").contains($0) }
        rest = rest[digits.endIndex...]
        return !digits.isEmpty
    }

    private mutating func word(_ word: String) -> Bool {
        word.unicodeScalars.allSatisfy { take($0) }
    }

    private mutating func whiteSpace() {
        rest = rest.drop { " \t\n\r".unicodeScalars.contains($0) }
    }

    private mutating func take(_ scalar: UnicodeScalar) -> Bool {
        guard rest.first == scalar else { return false }
        rest.removeFirst()
        return true
    }
}
