import Cells
import JSON
import MCP

/// `delete_file`: a file, or a directory.
struct DeleteFile: CellCall {
    private let path: String
    private let isRecursive: Bool

    private static let pathArgument = Parameter.path("path", "The file, directory or symbolic link.")
    private static let recursive = Parameter.flag(
        "recursive", "Delete a directory with all that is in it. Without this only an empty one is deleted.")

    static let parameters = [pathArgument.required, recursive.optional]

    init(_ json: JSONValue?) throws(Arguments.Fault) {
        let arguments = try Arguments(json, known: Self.parameters)
        path = try arguments.required(Self.pathArgument)
        isRecursive = try arguments.required(Self.recursive)
    }

    var needs: [Permission] { [.path(.write, path)] }

    func run(in context: CallContext) async throws(CellFailure) -> ToolResult {
        let answer = try await context.cell.perform(.delete(path: path, isRecursive: isRecursive))
        guard case .done(let entries, _) = answer else { throw .wrongAnswer }
        return .answer("deleted \(path) (\(entries) \(entries == 1 ? "entry" : "entries"))") {
            $0.member("path", path)
            $0.member("entries", entries)
        }
    }

    static func registered() -> RegisteredTool {
        RegisteredTool(tool) { (json) throws(Arguments.Fault) in try DeleteFile(json) }
    }

    private static let tool = Tool(
        cell: "delete_file",
        title: "Delete a file",
        description: """
            Deletes a file, an empty directory or, with recursive, a directory with all that is in it. A symbolic \
            link is deleted itself, and never what it leads to. What is deleted is gone.
            """,
        parameters: parameters,
        result: [
            .required("path", .string()),
            .required("entries", .count("Files and directories that were deleted")),
        ],
        readOnly: false, destructive: true, idempotent: true)
}
