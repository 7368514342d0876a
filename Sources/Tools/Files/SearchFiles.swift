import Cells
import JSON
import MCP

/// `search_files`: the lines of files that a pattern matches.
struct SearchFiles: CellCall {
    private let request: FileRequest.Search

    private static let pattern = Parameter.text(
        "pattern",
        "A regular expression (PCRE2), matched line by line; or the text itself, if literal.", shortest: 1,
        longest: FileLimits.longestPattern, allowsNUL: true, called: "a pattern")
    private static let path = Parameter.path(
        "path", "The directory to search with all that is below it, or one file; without it, the workspace.")
    private static let literal = Parameter.flag("literal", "The pattern is the text to look for.")
    private static let ignoreCase = Parameter.flag("ignore_case", "Capital and small letters are the same.")
    private static let glob = Parameter.text(
        "glob",
        "Only files that this matches: by name (*.swift), or by path below `path` if it has a / (src/**/*.c).",
        shortest: 1, longest: FileLimits.longestGlob, called: "a glob")
    private static let ignore = Parameter.ignored
    private static let contextLines = Parameter<Int>.integer(
        "context_lines", "How many lines to show before and behind each match.", 0...FileLimits.mostContext,
        default: 0)
    private static let limit = Parameter<Int>.integer(
        "limit", "The most matches to show.", 1...FileLimits.mostMatches, default: 200)

    static let parameters = [
        pattern.required, path.optional, literal.optional, ignoreCase.optional, glob.optional,
        ignore.optional, contextLines.optional, limit.optional,
    ]

    /// What matches and their context may take in an answer.
    private static let mostBytes = UInt32(256 << 10)

    init(_ json: JSONValue?) throws(Arguments.Fault) {
        let arguments = try Arguments(json, known: Self.parameters)
        var request = FileRequest.Search(
            path: try arguments.optional(Self.path) ?? ".", pattern: try arguments.required(Self.pattern))
        request.isLiteral = try arguments.required(Self.literal)
        request.ignoreCase = try arguments.required(Self.ignoreCase)
        request.glob = try arguments.optional(Self.glob) ?? ""
        request.ignores = try arguments.optional(Self.ignore) ?? []
        request.contextLines = UInt32(try arguments.required(Self.contextLines))
        request.mostMatches = UInt32(try arguments.required(Self.limit))
        request.mostBytes = Self.mostBytes
        self.request = request
    }

    var needs: [Permission] { [.path(.read, request.path)] }

    func run(in context: CallContext) async throws(CellFailure) -> ToolResult {
        guard case .found(let findings) = try await context.cell.perform(.search(request)) else {
            throw .wrongAnswer
        }
        let isFile = await namesFile(findings, in: context)
        return ShownFindings(findings, in: request.path, isFile: isFile).answer
    }

    /// Matches are named by their path below the directory, or by the last name of the file that was asked for.
    /// Where that can be either, the cell is asked.
    private func namesFile(_ findings: FileResult.Findings, in context: CallContext) async -> Bool {
        let last = request.path.utf8.split(separator: UInt8(ascii: "/")).last
        guard findings.files.count == 1, let last, last.elementsEqual(findings.files[0].name.text.utf8) else {
            return false
        }
        let inner = ShownPath(findings.files[0].name, below: request.path).text
        return (try? await context.cell.perform(.info(path: inner))) == nil
    }

    static func registered() -> RegisteredTool {
        RegisteredTool(tool) { (json) throws(Arguments.Fault) in try SearchFiles(json) }
    }

    private static let tool = Tool(
        cell: "search_files",
        title: "Search in files",
        description: """
            Searches a file, or all files of a tree, for a regular expression or a text. Answers as grep does: \
            path:line: text, and path-line- text for the lines around it. Binary files are passed over, long \
            lines shortened. A search that is cut ends with a line that says so: raise the limit, or narrow it \
            with path, glob or ignore.
            """,
        parameters: parameters,
        result: ShownFindings.members,
        readOnly: true, destructive: false, idempotent: true)
}
