/// Bytes that take the place of others. Those of a text do not overlap.
struct TextEdit: Equatable, Sendable {
    let range: Range<Int>
    let bytes: [UInt8]

    static func inserting(_ bytes: [UInt8], at offset: Int) -> TextEdit {
        TextEdit(range: offset..<offset, bytes: bytes)
    }

    static func removing(_ range: Range<Int>) -> TextEdit { TextEdit(range: range, bytes: []) }
}

extension [UInt8] {
    /// What is inserted at one place comes in the order in which it was said.
    func applying(_ edits: [TextEdit]) -> [UInt8] {
        let ordered = edits.enumerated().sorted {
            ($0.element.range.lowerBound, $0.offset) < ($1.element.range.lowerBound, $1.offset)
        }
        var result: [UInt8] = []
        var place = 0
        for (_, edit) in ordered {
            precondition(edit.range.lowerBound >= place, "edits overlap")
            result += self[place..<edit.range.lowerBound]
            result += edit.bytes
            place = edit.range.upperBound
        }
        return result + self[place...]
    }
}
