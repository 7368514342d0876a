// JSON as people write settings: with comments, and with commas behind the last member. It is read for the places of
// things, not for their values.
//
// What applications allow differs, and what one of them refuses is not for us to judge: the text stays what it is.
// Everything that is neither JSON nor one of these two is a fault, because nobody knows how it is meant.

import JSON

struct CommentedJSON {
    struct Node: Sendable {
        enum Kind { case object, array, string, other }

        let kind: Kind
        var range: Range<Int>
        var members: [Member] = []
        var elements: [Node] = []
        /// Of an object: behind the last of its members, commas and comments.
        var tail = 0
    }

    struct Member: Sendable {
        let key: String
        let keyRange: Range<Int>
        let value: Node
        /// The comma behind it.
        let comma: Int?
    }

    static let deepest = 200
    /// Nobody asks for what is deeper, and it is not kept.
    private static let deepestKept = 6

    private let text: SettingsText
    private var place: Int
    /// Behind the last thing that was no blank.
    private var tail: Int

    /// `nil` for a text that has nothing but blanks in it.
    static func read(_ text: SettingsText) throws(SettingsFault) -> Node? {
        var scanner = CommentedJSON(text)
        try scanner.skip()
        if scanner.place == text.bytes.count, scanner.tail == text.start { return nil }
        let root = try scanner.value(depth: 0)
        try scanner.skip()
        guard scanner.place == text.bytes.count else {
            throw text.fault(at: scanner.place, "there is something behind the end")
        }
        return root
    }

    private init(_ text: SettingsText) { (self.text, place, tail) = (text, text.start, text.start) }

    private var byte: UInt8? { place < text.bytes.count ? text.bytes[place] : nil }

    private func fault(_ problem: String) -> SettingsFault { text.fault(at: place, problem) }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard self.byte == byte else { return false }
        place += 1
        tail = place
        return true
    }

    // MARK: Blanks and comments

    private mutating func skip() throws(SettingsFault) {
        while let byte {
            if isBlank(byte) || isBreak(byte) {
                place += 1
            } else if byte == UInt8(ascii: "/") {
                try skipComment()
                tail = place
            } else {
                return
            }
        }
    }

    private mutating func skipComment() throws(SettingsFault) {
        let rest = text.bytes[place...]
        if rest.starts(with: "//".utf8) {
            place = rest.firstIndex(where: isBreak) ?? text.bytes.count
        } else if rest.starts(with: "/*".utf8) {
            var end = place + 2
            while end + 1 < text.bytes.count, !text.bytes[end...].starts(with: "*/".utf8) { end += 1 }
            guard end + 1 < text.bytes.count else { throw fault("this comment has no end") }
            place = end + 2
        } else {
            throw fault("a comment begins with // or /*")
        }
    }

    // MARK: Values

    private mutating func value(depth: Int) throws(SettingsFault) -> Node {
        guard depth < Self.deepest else { throw fault("this is nested too deeply") }
        switch byte {
        case UInt8(ascii: "{"): return try object(depth)
        case UInt8(ascii: "["): return try array(depth)
        case UInt8(ascii: "\""): return Node(kind: .string, range: try string())
        case nil: throw fault("the text ends before its time")
        default: return Node(kind: .other, range: try word())
        }
    }

    private mutating func object(_ depth: Int) throws(SettingsFault) -> Node {
        var node = Node(kind: .object, range: place..<place)
        let begin = place
        _ = take(UInt8(ascii: "{"))
        while true {
            try skip()
            node.tail = tail
            if take(UInt8(ascii: "}")) { break }
            guard byte == UInt8(ascii: "\"") else { throw fault(expected("a name in double quotes, or }")) }
            let key = try string()
            try skip()
            guard take(UInt8(ascii: ":")) else { throw fault(expected("a colon")) }
            try skip()
            let value = try value(depth: depth + 1)
            try skip()
            let comma = byte == UInt8(ascii: ",") ? place : nil
            if depth < Self.deepestKept {
                node.members.append(
                    Member(key: try decoded(key), keyRange: key, value: value, comma: comma))
            }
            guard comma != nil || byte == UInt8(ascii: "}") else { throw fault(expected("a comma or }")) }
            _ = take(UInt8(ascii: ","))
        }
        node.range = begin..<place
        return node
    }

    private mutating func array(_ depth: Int) throws(SettingsFault) -> Node {
        var node = Node(kind: .array, range: place..<place)
        let begin = place
        _ = take(UInt8(ascii: "["))
        while true {
            try skip()
            if take(UInt8(ascii: "]")) { break }
            let element = try value(depth: depth + 1)
            if depth < Self.deepestKept { node.elements.append(element) }
            try skip()
            guard take(UInt8(ascii: ",")) || byte == UInt8(ascii: "]") else {
                throw fault(expected("a comma or ]"))
            }
        }
        node.range = begin..<place
        return node
    }

    private func expected(_ what: String) -> String {
        byte == nil ? "the text ends before its time" : "here should be \(what)"
    }

    private mutating func string() throws(SettingsFault) -> Range<Int> {
        let begin = place
        place = Self.end(of: text.bytes, from: begin + 1)
        guard let byte else { throw text.fault(at: begin, "this text has no end") }
        guard byte >= 0x20 else { throw fault("there is a control character in this text") }
        place += 1
        tail = place
        return begin..<place
    }

    /// Where the quotes end, or what cannot be between them is, or the end of it all.
    private static func end(of bytes: [UInt8], from start: Int) -> Int {
        let bytes = bytes.span
        var place = start
        while place < bytes.count {
            let byte = bytes[place]
            if byte == UInt8(ascii: "\"") || byte < 0x20 { return place }
            place += byte == UInt8(ascii: "\\") ? 2 : 1
        }
        return bytes.count
    }

    private mutating func word() throws(SettingsFault) -> Range<Int> {
        let begin = place
        let known = text.bytes[place...].prefix {
            switch $0 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"),
                UInt8(ascii: "."):
                true
            default: false
            }
        }
        guard (try? JSONDocument(Array(known))) != nil else { throw fault("this is not JSON") }
        place = known.endIndex
        tail = place
        return begin..<place
    }

    // MARK: Texts

    private func decoded(_ range: Range<Int>) throws(SettingsFault) -> String {
        guard let decoded = Self.decode(text.bytes[range]) else {
            throw text.fault(at: range.lowerBound, "this text has an escape that JSON does not know")
        }
        return decoded
    }

    /// What stands in these quotes.
    static func decode(_ quoted: ArraySlice<UInt8>) -> String? {
        guard quoted.contains(UInt8(ascii: "\\")) else {
            return String(decoding: quoted.dropFirst().dropLast(), as: UTF8.self)
        }
        return (try? JSONDocument(Array(quoted)))?.root.string
    }
}
