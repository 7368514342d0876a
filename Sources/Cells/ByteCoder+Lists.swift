// What is made of the plain fields: optional ones, repeated ones, and texts of people's files.

extension ByteWriter {
    package mutating func flag(_ flag: Bool) { integer(UInt8(flag ? 1 : 0)) }

    package mutating func optional<Value>(_ value: Value?, _ write: (inout ByteWriter, Value) -> Void) {
        flag(value != nil)
        if let value { write(&self, value) }
    }

    package mutating func list<Element>(
        _ elements: [Element], _ write: (inout ByteWriter, Element) -> Void
    ) {
        integer(UInt32(elements.count))
        for element in elements { write(&self, element) }
    }
}

extension ByteReader {
    package mutating func optional<Value>(
        _ field: StaticString, _ read: (inout ByteReader) throws(CodingFault) -> Value
    ) throws(CodingFault) -> Value? {
        try flag(field) ? try read(&self) : nil
    }

    /// Nothing is reserved for elements that have not been read: a count is only a claim.
    package mutating func list<Element>(
        _ field: StaticString, most: Int, _ read: (inout ByteReader) throws(CodingFault) -> Element
    ) throws(CodingFault) -> [Element] {
        let count = Int(try integer(field, as: UInt32.self))
        guard count <= most else { throw fault(field, "\(count) are more than \(most)") }
        var elements: [Element] = []
        for _ in 0..<count { elements.append(try read(&self)) }
        return elements
    }

    /// UTF-8, and NUL is a character like others: what stands in files.
    package mutating func content(_ field: StaticString, most: Int) throws(CodingFault) -> String {
        let bytes = try data(field, most: most)
        guard let text = String(validating: bytes, as: UTF8.self) else { throw fault(field, "not a text") }
        return text
    }

    package mutating func choice<Choice: RawRepresentable>(
        _ field: StaticString, as type: Choice.Type = Choice.self
    ) throws(CodingFault) -> Choice where Choice.RawValue == UInt8 {
        let tag = try integer(field, as: UInt8.self)
        guard let choice = Choice(rawValue: tag) else { throw fault(field, "\(tag) means nothing") }
        return choice
    }
}

extension String {
    /// What of it fits into so many bytes, without half a character.
    func cut(to most: Int) -> String {
        guard utf8.count > most else { return self }
        var end = utf8.index(utf8.startIndex, offsetBy: most)
        // An index between the bytes of a character is none of a scalar.
        while end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return String(unicodeScalars[..<end])
    }
}
