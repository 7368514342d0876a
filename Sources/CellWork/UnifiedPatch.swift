// A unified diff of one or several files, read strictly: every hunk has exactly the lines that its head
// counts. What stands between files is left alone (git's index lines, mails), but a rename, a copy, a
// change of mode or a binary patch is refused rather than half done.

import Cells
import Diff

struct UnifiedPatch {
    struct Line: Equatable {
        enum Mark: Equatable { case kept, deleted, added }
        let mark: Mark
        /// With its newline, if it has one.
        var bytes: [UInt8]
    }

    struct Hunk {
        /// The first line in the old file; 0 for an empty range at its beginning.
        let oldStart: Int
        let oldCount: Int
        var lines: [Line]

        var old: [[UInt8]] { lines.filter { $0.mark != .added }.map(\.bytes) }
        var new: [[UInt8]] { lines.filter { $0.mark != .deleted }.map(\.bytes) }
    }

    struct File {
        let path: String
        let act: FileResult.Changes.Act
        var hunks: [Hunk]
    }

    private(set) var files: [File] = []

    private let lines: [ArraySlice<UInt8>]
    private var place = 0

    init(_ text: [UInt8]) throws(CellFailure) {
        lines = TextLines.of(text)
        while place < lines.count {
            if starts("--- "), place + 1 < lines.count, lines[place + 1].starts(with: "+++ ".utf8) {
                files.append(try file())
            } else {
                try skipLine()
            }
        }
        guard !files.isEmpty else { throw fault("it names no file (no lines with --- and +++)") }
        guard files.count <= FileLimits.mostPatchedFiles else {
            throw fault("it has more than \(FileLimits.mostPatchedFiles) files")
        }
        guard Set(files.map(\.path)).count == files.count else {
            throw fault("it changes one file in two places; put both into one")
        }
    }

    private func starts(_ prefix: String) -> Bool {
        place < lines.count && lines[place].starts(with: prefix.utf8)
    }

    private func fault(_ problem: String) -> CellFailure {
        CellFailure(
            .patchFailed,
            "The patch cannot be used: at its line \(place + 1), \(problem). Nothing was changed.")
    }

    private mutating func skipLine() throws(CellFailure) {
        let refused = [
            "rename from": "a rename", "rename to": "a rename", "copy from": "a copy", "copy to": "a copy",
            "old mode": "a change of mode", "new mode": "a change of mode",
            "GIT binary patch": "a binary patch", "Binary files": "a binary patch",
        ]
        if let refusal = refused.first(where: { starts($0.key) }) {
            throw fault("it asks for \(refusal.value), which is not done here (move and write do that)")
        }
        if starts("@@ ") { throw fault("a hunk comes before the file that it belongs to") }
        place += 1
    }

    // MARK: One file

    private mutating func file() throws(CellFailure) -> File {
        let old = try name(lines[place].dropFirst(4))
        place += 1
        let new = try name(lines[place].dropFirst(4))
        place += 1
        var hunks: [Hunk] = []
        while starts("@@ ") { hunks.append(try hunk()) }
        switch (old, new) {
        case (nil, nil): throw fault("both names of a file are /dev/null")
        case (nil, let new?):
            return try checked(File(path: PatchName.stripped(new, of: "b/"), act: .created, hunks: hunks))
        case (let old?, nil):
            return try checked(File(path: PatchName.stripped(old, of: "a/"), act: .deleted, hunks: hunks))
        case (let old?, let new?):
            let path = PatchName.stripped(new, of: "b/")
            guard PatchName.stripped(old, of: "a/") == path || old == new else {
                throw fault("the names \(old) and \(new) differ; a rename is not done here (move does that)")
            }
            guard !hunks.isEmpty else { throw fault("a file has no hunk") }
            return try checked(File(path: path, act: .changed, hunks: hunks))
        }
    }

    private func checked(_ file: File) throws(CellFailure) -> File {
        guard !file.path.isEmpty, !file.path.utf8.contains(0) else { throw fault("a file has no name") }
        if file.act == .created, !file.hunks.allSatisfy({ $0.oldCount == 0 }) || file.hunks.count > 1 {
            throw fault("a new file has lines that were there before")
        }
        if file.act == .deleted, !file.hunks.allSatisfy({ $0.new.isEmpty }) {
            throw fault("a file that is deleted keeps lines")
        }
        return file
    }

    private func name(_ field: ArraySlice<UInt8>) throws(CellFailure) -> String? {
        do throws(PatchName.Fault) {
            return try PatchName.read(field)
        } catch {
            switch error {
            case .notUTF8: throw fault("the name of a file is not UTF-8")
            case .brokenQuote: throw fault("a quoted name is broken")
            case .openQuote: throw fault("a quoted name does not end")
            }
        }
    }

    // MARK: One hunk

    private mutating func hunk() throws(CellFailure) -> Hunk {
        let head = try head(lines[place])
        place += 1
        var (old, new) = (0, 0)
        var hunk = Hunk(oldStart: head.oldStart, oldCount: head.oldCount, lines: [])
        while old < head.oldCount || new < head.newCount || starts("\\") {
            guard place < lines.count else { throw fault("it ends inside a hunk") }
            let line = lines[place]
            switch line.first {
            case UInt8(ascii: " "), ByteSearch.newline:
                // Some tools take the blank from a line that is empty otherwise.
                let kept = line.first == ByteSearch.newline ? line : line.dropFirst()
                hunk.lines.append(Line(mark: .kept, bytes: Array(kept)))
                (old, new) = (old + 1, new + 1)
            case UInt8(ascii: "-"):
                hunk.lines.append(Line(mark: .deleted, bytes: Array(line.dropFirst())))
                old += 1
            case UInt8(ascii: "+"):
                hunk.lines.append(Line(mark: .added, bytes: Array(line.dropFirst())))
                new += 1
            case UInt8(ascii: "\\"):
                guard hunk.lines.last?.bytes.last == ByteSearch.newline else {
                    throw fault("a line without newline is marked twice, or there is none")
                }
                hunk.lines[hunk.lines.count - 1].bytes.removeLast()
            default: throw fault("a line of a hunk begins with none of ' ', '-', '+' and '\\'")
            }
            guard old <= head.oldCount, new <= head.newCount else {
                throw fault("a hunk has more lines than its head says")
            }
            place += 1
        }
        // The patch itself may lack the newline behind its last line; the file's line has it.
        if place == lines.count, let last = hunk.lines.last, last.bytes.last != ByteSearch.newline,
            lines.last?.first != UInt8(ascii: "\\")
        {
            hunk.lines[hunk.lines.count - 1].bytes.append(ByteSearch.newline)
        }
        return hunk
    }

    /// `@@ -12,3 +12,4 @@ anything`
    private func head(
        _ line: ArraySlice<UInt8>
    ) throws(CellFailure) -> (oldStart: Int, oldCount: Int, newCount: Int) {
        func range(_ text: Substring, _ sign: Character) throws(CellFailure) -> (start: Int, count: Int) {
            let numbers = text.dropFirst().split(separator: ",", omittingEmptySubsequences: false)
            guard text.first == sign, (1...2).contains(numbers.count), let start = UInt32(numbers[0]),
                let count = numbers.count == 2 ? UInt32(numbers[1]) : 1, start > 0 || count == 0
            else { throw fault("the head of a hunk is broken") }
            return (Int(start), Int(count))
        }
        let words = String(decoding: line, as: UTF8.self).split(separator: " ", maxSplits: 3)
        guard words.count >= 4, words[0] == "@@", words[3].hasPrefix("@@") else {
            throw fault("the head of a hunk is broken")
        }
        let (old, new) = (try range(words[1], "-"), try range(words[2], "+"))
        return (old.start, old.count, new.count)
    }
}
