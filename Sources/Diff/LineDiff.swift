// Which lines of one text became which of another: E. W. Myers, "An O(ND) difference algorithm", the greedy
// one with a trace of its frontiers. Its cost grows with the square of the number of differences; where
// there are more than `mostDifferences`, the middle is said to be replaced as a whole, which is as right,
// and only longer to read.

package struct LineDiff {
    /// Lines of the old text that became lines of the new one; one of both may be empty.
    package struct Change: Equatable {
        package var old: Range<Int>
        package var new: Range<Int>

        package init(old: Range<Int>, new: Range<Int>) { (self.old, self.new) = (old, new) }
    }

    static let mostDifferences = 1500

    /// In order, and never touching each other.
    package private(set) var changes: [Change] = []

    package init(_ old: [ArraySlice<UInt8>], _ new: [ArraySlice<UInt8>]) {
        let (old, new) = Self.numbered(old, new)
        var start = 0
        while start < min(old.count, new.count), old[start] == new[start] { start += 1 }
        var end = 0
        while end < min(old.count, new.count) - start, old[old.count - 1 - end] == new[new.count - 1 - end] {
            end += 1
        }
        let oldMiddle = Array(old[start..<(old.count - end)])
        let newMiddle = Array(new[start..<(new.count - end)])
        for step in Self.steps(oldMiddle, newMiddle) {
            add(
                Change(
                    old: (step.old.lowerBound + start)..<(step.old.upperBound + start),
                    new: (step.new.lowerBound + start)..<(step.new.upperBound + start)))
        }
    }

    private mutating func add(_ change: Change) {
        if let last = changes.last, last.old.upperBound == change.old.lowerBound,
            last.new.upperBound == change.new.lowerBound
        {
            changes[changes.count - 1] = Change(
                old: last.old.lowerBound..<change.old.upperBound,
                new: last.new.lowerBound..<change.new.upperBound)
        } else {
            changes.append(change)
        }
    }

    /// Equal lines get equal numbers, which are quicker to compare.
    private static func numbered(
        _ old: [ArraySlice<UInt8>], _ new: [ArraySlice<UInt8>]
    ) -> ([Int32], [Int32]) {
        var numbers: [ArraySlice<UInt8>: Int32] = [:]
        func number(_ line: ArraySlice<UInt8>) -> Int32 {
            if let known = numbers[line] { return known }
            let next = Int32(numbers.count)
            numbers[line] = next
            return next
        }
        return (old.map(number), new.map(number))
    }

    /// One deleted or inserted line each, in order.
    private static func steps(_ old: [Int32], _ new: [Int32]) -> [Change] {
        if old.isEmpty && new.isEmpty { return [] }
        let whole = [Change(old: 0..<old.count, new: 0..<new.count)]
        if old.isEmpty || new.isEmpty { return whole }
        // frontiers[d][k + d]: how far in `old` a path with d differences comes on diagonal k.
        var frontiers: [[Int32]] = []
        for differences in 0...min(mostDifferences, old.count + new.count) {
            var frontier = [Int32](repeating: 0, count: 2 * differences + 1)
            for diagonal in stride(from: -differences, through: differences, by: 2) {
                var x = frontiers.last.map { start($0, differences, diagonal).x } ?? 0
                var y = x - diagonal
                while x < old.count, y < new.count, x >= 0, y >= 0, old[x] == new[y] {
                    x += 1
                    y += 1
                }
                frontier[diagonal + differences] = Int32(x)
                if x >= old.count, y >= new.count {
                    frontiers.append(frontier)
                    return trace(frontiers, old.count, new.count)
                }
            }
            frontiers.append(frontier)
        }
        return whole
    }

    /// Where diagonal k begins with one difference more, and whether by inserting.
    private static func start(
        _ frontier: [Int32], _ differences: Int, _ diagonal: Int
    ) -> (x: Int, isInsertion: Bool) {
        func reached(_ diagonal: Int) -> Int {
            let place = diagonal + differences - 1
            return frontier.indices.contains(place) ? Int(frontier[place]) : -1
        }
        let (below, above) = (reached(diagonal - 1), reached(diagonal + 1))
        if diagonal == -differences || (diagonal != differences && below < above) {
            return (above, true)
        }
        return (below + 1, false)
    }

    private static func trace(_ frontiers: [[Int32]], _ oldCount: Int, _ newCount: Int) -> [Change] {
        var steps: [Change] = []
        var (x, y) = (oldCount, newCount)
        for differences in stride(from: frontiers.count - 1, to: 0, by: -1) {
            let begin = start(frontiers[differences - 1], differences, x - y)
            let (startX, startY) = (begin.x, begin.x - (x - y))
            if begin.isInsertion {
                steps.append(Change(old: startX..<startX, new: (startY - 1)..<startY))
                (x, y) = (startX, startY - 1)
            } else {
                steps.append(Change(old: (startX - 1)..<startX, new: startY..<startY))
                (x, y) = (startX - 1, startY)
            }
        }
        return steps.reversed()
    }
}
