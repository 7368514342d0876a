// The files that a patch names, for asking whether they may be changed. The cell reads the patch for itself;
// so this must not find fewer than it does. A line of a hunk can look like the head of a file, and is taken for
// one here: what is asked for then is more than what is needed, never less.

import Cells

enum PatchNames {
    static func files(of patch: [UInt8]) throws(Arguments.Fault) -> [String] {
        let lines = patch.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        var files: [String] = []
        for (number, line) in lines.enumerated().dropLast() where line.starts(with: "--- ".utf8) {
            let next = lines[number + 1]
            guard next.starts(with: "+++ ".utf8) else { continue }
            let old = try name(line.dropFirst(4), line: number + 1)
            let new = try name(next.dropFirst(4), line: number + 2)
            let file =
                new.map { PatchName.stripped($0, of: "b/") } ?? old.map { PatchName.stripped($0, of: "a/") }
            if let file, !file.isEmpty { files.append(file) }
        }
        return files
    }

    private static func name(
        _ field: ArraySlice<UInt8>, line: Int
    ) throws(Arguments.Fault) -> String? {
        do throws(PatchName.Fault) {
            return try PatchName.read(field)
        } catch {
            switch error {
            case .notUTF8:
                throw Arguments.Fault("argument \"patch\": the name in its line \(line) is not UTF-8")
            case .brokenQuote, .openQuote:
                throw Arguments.Fault("argument \"patch\": the quoted name in its line \(line) is broken")
            }
        }
    }
}
