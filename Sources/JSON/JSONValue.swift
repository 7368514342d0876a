/// One value of a document: a position on its tape. Copying it keeps the document alive.
package struct JSONValue: Sendable {
    package enum Kind: UInt8, Sendable {
        case null, `true`, `false`, number, string, array, object
    }

    package let document: JSONDocument
    let index: Int

    private var node: JSONDocument.Node { document.tape[index] }

    package var kind: Kind { node.kind }
    package var isObject: Bool { kind == .object }
    package var isNull: Bool { kind == .null }

    /// Where the value stands in the document's bytes, as it was sent.
    package var byteRange: Range<Int> { Int(node.start)..<Int(node.end) }

    /// The value's bytes as they were sent, white space between tokens included.
    package var bytes: ArraySlice<UInt8> { document.bytes[byteRange] }

    package var bool: Bool? {
        switch kind {
        case .true: true
        case .false: false
        default: nil
        }
    }

    package var string: String? {
        guard kind == .string else { return nil }
        return String(decoding: textBytes, as: UTF8.self)
    }

    /// The text of a string, in UTF-8; of any other kind, nothing sensible. Copied only if it has escapes.
    package var textBytes: ArraySlice<UInt8> {
        node.escaped ? stringBytes[...] : document.bytes[Int(node.start) + 1..<Int(node.end) - 1]
    }

    /// A number written as an integer (`1`, not `1.0` or `1e0`) that fits.
    package var integer: Int64? {
        guard kind == .number else { return nil }
        return Int64(String(decoding: bytes, as: UTF8.self))
    }

    /// A number as the nearest double; too large a number is infinite.
    package var double: Double? {
        guard kind == .number else { return nil }
        return Double(String(decoding: bytes, as: UTF8.self))
    }

    /// A number written without fraction or exponent, however large.
    package var isIntegerText: Bool {
        kind == .number
            && bytes.allSatisfy { $0 == UInt8(ascii: "-") || $0 &- 0x30 < 10 }
    }

    private var stringBytes: [UInt8] {
        let bytes = document.bytes
        return JSONScanner.text(
            bytes.span, from: Int(node.start) + 1, to: Int(node.end) - 1, escaped: node.escaped)
    }

    /// Compares the text of a string without making one.
    package func isString(_ text: StaticString) -> Bool {
        kind == .string && matches(text)
    }

    private func matches(_ text: StaticString) -> Bool {
        let node = node
        if node.escaped {
            return stringBytes.elementsEqual(text.description.utf8)
        }
        let count = text.utf8CodeUnitCount
        let start = Int(node.start) + 1
        guard Int(node.end) - 1 - start == count else { return false }
        return unsafe document.bytes.withUnsafeBufferPointer { bytes in
            for offset in 0..<count
            where unsafe bytes[start + offset] != text.utf8Start[offset] { return false }
            return true
        }
    }

    /// The first member of that name, if this is an object that has one.
    package subscript(_ key: StaticString) -> JSONValue? {
        guard isObject else { return nil }
        var child = index + 1
        while child < Int(node.next) {
            let value = JSONValue(document: document, index: child + 1)
            if JSONValue(document: document, index: child).matches(key) { return value }
            child = Int(value.node.next)
        }
        return nil
    }

    /// The values of an array, in order; nothing for any other kind.
    package var elements: some Sequence<JSONValue> {
        let end = kind == .array ? Int(node.next) : index + 1
        return sequence(state: index + 1) { [document] child -> JSONValue? in
            guard child < end else { return nil }
            defer { child = Int(document.tape[child].next) }
            return JSONValue(document: document, index: child)
        }
    }

    /// The members of an object, in the sender's order; nothing for any other kind.
    package var members: some Sequence<(key: String, value: JSONValue)> {
        let end = kind == .object ? Int(node.next) : index + 1
        return sequence(state: index + 1) { [document] child -> (key: String, value: JSONValue)? in
            guard child < end else { return nil }
            let key = JSONValue(document: document, index: child)
            let value = JSONValue(document: document, index: child + 1)
            child = Int(value.node.next)
            return (key.string ?? "", value)
        }
    }

    package var count: Int {
        var count = 0
        for _ in elements { count += 1 }
        return count
    }

    /// The last tape index of this value's subtree, for the writer's walk.
    var end: Int { Int(node.next) }
}
