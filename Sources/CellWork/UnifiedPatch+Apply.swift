// A hunk belongs where its head says, or, because other changes came before, at the nearest place where
// its old lines stand exactly; never before the end of the hunk before, and never by guessing.

import Cells
import Diff

extension UnifiedPatch.File {
    private static let mostOffset = 1000
    /// Lines that are compared to find one hunk.
    private static let mostCompared = 5_000_000

    /// The new content.
    func apply(to old: [UInt8]) throws(CellFailure) -> [UInt8] {
        let lines = TextLines.of(old)
        var result: [UInt8] = []
        var done = 0
        var shift = 0
        for (number, hunk) in hunks.enumerated() {
            let wanted = hunk.old
            // A range without lines is behind the line that it names.
            let stated = hunk.oldCount == 0 ? hunk.oldStart : hunk.oldStart - 1
            guard let place = Self.find(wanted, in: lines, near: stated + shift, from: done) else {
                throw failure(hunk, number, lines, at: stated + shift)
            }
            shift = place - stated
            for line in lines[done..<place] { result += line }
            for line in hunk.new { result += line }
            done = place + wanted.count
        }
        for line in lines[done...] { result += line }
        return result
    }

    private static func find(
        _ wanted: [[UInt8]], in lines: [ArraySlice<UInt8>], near place: Int, from first: Int
    ) -> Int? {
        let last = lines.count - wanted.count
        guard first <= last else { return nil }
        var compared = 0
        func fits(_ place: Int) -> Bool {
            guard place >= first, place <= last else { return false }
            for (index, line) in wanted.enumerated() {
                compared += 1
                if !lines[place + index].elementsEqual(line) { return false }
            }
            return true
        }
        for offset in 0...mostOffset where compared < mostCompared {
            if fits(place - offset) { return place - offset }
            if fits(place + offset) { return place + offset }
        }
        return nil
    }

    private func failure(
        _ hunk: UnifiedPatch.Hunk, _ number: Int, _ lines: [ArraySlice<UInt8>], at place: Int
    ) -> CellFailure {
        var sentence =
            "Hunk \(number + 1) for \(path) fits nowhere within \(Self.mostOffset) lines of where it says."
        let wanted = hunk.old
        if let miss = wanted.indices.first(where: {
            !lines.indices.contains(place + $0) || !lines[place + $0].elementsEqual(wanted[$0])
        }) {
            let found =
                lines.indices.contains(place + miss)
                ? "`\(ShownLine.text(lines[place + miss]))`" : "the end of the file"
            sentence +=
                " Line \(place + miss + 1) is \(found), and the patch expects `\(ShownLine.text(wanted[miss][...]))`."
        }
        return CellFailure(.patchFailed, path: path, sentence + " Nothing was changed.")
    }
}

/// A line of somebody's file in a sentence or a result: lossily, without its newline, and not all of it.
enum ShownLine {
    static let longest = 200

    static func text(_ line: ArraySlice<UInt8>, most: Int = longest) -> String {
        var line = line
        if line.last == ByteSearch.newline { line.removeLast() }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        return String(decoding: line.prefix(most), as: UTF8.self) + (line.count > most ? "…" : "")
    }
}
