import JSON

struct JSONSettings: SettingsDocument {
    private let text: SettingsText
    private let root: CommentedJSON.Node?

    init(_ text: SettingsText) throws(SettingsFault) {
        self.text = text
        root = try CommentedJSON.read(text)
        if let root, root.kind != .object {
            throw text.fault(at: root.range.lowerBound, "this should be an object, { and }")
        }
    }

    // MARK: Looking

    func has(_ path: [String]) throws(SettingsFault) -> Bool { try find(path).rest.isEmpty }

    func fields(at path: [String]) throws(SettingsFault) -> [String: EntryValue]? {
        let found = try find(path)
        guard found.rest.isEmpty, let entry = found.node else { return nil }
        var fields: [String: EntryValue] = [:]
        for member in entry.members { fields[member.key] = value(member.value) }
        return fields
    }

    private func value(_ node: CommentedJSON.Node) -> EntryValue? {
        switch node.kind {
        case .string: return CommentedJSON.decode(text.bytes[node.range]).map(EntryValue.text)
        case .array:
            let texts = node.elements.compactMap {
                $0.kind == .string ? CommentedJSON.decode(text.bytes[$0.range]) : nil
            }
            return texts.count == node.elements.count ? .texts(texts) : nil
        case .object: return node.members.isEmpty ? .nothing : nil
        case .other:
            let word = String(decoding: text.bytes[node.range], as: UTF8.self)
            return word == "true"
                ? .flag(true) : word == "false" ? .flag(false) : Int(word).map(EntryValue.number)
        }
    }

    /// The object that is there of a path, and the names that are not.
    private func find(
        _ path: [String]
    ) throws(SettingsFault) -> (node: CommentedJSON.Node?, rest: ArraySlice<String>) {
        guard var node = root else { return (nil, path[...]) }
        for (depth, key) in path.enumerated() {
            guard let member = try member(key, of: node) else { return (node, path[depth...]) }
            guard member.value.kind == .object else {
                throw text.fault(at: member.value.range.lowerBound, "\(key) should be an object, { and }")
            }
            node = member.value
        }
        return (node, [])
    }

    /// Most readers take the last of several with one name, but not all do; nobody knows which one is meant.
    private func member(
        _ key: String, of node: CommentedJSON.Node
    ) throws(SettingsFault) -> CommentedJSON.Member? {
        let members = node.members.filter { $0.key == key }
        guard members.count < 2 else {
            throw text.fault(at: members[1].keyRange.lowerBound, "\(key) stands here a second time")
        }
        return members.first
    }

    // MARK: Changing

    func adding(_ fields: [EntryField], at path: [String]) throws(SettingsFault) -> [TextEdit] {
        let (node, rest) = try find(path)
        guard let node, let root else {
            let layout = JSONLayout(text, root: nil)
            let whole = layout.document(.entry(fields).wrapped(in: path))
            return [TextEdit(range: text.start..<text.bytes.count, bytes: whole)]
        }
        precondition(!rest.isEmpty, "the entry is there")
        let piece = JSONPiece.entry(fields).wrapped(in: rest.dropFirst())
        let member = JSONPiece.Member(key: rest[rest.startIndex], value: piece)
        return inserting([member], into: node, JSONLayout(text, root: root))
    }

    func changing(_ fields: [EntryField], at path: [String]) throws(SettingsFault) -> [TextEdit] {
        guard let node = try find(path).node, let root else { preconditionFailure("the entry is not there") }
        var edits: [TextEdit] = []
        var missing: [JSONPiece.Member] = []
        for field in fields {
            if let member = try member(field.key, of: node) {
                edits.append(TextEdit(range: member.value.range, bytes: field.value.written))
            } else {
                missing.append(.init(key: field.key, value: .value(field.value)))
            }
        }
        return missing.isEmpty ? edits : edits + inserting(missing, into: node, JSONLayout(text, root: root))
    }

    private func inserting(
        _ members: [JSONPiece.Member], into node: CommentedJSON.Node, _ layout: JSONLayout
    ) -> [TextEdit] {
        let comma = Array(",".utf8)
        func inOneLine() -> [UInt8] {
            Array(
                members.map { layout.member($0, indentation: nil) }.joined(
                    separator: layout.comma))
        }
        func lines(_ indentation: [UInt8]) -> [UInt8] {
            let lines = members.map {
                layout.lineEnd + indentation + layout.member($0, indentation: indentation)
            }
            return Array(lines.joined(separator: comma))
        }
        guard let last = node.members.last else {
            if layout.isDense { return [.inserting(inOneLine(), at: node.tail)] }
            let base = text.indentation(of: node.range.lowerBound)
            return [filling(node, lines(base + layout.unit), layout.lineEnd + base)]
        }
        guard text.isFirstOfLine(last.keyRange.lowerBound) else {
            guard let place = last.comma else {
                return [.inserting(layout.comma + inOneLine(), at: last.value.range.upperBound)]
            }
            return [.inserting(layout.comma.dropFirst() + inOneLine() + comma, at: place + 1)]
        }
        let more = lines(text.indentation(of: last.keyRange.lowerBound))
        // A comment behind the last member stays behind it.
        guard last.comma == nil else { return [.inserting(more + comma, at: node.tail)] }
        return [.inserting(comma, at: last.value.range.upperBound), .inserting(more, at: node.tail)]
    }

    /// Into an object without members, behind the comments that it may have.
    private func filling(_ node: CommentedJSON.Node, _ lines: [UInt8], _ end: [UInt8]) -> TextEdit {
        let inside = node.range.lowerBound + 1..<node.range.upperBound - 1
        guard node.tail > inside.lowerBound else { return TextEdit(range: inside, bytes: lines + end) }
        let behind = node.tail..<inside.upperBound
        guard !text.bytes[behind].contains(UInt8(ascii: "\n")) else {
            return .inserting(lines, at: node.tail)
        }
        return TextEdit(range: behind, bytes: lines + end)
    }

    // MARK: Removing

    func removing(_ path: [String]) throws(SettingsFault) -> [TextEdit] {
        guard let key = path.last, let node = try find(path.dropLast()).node,
            let place = node.members.firstIndex(where: { $0.key == key })
        else { preconditionFailure("the entry is not there") }
        let member = node.members[place]
        let end = member.comma.map { $0 + 1 } ?? member.value.range.upperBound
        if node.members.count == 1, text.isEmpty(node.range.lowerBound + 1..<member.keyRange.lowerBound),
            text.isEmpty(end..<node.range.upperBound - 1)
        {
            return [.removing(node.range.lowerBound + 1..<node.range.upperBound - 1)]
        }
        var edits: [TextEdit] = []
        var begin = member.keyRange.lowerBound
        // The comma of the one before is there for our sake.
        if member.comma == nil, place > 0, let comma = node.members[place - 1].comma {
            if text.isEmpty(comma + 1..<begin) { return [.removing(comma..<end)] }
            edits.append(.removing(comma..<comma + 1))
        }
        guard text.isFirstOfLine(begin) else {
            while begin > node.range.lowerBound + 1, isBlank(text.bytes[begin - 1]) { begin -= 1 }
            return edits + [.removing(begin..<end)]
        }
        if text.isEmpty(end..<text.lineEnd(from: end)) {
            return edits + [.removing(text.lineStart(of: begin)..<text.lineEnd(from: end))]
        }
        let blanks = text.bytes[end...].prefix(while: isBlank)
        return edits + [.removing(begin..<blanks.endIndex)]
    }
}
