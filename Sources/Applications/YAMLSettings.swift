/// Entries of a mapping that is written line by line. What stands in brackets, or is shared by an anchor, is not ours
/// to take apart.
struct YAMLSettings: SettingsDocument {
    private let text: SettingsText
    private let root: YAMLTree.Node?

    init(_ text: SettingsText) throws(SettingsFault) {
        self.text = text
        root = try YAMLTree(text).root
        if let root, !root.isMissing {
            guard root.members != nil, !root.isFlow else {
                throw text.fault(at: root.range.lowerBound, "this should be a mapping, line by line")
            }
        }
    }

    // MARK: Looking

    func has(_ path: [String]) throws(SettingsFault) -> Bool { try find(path) != nil }

    func fields(at path: [String]) throws(SettingsFault) -> [String: EntryValue]? {
        guard let entry = try find(path)?.value else { return nil }
        guard let members = entry.members else {
            throw text.fault(at: entry.range.lowerBound, "\(path.last ?? "") should be a mapping")
        }
        var fields: [String: EntryValue] = [:]
        for member in members {
            guard let key = member.key.word, fields[key] == nil else { continue }
            switch member.value.kind {
            case .text(let word): fields[key] = .text(word)
            case .list(let elements):
                let words = elements.compactMap(\.word)
                if words.count == elements.count { fields[key] = .texts(words) }
            default: continue
            }
        }
        return fields
    }

    private func find(_ path: [String]) throws(SettingsFault) -> YAMLTree.Member? {
        guard var node = root, var key = path.first else { return nil }
        var found: YAMLTree.Member?
        for (depth, name) in path.enumerated() {
            if depth > 0 {
                if node.isMissing { return nil }
                guard node.members != nil else {
                    throw text.fault(at: node.range.lowerBound, "\(key) should be a mapping")
                }
            }
            guard let member = try member(name, of: node) else { return nil }
            (found, node, key) = (member, member.value, name)
        }
        return found
    }

    private func member(_ key: String, of node: YAMLTree.Node) throws(SettingsFault) -> YAMLTree.Member? {
        let members = (node.members ?? []).filter { $0.key.word == key }
        guard members.count < 2 else {
            throw text.fault(at: members[1].key.range.lowerBound, "\(key) stands here a second time")
        }
        return members.first
    }

    /// Everything on the way is written line by line, and stands for itself.
    private func check(_ node: YAMLTree.Node, _ name: String) throws(SettingsFault) {
        guard !node.isFlow, !node.isShared else {
            throw text.fault(
                at: node.range.lowerBound,
                "\(name) is written in brackets or with an anchor, and is understood line by line alone")
        }
        for member in node.members ?? [] {
            let begin = member.key.range.lowerBound
            let isPlain = text.bytes[text.lineStart(of: begin)..<begin].allSatisfy { $0 == UInt8(ascii: " ") }
            let colon = text.bytes[member.key.range.upperBound...].first { !isBlank($0) }
            guard isPlain, colon == UInt8(ascii: ":") else {
                throw text.fault(at: begin, "this is not understood: one name, a colon and a value a line")
            }
        }
    }

    // MARK: Changing

    func adding(_ fields: [EntryField], at path: [String]) throws(SettingsFault) -> [TextEdit] {
        precondition(path.count == 2)
        guard let root, !root.isMissing else {
            let front = text.endsInLine ? text.lineEnd : []
            return [.inserting(front + lines(path, fields, []), at: text.bytes.count)]
        }
        let base = text.indentation(of: root.range.lowerBound)
        try check(root, "this")
        guard let parent = try find([path[0]]) else {
            // A line that has no end may be the last one of a text to which an end would belong.
            let first = text.lineStart(of: root.range.lowerBound)
            return [.inserting(lines(path, fields, base), at: text.endsInLine ? first : text.bytes.count)]
        }
        let node = parent.value
        guard node.isMissing || (node.members?.isEmpty == true && !node.isShared) else {
            try check(node, path[0])
            guard let first = node.members?.first?.key.range.lowerBound else {
                throw text.fault(at: node.range.lowerBound, "\(path[0]) should be a mapping")
            }
            let entry = lines([path[1]], fields, text.indentation(of: first))
            return [.inserting(entry, at: text.lineEnd(from: parent.key.range.upperBound))]
        }
        // Nothing, or {}
        let value = colon(behind: parent.key)..<max(colon(behind: parent.key), node.range.upperBound)
        let end = text.lineEnd(from: value.upperBound)
        let front = end == text.bytes.count && text.endsInLine ? text.lineEnd : []
        return [.removing(value), .inserting(front + lines([path[1]], fields, base + Self.unit), at: end)]
    }

    /// Behind the colon of a member.
    private func colon(behind key: YAMLTree.Node) -> Int {
        let end = key.range.upperBound
        return text.bytes[end...].firstIndex(of: UInt8(ascii: ":")).map { $0 + 1 } ?? end
    }

    private static let unit = Array("  ".utf8)

    private func lines(_ path: [String], _ fields: [EntryField], _ indentation: [UInt8]) -> [UInt8] {
        var (bytes, depth): ([UInt8], [UInt8]) = ([], indentation)
        for name in path {
            bytes += depth + Self.name(name) + Array(":".utf8) + text.lineEnd
            depth += Self.unit
        }
        for field in fields { bytes += depth + Self.name(field.key) + Self.value(field) + text.lineEnd }
        return bytes
    }

    /// Words that YAML could take for something else are quoted.
    private static func name(_ word: String) -> [UInt8] {
        let isPlain = word.utf8.allSatisfy {
            ($0 | 0x20) &- UInt8(ascii: "a") < 26 || $0 &- 0x30 < 10 || $0 == UInt8(ascii: "_")
                || $0 == UInt8(ascii: "-")
        }
        let isWord = word.utf8.first.map { ($0 | 0x20) &- UInt8(ascii: "a") < 26 } ?? false
        let isTaken = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"].contains(
            word.lowercased())
        return isPlain && isWord && !isTaken ? Array(word.utf8) : EntryValue.text(word).written
    }

    private static func value(_ field: EntryField) -> [UInt8] { Array(": ".utf8) + field.value.written }

    func changing(_ fields: [EntryField], at path: [String]) throws(SettingsFault) -> [TextEdit] {
        guard let entry = try find(path) else { preconditionFailure("the entry is not there") }
        try check(entry.value, path[1])
        var edits: [TextEdit] = []
        for field in fields {
            if let member = try member(field.key, of: entry.value) {
                guard !member.value.isShared else {
                    throw text.fault(at: member.value.range.lowerBound, "\(field.key) is shared by an anchor")
                }
                let begin = member.key.range.upperBound
                // An empty value has no place of its own.
                let end = max(colon(behind: member.key), member.value.range.upperBound)
                let isBlock = text.bytes[end - 1] == UInt8(ascii: "\n")
                edits.append(
                    TextEdit(range: begin..<end, bytes: Self.value(field) + (isBlock ? text.lineEnd : [])))
            } else {
                let end = text.lineEnd(from: entry.key.range.upperBound)
                guard let first = entry.value.members?.first?.key.range.lowerBound else {
                    throw text.fault(at: entry.key.range.lowerBound, "\(path[1]) is empty")
                }
                let indentation = text.indentation(of: first)
                edits.append(
                    .inserting(
                        indentation + Self.name(field.key) + Self.value(field) + text.lineEnd, at: end))
            }
        }
        return edits
    }

    // MARK: Removing

    func removing(_ path: [String]) throws(SettingsFault) -> [TextEdit] {
        guard let parent = try find([path[0]]), let entry = try find(path) else {
            preconditionFailure("the entry is not there")
        }
        try check(parent.value, path[0])
        let last = max(entry.value.range.upperBound, entry.key.range.upperBound)
        let isAtStart = last > 0 && text.bytes[last - 1] == UInt8(ascii: "\n")
        let end = isAtStart ? last : text.lineEnd(from: last)
        let removal = TextEdit.removing(text.lineStart(of: entry.key.range.lowerBound)..<end)
        guard parent.value.members?.count == 1 else { return [removal] }
        // Nothing at all would be something else than an empty mapping.
        return [.inserting(Array(" {}".utf8), at: colon(behind: parent.key)), removal]
    }
}
