import Audit

/// Rows under a head, each column as wide as its widest cell. Where the terminal is not wide enough, the widest
/// columns are cut until it is.
package struct Table: Sendable {
    package let head: [String]
    private var rows: [[String]] = []
    /// What columns have at least, so that pieces of one table stand below each other.
    private var least: [Int]

    package init(_ head: [String]) {
        self.head = head
        least = head.map(ShownText.width)
    }

    /// The same columns, without rows: for the next piece.
    package var continued: Table {
        var table = self
        table.least = head.indices.map(width)
        table.rows = []
        return table
    }

    package mutating func add(_ row: [String]) {
        precondition(row.count == head.count)
        rows.append(row.map(ShownText.plain))
    }

    package var isEmpty: Bool { rows.isEmpty }

    private static let gap = 2
    /// No column is cut below this for another's sake.
    private static let narrowest = 6

    package func text(columns: Int?, hasHead: Bool = true) -> String {
        let widths = Self.fitted(head.indices.map(width), into: columns)
        let lines = (hasHead ? [head] : []) + rows
        return lines.map { Self.line($0, widths) + "\n" }.joined()
    }

    private func width(of column: Int) -> Int {
        rows.reduce(least[column]) { max($0, ShownText.width($1[column])) }
    }

    private static func fitted(_ widths: [Int], into columns: Int?) -> [Int] {
        guard let columns else { return widths }
        var widths = widths
        var excess = widths.reduce(-gap) { $0 + $1 + gap } - columns
        while excess > 0, let widest = widths.indices.max(by: { widths[$0] < widths[$1] }),
            widths[widest] > narrowest
        {
            widths[widest] -= 1
            excess -= 1
        }
        return widths
    }

    static func line(_ cells: [String], _ widths: [Int]) -> String {
        var text = ""
        for (place, cell) in cells.enumerated() {
            let cut = ShownText.cut(cell, to: widths[place])
            text += cut
            // Nothing behind the last.
            if place + 1 < cells.count {
                text += String(repeating: " ", count: widths[place] - ShownText.width(cut) + gap)
            }
        }
        while text.last == " " { text.removeLast() }
        return text
    }
}
