// Looking for a pattern in a file, or in all files below a directory. Binary files (a NUL in the first
// block), what cannot be read, and what is no regular file are passed over and counted.

import Cells
import Linux

final class SearchJob: FileJob {
    private static let bytesPerStep = 1 << 20
    /// Opening a file costs as much as looking through some kilobytes.
    private static let costOfFile = 8 << 10
    private static let costOfName = 100

    private let request: FileRequest.Search
    private let location: Location
    private let glob: Glob?
    private let lines: LineSearch
    /// None when a file was named.
    private var walk: TreeWalk?
    private var current: [UInt8]?
    private var findings = FileResult.Findings()

    init(_ request: FileRequest.Search, at location: Location) throws(CellFailure) {
        (self.request, self.location) = (request, location)
        glob = request.glob.isEmpty ? nil : try Glob(request.glob)
        let pattern = try Pattern(
            request.pattern, isLiteral: request.isLiteral, ignoreCase: request.ignoreCase)
        lines = LineSearch(
            PatternBudget(pattern), contextLines: Int(request.contextLines),
            mostMatches: Int(request.mostMatches), mostBytes: Int(request.mostBytes))
        let file = try location.openAny()
        if file.status.kind == .directory {
            walk = try ListJob.walk(location, try ListJob.rules(request.ignores, []))
        } else {
            try location.requireRegular(file.status)
            begin(file, location.parts.last ?? [])
        }
    }

    func step() throws(CellFailure) -> FileResult? {
        let before = lines.bytesRead
        var cost = 0
        while cost + lines.bytesRead - before < Self.bytesPerStep {
            if current != nil {
                if try searchOn() { return .found(findings) }
            } else if let walk {
                switch try location.failing({ () throws(SystemError) in try walk.next() }) {
                case .end: return finish()
                case .crowded(let last): crowded(last)
                case .pause(let names): cost += names * Self.costOfName
                case .visit(let visit):
                    cost += Self.costOfName
                    if try open(visit, in: walk) { cost += Self.costOfFile }
                }
            } else {
                return finish()
            }
        }
        return nil
    }

    private func begin(_ file: OpenFile, _ path: [UInt8]) {
        current = path
        findings.searchedFiles += 1
        lines.begin(file)
    }

    private func open(_ visit: TreeWalk.Visit, in walk: TreeWalk) throws(CellFailure) -> Bool {
        guard visit.kind == .regular else { return false }
        let path = walk.path(of: visit)
        if let glob, !glob.matches(path: path, name: visit.name.bytes) { return false }
        guard path.count <= FileLimits.longestShownPath else { return false }
        do throws(SystemError) {
            let flags: File.OpenFlags = [.readOnly, .nonBlocking, .noTerminal, .noFollow]
            let file = try OpenFile(walk.directory.fd.open(visit.name, flags))
            // It may be something else by now.
            if file.status.kind == .regular { begin(file, path) }
        } catch {
            findings.unreadable += 1
        }
        return true
    }

    /// True when no more is to be found.
    private func searchOn() throws(CellFailure) -> Bool {
        let progress: LineSearch.Progress
        do throws(SystemError) {
            progress = try lines.step()
        } catch {
            findings.unreadable += 1
            findings.searchedFiles -= 1
            current = nil
            return false
        }
        switch progress {
        case .more: return false
        case .binary:
            findings.binaryFiles += 1
            findings.searchedFiles -= 1
            addMatches()
        case .done, .full: addMatches()
        case .tooCostly: throw tooCostly()
        }
        let path = current ?? []
        current = nil
        guard progress == .full else { return false }
        findings.cut = FileResult.Cut(
            reason: .limit, after: path,
            advice:
                "There are more matches, from \(String(decoding: path, as: UTF8.self)) on. Ask for more of them,"
                + " or search a smaller part, with a glob or in a directory further down.")
        _ = finish()
        return true
    }

    private func addMatches() {
        guard let current, !lines.matches.isEmpty else { return }
        findings.files.append(
            FileResult.Findings.File(name: FileResult.Name(current), matches: lines.matches))
        lines.bytesLeft -= current.count
    }

    /// The search goes on elsewhere.
    private func crowded(_ last: [UInt8]) {
        findings.cut = FileResult.Cut(
            reason: .crowdedDirectory, after: last,
            advice:
                "A directory has very many entries, and those behind \(String(decoding: last, as: UTF8.self)) were"
                + " not searched. Use grep in a shell there.")
    }

    private func finish() -> FileResult {
        findings.searchedBytes = UInt64(lines.bytesRead)
        findings.unreadable += walk?.unreadable ?? 0
        return .found(findings)
    }

    private func tooCostly() -> CellFailure {
        let file = String(decoding: current ?? [], as: UTF8.self)
        return CellFailure(
            .patternTooCostly, path: location.path,
            "The pattern \(request.pattern) takes too long (in \(file)): it can match the same text in very many ways."
                + " Repetitions within repetitions, such as (a+)+, are the usual reason.")
    }
}
