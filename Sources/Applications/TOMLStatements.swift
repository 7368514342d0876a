// A TOML text as the statements that it is made of: heads of tables, and names with values. Read for the places of
// things, and strictly enough that nothing is taken for a head that stands in a text over several lines.

struct TOMLStatement: Sendable {
    enum Kind { case table, listOfTables, value }

    let kind: Kind
    /// The whole name: of a value, with that of the table in which it stands.
    let path: [String]
    /// Of the name in its brackets, or of name, equals sign and value. Not the comment behind.
    let range: Range<Int>
    /// Of the value.
    var value = 0..<0
    /// What it says, if that is text or a list of texts.
    var entry: EntryValue?
}

struct TOMLStatements {
    private let text: SettingsText
    private var place: Int
    private var table: [String] = []

    static func read(_ text: SettingsText) throws(SettingsFault) -> [TOMLStatement] {
        var scanner = TOMLStatements(text: text, place: text.start)
        var statements: [TOMLStatement] = []
        while true {
            try scanner.skipLines()
            guard scanner.byte != nil else { return statements }
            statements.append(try scanner.statement())
            try scanner.endOfLine()
        }
    }

    private init(text: SettingsText, place: Int) { (self.text, self.place) = (text, place) }

    private var byte: UInt8? { place < text.bytes.count ? text.bytes[place] : nil }

    private func fault(_ problem: String) -> SettingsFault {
        text.fault(at: place, byte == nil ? "the text ends before its time" : problem)
    }

    private mutating func take(_ word: StaticString) -> Bool {
        guard text.bytes[place...].starts(with: word.description.utf8) else { return false }
        place += word.utf8CodeUnitCount
        return true
    }

    // MARK: Blanks

    private mutating func skipBlanks() {
        while let byte, isBlank(byte) { place += 1 }
    }

    private mutating func skipComment() throws(SettingsFault) {
        guard byte == UInt8(ascii: "#") else { return }
        place = text.bytes[place...].firstIndex(of: UInt8(ascii: "\n")) ?? text.bytes.count
        if place < text.bytes.count, text.bytes[place - 1] == UInt8(ascii: "\r") { place -= 1 }
    }

    private mutating func skipBreak() -> Bool { take("\n") || take("\r\n") }

    private mutating func skipLines() throws(SettingsFault) {
        repeat {
            skipBlanks()
            try skipComment()
        } while skipBreak()
    }

    private mutating func endOfLine() throws(SettingsFault) {
        skipBlanks()
        try skipComment()
        guard byte == nil || skipBreak() else { throw fault("here should be the end of the line") }
    }

    // MARK: Statements

    private mutating func statement() throws(SettingsFault) -> TOMLStatement {
        let begin = place
        guard take("[") else {
            let path = table + (try name())
            guard take("=") else { throw fault("here should be =") }
            skipBlanks()
            let start = place
            let entry = try value(depth: 0)
            return TOMLStatement(
                kind: .value, path: path, range: begin..<place, value: start..<place, entry: entry)
        }
        let isList = take("[")
        table = try name()
        guard take("]"), !isList || take("]") else { throw fault("here should be ]") }
        return TOMLStatement(kind: isList ? .listOfTables : .table, path: table, range: begin..<place)
    }

    /// Words with dots between.
    private mutating func name() throws(SettingsFault) -> [String] {
        var path: [String] = []
        repeat {
            skipBlanks()
            path.append(try word())
            skipBlanks()
        } while take(".")
        return path
    }

    private mutating func word() throws(SettingsFault) -> String {
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
            guard case .text(let word)? = try quoted() else { throw fault("this name is not understood") }
            return word
        }
        let word = text.bytes[place...].prefix(while: Self.isBare)
        guard !word.isEmpty else { throw fault("here should be a name") }
        place = word.endIndex
        return String(decoding: word, as: UTF8.self)
    }

    private static func isBare(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    // MARK: Values

    private mutating func value(depth: Int) throws(SettingsFault) -> EntryValue? {
        guard depth < CommentedJSON.deepest else { throw fault("this is nested too deeply") }
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return try quoted()
        case UInt8(ascii: "["): return try list(depth)
        case UInt8(ascii: "{"): return try inlineTable(depth)
        default:
            // A number, a date, true, inf: their letters are enough to know where they end.
            let word = text.bytes[place...].prefix {
                Self.isBare($0) || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: ".")
                    || $0 == UInt8(ascii: ":")
            }
            guard !word.isEmpty else { throw fault("here should be a value") }
            place = word.endIndex
            // A date and a time may have a blank between.
            let time = text.bytes[place...].prefix(3)
            if word.count == 10, word.dropFirst(4).first == UInt8(ascii: "-"),
                time.first == UInt8(ascii: " "),
                time.count == 3, time.dropFirst().allSatisfy({ $0 &- 0x30 < 10 })
            {
                place += 1
                place =
                    text.bytes[place...].prefix {
                        Self.isBare($0)
                            || [UInt8(ascii: ":"), UInt8(ascii: "."), UInt8(ascii: "+")].contains($0)
                    }.endIndex
            }
            return nil
        }
    }

    private mutating func list(_ depth: Int) throws(SettingsFault) -> EntryValue? {
        _ = take("[")
        var texts: [String]? = []
        while true {
            try skipLines()
            if take("]") { return texts.map(EntryValue.texts) }
            if case .text(let text)? = try value(depth: depth + 1) {
                texts?.append(text)
            } else {
                texts = nil
            }
            try skipLines()
            guard take(",") || byte == UInt8(ascii: "]") else { throw fault("here should be a comma or ]") }
        }
    }

    private mutating func inlineTable(_ depth: Int) throws(SettingsFault) -> EntryValue? {
        _ = take("{")
        while true {
            try skipLines()
            if take("}") { return nil }
            _ = try name()
            guard take("=") else { throw fault("here should be =") }
            skipBlanks()
            _ = try value(depth: depth + 1)
            try skipLines()
            guard take(",") || byte == UInt8(ascii: "}") else { throw fault("here should be a comma or }") }
        }
    }

    /// What is between the quotes; `nil` for what only stands in texts over several lines.
    private mutating func quoted() throws(SettingsFault) -> EntryValue? {
        let begin = place
        let quote: StaticString = byte == UInt8(ascii: "'") ? "'" : "\""
        let three: StaticString = byte == UInt8(ascii: "'") ? "'''" : "\"\"\""
        let isLong = take(three)
        if !isLong { _ = take(quote) }
        let start = place
        while let byte {
            if take(isLong ? three : quote) {
                // Up to two more belong to the text.
                if isLong { for _ in 0..<2 { _ = take(quote) } }
                guard !isLong else { return nil }
                let inside = text.bytes[start..<place - 1]
                if quote.description == "'" { return .text(String(decoding: inside, as: UTF8.self)) }
                return CommentedJSON.decode(text.bytes[begin..<place]).map(EntryValue.text)
            }
            if byte == UInt8(ascii: "\\"), quote.description == "\"" { place += 1 }
            guard isLong || !isBreak(byte) else { break }
            place = min(place + 1, text.bytes.count)
        }
        throw text.fault(at: begin, "this text has no end")
    }
}
