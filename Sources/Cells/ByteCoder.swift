// The coding of everything that crosses into or out of privilege: fixed-width little-endian integers, and
// texts behind their length. A reader believes no length before it has compared it with what is there and
// with what the field may have, and a message must be used up to its last byte.

package struct CodingFault: Error, Equatable, CustomStringConvertible, Sendable {
    package let field: String
    package let problem: String

    package init(field: String, problem: String) { (self.field, self.problem) = (field, problem) }

    package var description: String { "\(field): \(problem)" }
}

package struct ByteWriter: Sendable {
    package private(set) var bytes: [UInt8]

    /// Goes on behind what is there already.
    package init(behind bytes: consuming [UInt8] = []) { self.bytes = bytes }

    package consuming func finish() -> [UInt8] { bytes }

    /// Room for what is about to come, in one piece.
    package mutating func reserve(_ count: Int) {
        guard bytes.count + count > bytes.capacity else { return }
        bytes.reserveCapacity(max(bytes.count + count, 2 * bytes.capacity))
    }

    /// What could not be known when it was written, such as a length of what followed.
    mutating func replaceInteger(at place: Int, with value: UInt32) {
        for byte in 0..<4 { bytes[place + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte)) }
    }

    package mutating func integer<Value: FixedWidthInteger>(_ value: Value) {
        for byte in 0..<(Value.bitWidth / 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> (8 * byte)))
        }
    }

    package mutating func text(_ text: String) {
        data(Array(text.utf8))
    }

    package mutating func raw(_ data: [UInt8]) { bytes.append(contentsOf: data) }

    package mutating func data(_ data: some Collection<UInt8>) {
        integer(UInt32(data.count))
        bytes.append(contentsOf: data)
    }
}

package struct ByteReader: Sendable {
    private var rest: ArraySlice<UInt8>

    package init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    package mutating func integer<Value: FixedWidthInteger>(
        _ field: StaticString, as type: Value.Type = Value.self
    ) throws(CodingFault) -> Value {
        let width = Value.bitWidth / 8
        guard rest.count >= width else { throw fault(field, "the message ends inside it") }
        var value: Value = 0
        for (place, byte) in rest.prefix(width).enumerated() {
            value |= Value(truncatingIfNeeded: byte) << (8 * place)
        }
        rest.removeFirst(width)
        return value
    }

    package mutating func integer<Value: FixedWidthInteger>(
        _ field: StaticString, in range: ClosedRange<Value>
    ) throws(CodingFault) -> Value {
        let value = try integer(field, as: Value.self)
        guard range.contains(value) else {
            throw fault(field, "\(value) is not from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    package mutating func flag(_ field: StaticString) throws(CodingFault) -> Bool {
        try integer(field, in: UInt8(0)...1) == 1
    }

    package mutating func data(_ field: StaticString, most: Int) throws(CodingFault) -> [UInt8] {
        Array(try slice(field, most: most))
    }

    /// The same within the message, which it holds on to: for what may be large.
    package mutating func slice(_ field: StaticString, most: Int) throws(CodingFault) -> ArraySlice<UInt8> {
        let count = Int(try integer(field, as: UInt32.self))
        guard count <= most else { throw fault(field, "\(count) bytes are more than \(most)") }
        guard count <= rest.count else { throw fault(field, "the message ends inside it") }
        defer { rest.removeFirst(count) }
        return rest.prefix(count)
    }

    /// UTF-8 without NUL: what the kernel takes for a name, and people can read.
    package mutating func text(_ field: StaticString, most: Int) throws(CodingFault) -> String {
        let bytes = try data(field, most: most)
        guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
            throw fault(field, "not a text")
        }
        return text
    }

    package func finish(_ message: StaticString) throws(CodingFault) {
        guard rest.isEmpty else { throw fault(message, "\(rest.count) bytes too many") }
    }

    package func fault(_ field: StaticString, _ problem: String) -> CodingFault {
        CodingFault(field: field.description, problem: problem)
    }
}
