import Cells
import JSON
import MCP

/// What a search found.
struct ShownFindings {
    private let files: [(path: ShownPath, matches: [FileResult.Findings.Match])]
    private let findings: FileResult.Findings

    init(_ findings: FileResult.Findings, in base: String, isFile: Bool) {
        self.findings = findings
        files = findings.files.map { file in
            (isFile ? ShownPath(base) : ShownPath(file.name, below: base), file.matches)
        }
    }

    private static let context = Schema.array(of: .string())

    static let members: [Schema.Member] = [
        .required(
            "matches",
            .array(
                "Sorted by path and line",
                of: .object(
                    ShownPath.members + [
                        .required("line", .count("The first line is 1")),
                        .required("column", .count("In bytes; the first is 1")),
                        .required("text", .string("The line")),
                        .optional("before", context),
                        .optional("after", context),
                    ]))),
        .required("searched_files", .count()),
        .required("searched_bytes", .count()),
        .required("binary_files", .count("Files that were passed over because they are not text")),
        .required("unreadable", .count("Files and directories that could not be read")),
        .required("is_complete", .boolean("These are all matches")),
        .optional("advice", .string("Why it is cut, and how to get the rest")),
    ]

    var answer: ToolResult {
        .answer(text) { json in
            json.array("matches") { array in
                for file in files {
                    for match in file.matches { array.object { write(match, of: file.path, to: &$0) } }
                }
            }
            json.member("searched_files", findings.searchedFiles)
            json.member("searched_bytes", findings.searchedBytes)
            json.member("binary_files", findings.binaryFiles)
            json.member("unreadable", findings.unreadable)
            json.member("is_complete", findings.cut == nil)
            json.optionalMember("advice", findings.cut?.advice)
        }
    }

    private func write(
        _ match: FileResult.Findings.Match, of path: ShownPath, to json: inout JSONWriter
    ) {
        path.write(to: &json)
        json.member("line", match.line)
        json.member("column", match.column)
        json.member("text", match.text)
        if !match.before.isEmpty {
            json.array("before") { for line in match.before { $0.string(line) } }
        }
        if !match.after.isEmpty { json.array("after") { for line in match.after { $0.string(line) } } }
    }

    // MARK: As grep shows it

    private var text: String {
        var lines: [String] = []
        for file in files {
            lines += shown(file.matches, of: FileListing.oneLine(file.path.text), after: lines)
        }
        let count = files.reduce(0) { $0 + $1.matches.count }
        if count == 0 { lines.append("[no matches in \(findings.searchedFiles) files]") }
        if findings.binaryFiles > 0 {
            lines.append("[\(findings.binaryFiles) binary files were passed over]")
        }
        if findings.unreadable > 0 {
            lines.append("[\(findings.unreadable) files or directories could not be read]")
        }
        if let cut = findings.cut { lines.append("[cut: \(count) matches shown; \(cut.advice)]") }
        return lines.joined(separator: "\n")
    }

    /// A line is shown once, though it be the context of two matches or a match itself.
    private func shown(
        _ matches: [FileResult.Findings.Match], of path: String, after earlier: [String]
    ) -> [String] {
        let hasContext = matches.contains { !$0.before.isEmpty || !$0.after.isEmpty }
        let matched = Set(matches.map(\.line))
        var lines: [String] = []
        var next: UInt64 = 0
        for match in matches {
            let first = match.line - UInt64(min(match.before.count, Int(clamping: match.line)))
            let isApart = next > 0 ? first > next : !earlier.isEmpty
            if hasContext, isApart { lines.append("--") }
            for (number, text) in zip(first..., match.before)
            where number >= next && !matched.contains(number) {
                lines.append("\(path)-\(number)- \(text)")
            }
            lines.append("\(path):\(match.line): \(match.text)")
            next = max(next, match.line + 1)
            for (number, text) in zip((match.line + 1)..., match.after)
            where number >= next && !matched.contains(number) {
                lines.append("\(path)-\(number)- \(text)")
                next = number + 1
            }
        }
        return lines
    }
}
