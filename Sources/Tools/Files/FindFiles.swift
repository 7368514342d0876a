import Cells
import JSON
import MCP

/// `find_files`: what has a name that a glob matches.
struct FindFiles: CellCall {
    private let request: FileRequest.Find

    private static let pattern = Parameter.text(
        "pattern",
        """
        A glob: * and ? stay within a name, ** crosses directories, [a-z] is one of a set, {a,b} either. Without \
        a / it is for the name alone, at any depth (*.swift); with one for the path below `path` (src/**/*.c).
        """,
        shortest: 1, longest: FileLimits.longestGlob, called: "a glob")
    private static let path = Parameter.path("path", "The directory to look in; without it, the workspace.")
    private static let limit = Parameter<Int>.integer(
        "limit", "The most entries to show.", 1...ListDirectory.mostEntries, default: 1000)
    private static let ignore = Parameter.ignored

    static let parameters = [
        pattern.required, path.optional, limit.optional, ignore.optional, Continuation.parameter.optional,
    ]

    init(_ json: JSONValue?) throws(Arguments.Fault) {
        let arguments = try Arguments(json, known: Self.parameters)
        request = FileRequest.Find(
            path: try arguments.optional(Self.path) ?? ".", glob: try arguments.required(Self.pattern),
            limit: UInt32(try arguments.required(Self.limit)),
            ignores: try arguments.optional(Self.ignore) ?? [],
            after: try arguments.optional(Continuation.parameter) ?? [])
    }

    var needs: [Permission] { [.path(.read, request.path)] }

    func run(in context: CallContext) async throws(CellFailure) -> ToolResult {
        guard case .entries(let listing) = try await context.cell.perform(.find(request)) else {
            throw .wrongAnswer
        }
        return FileListing(listing, below: request.path).short
    }

    static func registered() -> RegisteredTool {
        RegisteredTool(tool) { (json) throws(Arguments.Fault) in try FindFiles(json) }
    }

    private static let tool = Tool(
        cell: "find_files",
        title: "Find files by name",
        description: """
            Finds files and directories whose names match a glob, in a whole tree: a path per line, sorted; \
            directories end with a slash. For what is in files, use search_files. A list that is cut ends with \
            a line that names the `after` to continue with.
            """,
        parameters: parameters,
        result: FileListing.members,
        readOnly: true, destructive: false, idempotent: true)
}
