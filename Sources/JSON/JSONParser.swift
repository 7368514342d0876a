// One pass over the bytes, no recursion: while a container is open, its node's `next` names the container
// around it, so the tape itself is the stack, and its depth is limited. Linear in the input: each byte is
// looked at a constant number of times, and the keys of a large object are compared through a hash that the
// sender cannot predict.

struct JSONParser {
    struct Output {
        var tape: [JSONDocument.Node]
        var isCompact: Bool
        var duplicateKeyOffset: Int?
    }

    private enum Expectation {
        case value
        case firstElementOrEnd
        case firstKeyOrEnd
        case key
        case separatorOrEnd
    }

    private let limits: JSONLimits
    private var tape: [JSONDocument.Node] = []
    /// The innermost open container, if `depth` is not 0.
    private var innermost = 0
    private var depth = 0
    private var isCompact = true
    private var duplicateKeyOffset: Int?

    static func parse(_ bytes: [UInt8], limits: JSONLimits) throws(JSONError) -> Output {
        guard bytes.count <= limits.bytes else { throw JSONError(.tooLarge, at: limits.bytes) }
        var parser = JSONParser(limits: limits)
        try parser.run(bytes.span)
        return Output(
            tape: parser.tape, isCompact: parser.isCompact,
            duplicateKeyOffset: parser.duplicateKeyOffset)
    }

    private init(limits: JSONLimits) {
        self.limits = limits
        tape.reserveCapacity(16)
    }

    private mutating func run(_ bytes: Span<UInt8>) throws(JSONError) {
        var position = 0
        var expected = Expectation.value
        while true {
            position = skipWhiteSpace(bytes, from: position)
            guard position < bytes.count else {
                throw JSONError(tape.isEmpty ? .empty : .unexpectedEnd, at: position)
            }
            let byte = bytes[position]
            switch (expected, byte) {
            case (.firstElementOrEnd, UInt8(ascii: "]")),
                (.firstKeyOrEnd, UInt8(ascii: "}")):
                position += 1
                expected = closeContainer(bytes, at: position)
            case (.separatorOrEnd, UInt8(ascii: ",")):
                position += 1
                expected = tape[innermost].kind == .object ? .key : .value
            case (.separatorOrEnd, UInt8(ascii: "]")),
                (.separatorOrEnd, UInt8(ascii: "}")):
                let isArray = byte == UInt8(ascii: "]")
                guard (tape[innermost].kind == .array) == isArray else {
                    throw JSONError(.unexpectedByte, at: position)
                }
                position += 1
                expected = closeContainer(bytes, at: position)
            case (.firstKeyOrEnd, UInt8(ascii: "\"")), (.key, UInt8(ascii: "\"")):
                position = try appendString(bytes, at: position)
                position = skipWhiteSpace(bytes, from: position)
                guard position < bytes.count else {
                    throw JSONError(.unexpectedEnd, at: position)
                }
                guard bytes[position] == UInt8(ascii: ":") else {
                    throw JSONError(.unexpectedByte, at: position)
                }
                position += 1
                expected = .value
            case (.value, _), (.firstElementOrEnd, _):
                (position, expected) = try appendValue(bytes, at: position, byte)
            default:
                throw JSONError(.unexpectedByte, at: position)
            }
            if depth == 0 {
                position = skipWhiteSpace(bytes, from: position)
                guard position == bytes.count else {
                    throw JSONError(.trailingBytes, at: position)
                }
                return
            }
        }
    }

    private mutating func appendValue(
        _ bytes: Span<UInt8>, at start: Int, _ byte: UInt8
    ) throws(JSONError) -> (Int, Expectation) {
        switch byte {
        case UInt8(ascii: "{"):
            try openContainer(.object, at: start)
            return (start + 1, .firstKeyOrEnd)
        case UInt8(ascii: "["):
            try openContainer(.array, at: start)
            return (start + 1, .firstElementOrEnd)
        case UInt8(ascii: "\""):
            return (try appendString(bytes, at: start), .separatorOrEnd)
        case UInt8(ascii: "t"):
            return (try appendLiteral(bytes, at: start, "true", .true), .separatorOrEnd)
        case UInt8(ascii: "f"):
            return (try appendLiteral(bytes, at: start, "false", .false), .separatorOrEnd)
        case UInt8(ascii: "n"):
            return (try appendLiteral(bytes, at: start, "null", .null), .separatorOrEnd)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            let end = try JSONScanner.endOfNumber(bytes, from: start)
            try append(.number, from: start, to: end)
            return (end, .separatorOrEnd)
        default:
            throw JSONError(.unexpectedByte, at: start)
        }
    }

    private mutating func appendString(
        _ bytes: Span<UInt8>, at quote: Int
    ) throws(JSONError) -> Int {
        var escaped = false
        let end = try JSONScanner.endOfString(bytes, from: quote + 1, escaped: &escaped)
        try append(.string, escaped: escaped, from: quote, to: end)
        return end
    }

    private mutating func appendLiteral(
        _ bytes: Span<UInt8>, at start: Int, _ literal: StaticString, _ kind: JSONValue.Kind
    ) throws(JSONError) -> Int {
        let end = start + literal.utf8CodeUnitCount
        let matches = (0..<min(end, bytes.count) - start).allSatisfy {
            unsafe bytes[start + $0] == literal.utf8Start[$0]
        }
        guard matches else { throw JSONError(.badLiteral, at: start) }
        guard end <= bytes.count else { throw JSONError(.unexpectedEnd, at: bytes.count) }
        try append(kind, from: start, to: end)
        return end
    }

    private mutating func append(
        _ kind: JSONValue.Kind, escaped: Bool = false, from start: Int, to end: Int
    ) throws(JSONError) {
        guard tape.count < limits.values else { throw JSONError(.tooManyValues, at: start) }
        tape.append(
            JSONDocument.Node(
                kind: kind, escaped: escaped, start: UInt32(start), end: UInt32(end),
                next: UInt32(tape.count + 1)))
    }

    private mutating func openContainer(
        _ kind: JSONValue.Kind, at start: Int
    ) throws(JSONError) {
        guard depth < limits.depth else { throw JSONError(.tooDeep, at: start) }
        let outer = UInt32(innermost)
        innermost = tape.count
        depth += 1
        try append(kind, from: start, to: start)
        tape[innermost].next = outer
    }

    private mutating func closeContainer(_ bytes: Span<UInt8>, at end: Int) -> Expectation {
        let index = innermost
        innermost = Int(tape[index].next)
        depth -= 1
        tape[index].end = UInt32(end)
        tape[index].next = UInt32(tape.count)
        if tape[index].kind == .object && duplicateKeyOffset == nil {
            duplicateKeyOffset = firstDuplicateKey(bytes, of: index)
        }
        return .separatorOrEnd
    }

    private mutating func skipWhiteSpace(_ bytes: Span<UInt8>, from start: Int) -> Int {
        var position = start
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default:
                if position != start { isCompact = false }
                return position
            }
        }
        if position != start { isCompact = false }
        return position
    }

    /// Small objects are compared pair by pair, larger ones through a seeded hash set.
    private func firstDuplicateKey(_ bytes: Span<UInt8>, of object: Int) -> Int? {
        var count = 0
        var key = object + 1
        while key < tape.count {
            count += 1
            key = keyAfter(key)
        }
        return count <= 8 ? firstRepeatedPair(bytes, of: object) : firstRepeatedHash(bytes, of: object)
    }

    private func keyAfter(_ key: Int) -> Int { Int(tape[key + 1].next) }

    private func firstRepeatedPair(_ bytes: Span<UInt8>, of object: Int) -> Int? {
        var later = object + 1
        while later < tape.count {
            var earlier = object + 1
            while earlier < later {
                if sameKey(bytes, tape[earlier], tape[later]) { return Int(tape[later].start) }
                earlier = keyAfter(earlier)
            }
            later = keyAfter(later)
        }
        return nil
    }

    private func firstRepeatedHash(_ bytes: Span<UInt8>, of object: Int) -> Int? {
        var seen = Set<[UInt8]>()
        var key = object + 1
        while key < tape.count {
            if !seen.insert(text(bytes, of: tape[key])).inserted { return Int(tape[key].start) }
            key = keyAfter(key)
        }
        return nil
    }

    private func sameKey(
        _ bytes: Span<UInt8>, _ one: JSONDocument.Node, _ other: JSONDocument.Node
    ) -> Bool {
        if !one.escaped && !other.escaped {
            let count = Int(one.end - one.start)
            guard count == Int(other.end - other.start) else { return false }
            for offset in 0..<count
            where bytes[Int(one.start) + offset] != bytes[Int(other.start) + offset] {
                return false
            }
            return true
        }
        return text(bytes, of: one) == text(bytes, of: other)
    }

    private func text(_ bytes: Span<UInt8>, of key: JSONDocument.Node) -> [UInt8] {
        JSONScanner.text(
            bytes, from: Int(key.start) + 1, to: Int(key.end) - 1, escaped: key.escaped)
    }
}
