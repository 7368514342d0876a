import Cells
import JSON
import MCP

/// `list_directory`: what is in a directory, or in the whole tree below it.
struct ListDirectory: CellCall {
    private let request: FileRequest.List

    static let mostEntries = 10_000
    private static let deepest = 1_000_000

    private static let path = Parameter.path("path", "The directory; without it, the workspace.")
    private static let depth = Parameter<Int>.integer(
        "depth", "How many levels to show: 1 is the directory alone. Without it, 1, or all if recursive.",
        1...deepest)
    private static let recursive = Parameter.flag("recursive", "Show the whole tree, down to depth.")
    private static let limit = Parameter<Int>.integer(
        "limit", "The most entries to show.", 1...mostEntries, default: 1000)
    private static let ignore = Parameter.ignored
    private static let hidden = Parameter.flag(
        "hidden", "Show names that begin with a dot as well.", default: true)

    static let parameters = [
        path.optional, depth.optional, recursive.optional, limit.optional, ignore.optional, hidden.optional,
        Continuation.parameter.optional,
    ]

    init(_ json: JSONValue?) throws(Arguments.Fault) {
        let arguments = try Arguments(json, known: Self.parameters)
        let isRecursive = try arguments.required(Self.recursive)
        request = FileRequest.List(
            path: try arguments.optional(Self.path) ?? ".",
            depth: UInt32(try arguments.optional(Self.depth) ?? (isRecursive ? Self.deepest : 1)),
            limit: UInt32(try arguments.required(Self.limit)),
            ignores: try arguments.optional(Self.ignore) ?? [],
            includeHidden: try arguments.required(Self.hidden),
            after: try arguments.optional(Continuation.parameter) ?? [])
    }

    var needs: [Permission] { [.path(.read, request.path)] }

    func run(in context: CallContext) async throws(CellFailure) -> ToolResult {
        guard case .entries(let listing) = try await context.cell.perform(.list(request)) else {
            throw .wrongAnswer
        }
        return FileListing(listing, below: request.path).long
    }

    static func registered() -> RegisteredTool {
        RegisteredTool(tool) { (json) throws(Arguments.Fault) in try ListDirectory(json) }
    }

    private static let tool = Tool(
        cell: "list_directory",
        title: "List a directory",
        description: """
            Lists a directory, or the tree below it: a line per entry with mode, size, time of change and path, \
            sorted by path; directories end with a slash, symbolic links show their target and are not \
            followed. A list that is cut ends with a line that names the `after` to continue with.
            """,
        parameters: parameters,
        result: FileListing.members,
        readOnly: true, destructive: false, idempotent: true)
}
