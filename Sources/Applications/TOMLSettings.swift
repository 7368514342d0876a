/// Entries that are tables of their own: `[mcp_servers.name]`. An entry that is written in another way stays as it is.
struct TOMLSettings: SettingsDocument {
    private let text: SettingsText
    private let statements: [TOMLStatement]

    init(_ text: SettingsText) throws(SettingsFault) {
        self.text = text
        statements = try TOMLStatements.read(text)
    }

    // MARK: Looking

    func has(_ path: [String]) throws(SettingsFault) -> Bool {
        statements.contains { $0.path.starts(with: path) }
    }

    func fields(at path: [String]) throws(SettingsFault) -> [String: EntryValue]? {
        guard let head = try head(of: path) else { return nil }
        var fields: [String: EntryValue] = [:]
        for statement in values(behind: head) where statement.path.count == path.count + 1 {
            fields[statement.path[path.count]] = statement.entry
        }
        return fields
    }

    /// Where the table begins.
    private func head(of path: [String]) throws(SettingsFault) -> Int? {
        var head: Int?
        var table: [String] = []
        for (place, statement) in statements.enumerated() {
            let begin = statement.range.lowerBound
            switch statement.kind {
            case .table:
                table = statement.path
                guard table == path else { continue }
                guard head == nil else {
                    throw text.fault(at: begin, "this table stands here a second time")
                }
                head = place
            case .listOfTables:
                table = statement.path
                guard !path.starts(with: table) else {
                    throw text.fault(at: begin, "this should be a table, and not a list of tables")
                }
            case .value:
                let isAbove = path.starts(with: statement.path)
                guard isAbove || (statement.path.starts(with: path) && table != path) else { continue }
                // A table below ours is ours, too.
                guard isAbove || !table.starts(with: path) else { continue }
                throw text.fault(
                    at: begin,
                    "this is understood as a table of its own alone: [\(path.joined(separator: "."))]")
            }
        }
        if head == nil, let below = statements.first(where: { $0.path.starts(with: path) }) {
            throw text.fault(
                at: below.range.lowerBound,
                "the table above this is missing: [\(path.joined(separator: "."))]")
        }
        return head
    }

    private func values(behind head: Int) -> ArraySlice<TOMLStatement> {
        statements[(head + 1)...].prefix { $0.kind == .value }
    }

    // MARK: Changing

    func adding(_ fields: [EntryField], at path: [String]) throws(SettingsFault) -> [TextEdit] {
        guard try head(of: path) == nil else { preconditionFailure("the entry is there") }
        var bytes = text.endsInLine ? text.lineEnd : []
        if text.bytes.count > text.start { bytes += text.lineEnd }
        bytes += Array("[\(path.map(Self.name).joined(separator: "."))]".utf8) + text.lineEnd
        for field in fields { bytes += line(field) }
        return [.inserting(bytes, at: text.bytes.count)]
    }

    private static func name(_ word: String) -> String {
        let isBare = word.utf8.allSatisfy {
            ($0 | 0x20) &- UInt8(ascii: "a") < 26 || $0 &- 0x30 < 10 || $0 == UInt8(ascii: "_")
                || $0 == UInt8(ascii: "-")
        }
        return isBare && !word.isEmpty ? word : String(decoding: EntryValue.text(word).written, as: UTF8.self)
    }

    private func line(_ field: EntryField) -> [UInt8] {
        Array("\(Self.name(field.key)) = ".utf8) + field.value.written + text.lineEnd
    }

    func changing(_ fields: [EntryField], at path: [String]) throws(SettingsFault) -> [TextEdit] {
        guard let head = try head(of: path) else { preconditionFailure("the entry is not there") }
        var edits: [TextEdit] = []
        for field in fields {
            let known = values(behind: head).filter { $0.path == path + [field.key] }
            guard known.count < 2 else {
                throw text.fault(at: known.last!.range.lowerBound, "\(field.key) stands here a second time")
            }
            if let statement = known.first {
                edits.append(TextEdit(range: statement.value, bytes: field.value.written))
            } else {
                let end = text.lineEnd(from: statements[head].range.upperBound)
                let isLast = end == text.bytes.count && text.endsInLine
                edits.append(.inserting((isLast ? text.lineEnd : []) + line(field), at: end))
            }
        }
        return edits
    }

    func removing(_ path: [String]) throws(SettingsFault) -> [TextEdit] {
        var edits: [TextEdit] = []
        var place = 0
        while place < statements.count {
            guard statements[place].kind != .value, statements[place].path.starts(with: path) else {
                place += 1
                continue
            }
            let first = place
            place += 1
            // Comments behind the last line are those of what follows.
            while place < statements.count,
                statements[place].kind == .value || statements[place].path.starts(with: path)
            { place += 1 }
            edits.append(
                removing(statements[first].range.lowerBound..<statements[place - 1].range.upperBound))
        }
        return edits
    }

    /// With the empty line in front, where nothing follows or another one does.
    private func removing(_ range: Range<Int>) -> TextEdit {
        let end = text.lineEnd(from: range.upperBound)
        var begin = text.lineStart(of: range.lowerBound)
        let isFree = end == text.bytes.count || text.isEmpty(end..<text.lineEnd(from: end))
        if isFree, begin > text.start {
            let before = text.lineStart(of: begin - 1)
            if text.isEmpty(before..<begin) { begin = before }
        }
        return .removing(begin..<end)
    }
}
