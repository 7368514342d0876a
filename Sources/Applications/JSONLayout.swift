// How new members are written, so that they look like those that are there.

import JSON

/// A member's value that we write.
enum JSONPiece {
    struct Member {
        let key: String
        let value: JSONPiece
    }

    case object([Member])
    case value(EntryValue)

    static func entry(_ fields: [EntryField]) -> JSONPiece {
        .object(fields.map { Member(key: $0.key, value: .value($0.value)) })
    }

    /// It, under these names.
    func wrapped(in path: some BidirectionalCollection<String>) -> JSONPiece {
        path.reversed().reduce(self) { .object([Member(key: $1, value: $0)]) }
    }
}

struct JSONLayout {
    let lineEnd: [UInt8]
    /// What one more level is indented by.
    let unit: [UInt8]
    /// All of it on one line, and no blanks behind colons and commas.
    let isDense: Bool

    init(_ text: SettingsText, root: CommentedJSON.Node?) {
        lineEnd = text.lineEnd
        let first = root?.members.first
        isDense =
            first.map {
                text.bytes[$0.keyRange.upperBound..<$0.value.range.lowerBound] == [UInt8(ascii: ":")]
            } ?? false
        if let root, let first, text.isFirstOfLine(first.keyRange.lowerBound) {
            let base = text.indentation(of: root.range.lowerBound)
            let indentation = text.indentation(of: first.keyRange.lowerBound)
            unit =
                indentation.starts(with: base) && indentation.count > base.count
                ? Array(indentation[base.count...]) : Self.usual
        } else {
            unit = Self.usual
        }
    }

    static let usual = Array("  ".utf8)

    private var colon: [UInt8] { Array((isDense ? ":" : ": ").utf8) }
    var comma: [UInt8] { Array((isDense ? "," : ", ").utf8) }

    func member(_ member: JSONPiece.Member, indentation: [UInt8]?) -> [UInt8] {
        JSONWriter.string(member.key) + colon + written(member.value, indentation)
    }

    /// On lines of its own below something that is indented so, or all on one line.
    private func written(_ piece: JSONPiece, _ indentation: [UInt8]?) -> [UInt8] {
        switch piece {
        case .value(let value): return value.written
        case .object(let members):
            let deeper = indentation.map { $0 + unit }
            let texts = members.map { member($0, indentation: deeper) }
            guard let indentation, let deeper else {
                let blank = isDense ? [] : Array(" ".utf8)
                return Array("{".utf8) + blank + texts.joined(separator: comma) + blank + Array("}".utf8)
            }
            let lines = texts.map { deeper + $0 }.joined(separator: Array(",".utf8) + lineEnd)
            return Array("{".utf8) + lineEnd + lines + lineEnd + indentation + Array("}".utf8)
        }
    }

    /// A whole text.
    func document(_ piece: JSONPiece) -> [UInt8] { written(piece, []) + lineEnd }
}
