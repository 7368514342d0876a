// Writes compact JSON. Commas and colons are the writer's business, so that a caller only says what
// there is; balance is the compiler's business, through closures.

package struct JSONWriter: Sendable {
    package private(set) var bytes: [UInt8]
    private var needsComma = false

    package init(into bytes: consuming [UInt8] = []) {
        self.bytes = bytes
    }

    package static func bytes(_ write: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        write(&writer)
        return writer.bytes
    }

    package consuming func finish() -> [UInt8] { bytes }

    /// With the end of the line. Here and not by the caller: a second owner would copy all of it for one byte.
    package consuming func finishLine() -> [UInt8] {
        bytes.append(0x0A)
        return bytes
    }

    // MARK: Containers

    package mutating func object(_ members: (inout JSONWriter) -> Void) {
        enclosed(by: UInt8(ascii: "{"), UInt8(ascii: "}"), members)
    }

    package mutating func array(_ elements: (inout JSONWriter) -> Void) {
        enclosed(by: UInt8(ascii: "["), UInt8(ascii: "]"), elements)
    }

    private mutating func enclosed(
        by first: UInt8, _ last: UInt8, _ inside: (inout JSONWriter) -> Void
    ) {
        beginValue()
        bytes.append(first)
        needsComma = false
        inside(&self)
        bytes.append(last)
        needsComma = true
    }

    // MARK: Members

    /// A key of our own, which needs no escaping. The value is whatever is written next.
    package mutating func key(_ name: StaticString) {
        beginValue()
        bytes.append(UInt8(ascii: "\""))
        unsafe bytes.append(
            contentsOf: UnsafeBufferPointer(
                start: name.utf8Start, count: name.utf8CodeUnitCount))
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// A key that somebody else chose.
    package mutating func key(text name: String) {
        string(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    package mutating func member(_ name: StaticString, _ value: String) {
        key(name)
        string(value)
    }

    package mutating func member(_ name: StaticString, _ value: some BinaryInteger) {
        key(name)
        integer(value)
    }

    package mutating func member(_ name: StaticString, _ value: Double) {
        key(name)
        double(value)
    }

    package mutating func member(_ name: StaticString, _ value: Bool) {
        key(name)
        bool(value)
    }

    package mutating func member(_ name: StaticString, _ value: JSONValue) {
        key(name)
        self.value(value)
    }

    /// A member that is left out when there is nothing to say: schemas reject `null` for absence.
    package mutating func optionalMember(_ name: StaticString, _ value: String?) {
        if let value { member(name, value) }
    }

    package mutating func object(
        _ name: StaticString, _ members: (inout JSONWriter) -> Void = { _ in }
    ) {
        key(name)
        object(members)
    }

    package mutating func array(_ name: StaticString, _ elements: (inout JSONWriter) -> Void) {
        key(name)
        array(elements)
    }

    // MARK: Values

    package mutating func null() { token("null") }

    package mutating func bool(_ value: Bool) { token(value ? "true" : "false") }

    package mutating func integer(_ value: some BinaryInteger) {
        beginValue()
        bytes.append(contentsOf: value.description.utf8)
        needsComma = true
    }

    package mutating func double(_ value: Double) {
        precondition(value.isFinite, "JSON has no word for \(value)")
        beginValue()
        bytes.append(contentsOf: value.description.utf8)
        needsComma = true
    }

    package mutating func string(_ value: String) {
        beginValue()
        bytes.append(UInt8(ascii: "\""))
        var value = value
        value.withUTF8 { utf8 in
            unsafe appendEscaped(utf8.span)
        }
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    /// A parsed value as its sender wrote it, less the white space between its tokens.
    package mutating func value(_ value: JSONValue) {
        beginValue()
        let document = value.document
        if document.isCompact {
            bytes.append(contentsOf: value.bytes)
        } else {
            appendTokens(of: value)
        }
        needsComma = true
    }

    /// Bytes that are one JSON value already, made by another writer.
    package mutating func written(_ json: [UInt8]) {
        beginValue()
        bytes.append(contentsOf: json)
        needsComma = true
    }

    private mutating func token(_ literal: StaticString) {
        beginValue()
        unsafe bytes.append(
            contentsOf: UnsafeBufferPointer(
                start: literal.utf8Start, count: literal.utf8CodeUnitCount))
        needsComma = true
    }

    private mutating func beginValue() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    /// One pass, in pieces for each of which there surely is room.
    private mutating func appendEscaped(_ text: Span<UInt8>) {
        let likely = bytes.count + text.count + text.count / 16 + EscapedPiece.room(for: EscapedPiece.most)
        // Many texts one after the other must not each move everything.
        if text.count > EscapedPiece.most, likely > bytes.capacity {
            bytes.reserveCapacity(max(likely, 2 * bytes.capacity))
        }
        var place = 0
        while place < text.count {
            let piece = text.extracting(place..<min(place + EscapedPiece.most, text.count))
            bytes.append(addingCapacity: EscapedPiece.room(for: piece.count)) {
                EscapedPiece.write(piece, to: &$0)
            }
            place += piece.count
        }
    }

    /// Walks the tape; the open containers stand on a stack as deep as the parser allowed.
    private mutating func appendTokens(of root: JSONValue) {
        let document = root.document
        var open: [(end: Int, isObject: Bool)] = []
        var index = root.index
        var isFirst = true
        var isValueOfMember = false
        while true {
            while let container = open.last, container.end == index {
                bytes.append(UInt8(ascii: container.isObject ? "}" : "]"))
                open.removeLast()
                isFirst = false
                isValueOfMember = false
            }
            guard index < root.end else { return }
            let node = document.tape[index]
            let inObject = open.last?.isObject ?? false
            if !open.isEmpty && !isFirst && !isValueOfMember {
                bytes.append(UInt8(ascii: ","))
            }
            isFirst = false
            switch node.kind {
            case .object, .array:
                bytes.append(UInt8(ascii: node.kind == .object ? "{" : "["))
                open.append((Int(node.next), node.kind == .object))
                isFirst = true
                isValueOfMember = false
            default:
                bytes.append(contentsOf: document.bytes[Int(node.start)..<Int(node.end)])
                let isKey = inObject && !isValueOfMember
                if isKey { bytes.append(UInt8(ascii: ":")) }
                isValueOfMember = isKey
            }
            index += 1
        }
    }
}
