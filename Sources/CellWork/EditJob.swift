// Replacing exact pieces of text in a file. All of it is held in memory, and the file is written whole, as
// by WriteJob; somebody else's change in between is noticed and kept.

import Cells
import Diff
import Linux

final class EditJob: FileJob {
    private static let mostPlaces = 1_000_000

    private let request: FileRequest.Edit
    private let location: Location
    private var next = 0
    private var file: EditedFile?
    private var replaced: UInt32 = 0

    init(_ request: FileRequest.Edit, at location: Location) throws(CellFailure) {
        (self.request, self.location) = (request, location)
        if !request.isDryRun { try location.requireWritable() }
        guard !request.replacements.isEmpty, request.replacements.allSatisfy({ !$0.old.isEmpty }) else {
            throw CellFailure(
                .invalid, path: location.path, "An edit needs replacements, and each a text that it replaces."
            )
        }
    }

    /// One replacement, or one of: reading, writing.
    func step() throws(CellFailure) -> FileResult? {
        guard let file else {
            file = try EditedFile(location, isDryRun: request.isDryRun)
            return nil
        }
        if next < request.replacements.count {
            file.new = try replace(request.replacements[next], in: file.new)
            next += 1
            return nil
        }
        if !request.isDryRun {
            try file.prepare()
            try file.commit()
        }
        let diff = UnifiedDiff(path: location.path, old: file.old, new: file.new)
        return .changed(
            FileResult.Changes(
                files: [.init(path: location.path, act: .changed, count: replaced, diff: diff.text)],
                wasDryRun: request.isDryRun))
    }

    private func replace(
        _ replacement: FileRequest.Edit.Replacement, in bytes: [UInt8]
    ) throws(CellFailure) -> [UInt8] {
        let most = replacement.replaceAll ? Self.mostPlaces + 1 : 2
        let places = ByteSearch.places(of: replacement.old, in: bytes, most: most)
        guard places.count <= Self.mostPlaces else {
            throw CellFailure(
                .tooLarge, path: location.path,
                "\(location.path): replacement \(next + 1) fits more than \(Self.mostPlaces) times.")
        }
        guard let first = places.first else { throw noMatch(replacement.old, in: bytes) }
        guard replacement.replaceAll || places.count == 1 else {
            let lines = places.map { String(Self.line(of: $0, in: bytes)) }.joined(separator: " and ")
            throw CellFailure(
                .ambiguous, path: location.path,
                "\(location.path): replacement \(next + 1) fits more than once, for example at lines \(lines)."
                    + " Give more of the text around it, or ask for all to be replaced. Nothing was changed.")
        }
        replaced += UInt32(places.count)
        let size = bytes.count + places.count * (replacement.new.count - replacement.old.count)
        guard size <= FileLimits.mostEdited else { throw EditedFile.tooLarge(location) }
        var result = Array(bytes[..<first])
        result.reserveCapacity(size)
        for (number, place) in places.enumerated() {
            result += replacement.new
            let end = number + 1 < places.count ? places[number + 1] : bytes.count
            result += bytes[(place + replacement.old.count)..<end]
        }
        return result
    }

    private static func line(of place: Int, in bytes: [UInt8]) -> Int {
        bytes[..<place].reduce(1) { $0 + ($1 == ByteSearch.newline ? 1 : 0) }
    }

    private func noMatch(_ old: [UInt8], in bytes: [UInt8]) -> CellFailure {
        var sentence = "\(location.path): the text of replacement \(next + 1) is not in the file."
        if let nearest = NearestLine(to: old, in: bytes) {
            sentence += " Nearest is line \(nearest.number): `\(ShownLine.text(nearest.line))`"
            sentence += nearest.differsInBlanks ? ", which differs only in blanks." : "."
        }
        return CellFailure(.noMatch, path: location.path, sentence + " Nothing was changed.")
    }
}

/// The line that is most like the first one of a text that was not found.
struct NearestLine {
    let number: Int
    let line: ArraySlice<UInt8>
    let differsInBlanks: Bool

    init?(to text: [UInt8], in bytes: [UInt8]) {
        func squeezed(_ line: ArraySlice<UInt8>) -> [UInt8] { line.filter { $0 > 0x20 } }
        guard let wanted = TextLines.of(text).map(squeezed).first(where: { !$0.isEmpty }) else {
            return nil
        }
        var best: (score: Int, number: Int, line: ArraySlice<UInt8>)?
        for (index, line) in TextLines.of(bytes).enumerated() {
            let candidate = squeezed(line.prefix(4096))
            let most = min(candidate.count, wanted.count)
            guard most > 0 else { continue }
            let front = zip(candidate, wanted).prefix { $0 == $1 }.count
            let back = zip(candidate.reversed(), wanted.reversed()).prefix { $0 == $1 }.count
            let common = candidate == wanted ? wanted.count + 1 : min(front + back, most)
            if common > best?.score ?? 0 { best = (common, index + 1, line) }
        }
        guard let best, best.score * 3 >= wanted.count else { return nil }
        (number, line) = (best.number, best.line)
        differsInBlanks = best.score > wanted.count
    }
}
