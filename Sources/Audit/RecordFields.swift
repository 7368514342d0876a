import JSON

/// What a record is described to. A record says once what it has, in its order; a line of the file and an entry
/// of the journal are two ways to write that down, and have the same fields therefore.
protocol RecordFields {
    mutating func text(_ name: StaticString, _ value: String)
    mutating func number(_ name: StaticString, _ value: Int64)
    mutating func flag(_ name: StaticString, _ value: Bool)
    /// A value that is JSON already.
    mutating func json(_ name: StaticString, _ value: [UInt8])
    mutating func texts(_ name: StaticString, _ values: [String])
    mutating func group(_ name: StaticString, _ members: (inout Self) -> Void)
    mutating func groups(_ name: StaticString, count: Int, _ members: (inout Self, Int) -> Void)
}

extension RecordFields {
    mutating func optional(_ name: StaticString, _ value: String?) {
        if let value { text(name, value) }
    }

    mutating func optional(_ name: StaticString, _ value: (some BinaryInteger)?) {
        if let value { number(name, Int64(clamping: value)) }
    }

    mutating func number(_ name: StaticString, _ value: some BinaryInteger) {
        number(name, Int64(clamping: value))
    }

    /// Nothing when there are none.
    mutating func some(_ name: StaticString, _ values: [String]) {
        if !values.isEmpty { texts(name, values) }
    }
}

/// As the members of an object.
struct JSONFields: RecordFields {
    var writer: JSONWriter

    mutating func text(_ name: StaticString, _ value: String) { writer.member(name, value) }
    mutating func number(_ name: StaticString, _ value: Int64) { writer.member(name, value) }
    mutating func flag(_ name: StaticString, _ value: Bool) { writer.member(name, value) }

    mutating func json(_ name: StaticString, _ value: [UInt8]) {
        writer.key(name)
        writer.written(value)
    }

    mutating func texts(_ name: StaticString, _ values: [String]) {
        writer.array(name) { for value in values { $0.string(value) } }
    }

    mutating func group(_ name: StaticString, _ members: (inout JSONFields) -> Void) {
        writer.key(name)
        Self.object(in: &writer, members)
    }

    mutating func groups(
        _ name: StaticString, count: Int, _ members: (inout JSONFields, Int) -> Void
    ) {
        writer.array(name) { writer in
            for place in 0..<count { Self.object(in: &writer) { members(&$0, place) } }
        }
    }

    /// The writer is handed over and back: a second owner of its bytes would copy them.
    private static func object(
        in writer: inout JSONWriter, _ members: (inout JSONFields) -> Void
    ) {
        writer.object { writer in
            var fields = JSONFields(writer: JSONWriter())
            swap(&fields.writer, &writer)
            members(&fields)
            swap(&fields.writer, &writer)
        }
    }
}
