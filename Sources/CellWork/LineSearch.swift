// One file is searched: the lines in it that a pattern is in.
//
// The file is read into one buffer, which all files share, and matched there as a whole: lines are only
// looked for around a match. A part of the buffer is searched when the lines that belong to its last match
// are there as well; what is behind it moves to the front, with the lines that belong before the next match.
//
//   | kept for context | searched next                    | lines after it | half a line |   free   |
//   0                  begin                              end                           filled
//
// A match is of one line. Where PCRE2 finds one that goes on over the end of its line, that line is tried
// alone. A line that is longer than the buffer is searched in pieces.

import Cells
import Linux

/// Safe: the buffer is its own, and nothing is read of it behind `filled`.
@safe final class LineSearch {
    static let bufferSize = 512 << 10
    private static let firstBlock = 32 << 10
    private static let longestLine = 1000
    /// Context takes no more of the buffer.
    private static let mostContextBytes = 64 << 10

    enum Progress { case more, done, binary, tooCostly, full }

    let pattern: PatternBudget
    /// Room for matches, in number and in bytes.
    var matchesLeft: Int
    var bytesLeft: Int
    private(set) var bytesRead = 0

    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferSize, alignment: 64)
    private let contextLines: Int

    private(set) var matches: [FileResult.Findings.Match] = []
    private var file: OpenFile?
    private var begin = 0
    private var filled = 0
    private var isAtEnd = false
    /// What the step before has not seen begins here.
    private var unread = 0
    private var offset: UInt64 = 0
    /// The number of the line at `counted`, which is the beginning of one.
    private var line: UInt64 = 1
    private var counted = 0

    init(_ pattern: PatternBudget, contextLines: Int, mostMatches: Int, mostBytes: Int) {
        self.pattern = pattern
        self.contextLines = contextLines
        (matchesLeft, bytesLeft) = (mostMatches, mostBytes)
    }

    deinit { unsafe buffer.deallocate() }

    func begin(_ file: OpenFile) {
        self.file = file
        (begin, filled, unread, isAtEnd) = (0, 0, 0, false)
        (offset, line, counted) = (0, 1, 0)
        matches = []
    }

    /// At most one buffer.
    func step() throws(SystemError) -> Progress {
        guard let file else { return .done }
        try fill(from: file)
        // Text that turns into something else ends there: the holes of a sparse file are not searched.
        let fresh = unsafe bytes(unread..<min(filled, unread + Self.firstBlock))
        if unsafe Bytes.contains(0, fresh) { return self.end(.binary) }
        unread = filled
        let end = searchableEnd()
        let progress = search(begin..<end)
        if progress != .more { return self.end(progress) }
        if isAtEnd { return self.end(.done) }
        keep(from: end)
        return .more
    }

    private func end(_ progress: Progress) -> Progress {
        file = nil
        return progress
    }

    private func bytes(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(rebasing: buffer[range])
    }

    // MARK: The buffer

    private func fill(from file: OpenFile) throws(SystemError) {
        while filled < Self.bufferSize {
            let room = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
            // A file that ends where it said needs no second read to see its end, unless it grows: then what
            // came behind was not there when it was opened.
            let count = try unsafe file.fd.read(into: room, at: offset) ?? 0
            filled += count
            offset += UInt64(count)
            bytesRead += count
            isAtEnd = count == 0 || (offset >= file.status.size && file.status.size > 0)
            if isAtEnd { return }
        }
    }

    /// Behind the last whole line that has its context behind it.
    private func searchableEnd() -> Int {
        if isAtEnd { return filled }
        guard var end = unsafe Bytes.lastNewline(bytes(begin..<filled)).map({ begin + $0 + 1 }) else {
            return filled
        }
        let whole = end
        for _ in 0..<contextLines {
            guard let before = unsafe Bytes.lastNewline(bytes(begin..<(end - 1))).map({ begin + $0 + 1 }),
                whole - before < Self.mostContextBytes
            else { break }
            end = before
        }
        return end
    }

    /// What is behind `end`, and the lines before it that are context, move to the front.
    private func keep(from end: Int) {
        var start = end
        for _ in 0..<contextLines where start > 0 {
            let before = unsafe Bytes.lastNewline(bytes(0..<(start - 1))).map { $0 + 1 } ?? 0
            if end - before > Self.mostContextBytes { break }
            start = before
        }
        count(to: end)
        unsafe buffer.copyMemory(from: bytes(start..<filled))
        (begin, filled, counted) = (end - start, filled - start, end - start)
        unread = filled
    }

    private func count(to place: Int) {
        line += UInt64(unsafe Bytes.newlines(bytes(counted..<place)))
        counted = place
    }

    // MARK: Matching

    private func search(_ range: Range<Int>) -> Progress {
        var place = range.lowerBound
        while place < range.upperBound {
            let region = place..<regionEnd(place, range.upperBound)
            switch unsafe pattern.first(in: bytes(region)) {
            case .tooCostly:
                count(to: lineStart(place))
                return .tooCostly
            case .none: place = region.upperBound
            case .match(let found):
                let match = (found.lowerBound + place)..<(found.upperBound + place)
                // An empty match behind the last newline is in no line.
                if match.lowerBound >= region.upperBound,
                    unsafe buffer[region.upperBound - 1] == ByteSearch.newline
                {
                    place = region.upperBound
                    continue
                }
                let lineRange = lineStart(match.lowerBound)..<lineEnd(match.lowerBound)
                place = lineRange.upperBound
                switch confined(match, to: lineRange) {
                case .tooCostly: return .tooCostly
                case .none: continue
                case .match(let match):
                    if !add(match, lineRange) { return .full }
                }
            }
        }
        return .more
    }

    /// Whole lines, about as many bytes as the pattern is quick enough for.
    private func regionEnd(_ place: Int, _ end: Int) -> Int {
        let wanted = place + pattern.region
        return wanted >= end ? end : min(lineEnd(wanted), end)
    }

    private func confined(_ match: Range<Int>, to line: Range<Int>) -> Pattern.Outcome {
        let hasNewline = unsafe buffer[line.upperBound - 1] == ByteSearch.newline
        let content = line.lowerBound..<(line.upperBound - (hasNewline ? 1 : 0))
        if match.upperBound <= content.upperBound { return .match(match) }
        guard case .match(let found) = unsafe pattern.first(in: bytes(content)) else { return .none }
        return .match((found.lowerBound + line.lowerBound)..<(found.upperBound + line.lowerBound))
    }

    private func lineStart(_ place: Int) -> Int {
        unsafe Bytes.lastNewline(bytes(0..<place)).map { $0 + 1 } ?? 0
    }

    /// Behind the newline, or behind all.
    private func lineEnd(_ place: Int) -> Int {
        unsafe Bytes.firstNewline(bytes(place..<filled)).map { place + $0 + 1 } ?? filled
    }

    /// False when there is no room for it.
    private func add(_ match: Range<Int>, _ range: Range<Int>) -> Bool {
        count(to: range.lowerBound)
        var before: [String] = []
        var start = range.lowerBound
        while before.count < contextLines, start > 0 {
            let previous = lineStart(start - 1)
            before.insert(shown(previous..<start), at: 0)
            start = previous
        }
        var after: [String] = []
        var end = range.upperBound
        while after.count < contextLines, end < filled {
            let next = lineEnd(end)
            after.append(shown(end..<next))
            end = next
        }
        let text = shown(range)
        let cost = (before + after).reduce(text.utf8.count) { $0 + $1.utf8.count }
        guard matchesLeft > 0, bytesLeft >= cost else { return false }
        matchesLeft -= 1
        bytesLeft -= cost
        matches.append(
            FileResult.Findings.Match(
                line: line, column: UInt32(match.lowerBound - range.lowerBound + 1), text: text,
                before: before, after: after))
        return true
    }

    private func shown(_ range: Range<Int>) -> String {
        let line = unsafe Array(
            bytes(range.lowerBound..<min(range.upperBound, range.lowerBound + Self.longestLine + 2)))
        return ShownLine.text(line[...], most: Self.longestLine)
    }
}
