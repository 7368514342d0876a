import Cells
import JSON
import MCP

/// `move_file`: another name for a file or directory.
struct MoveFile: CellCall {
    private let request: FileRequest.Transfer

    private static let arguments = TransferArguments(
        from: "The file, directory or symbolic link.",
        to: "Its new name: the whole path, not a directory to move it into.")
    static let parameters = arguments.parameters

    init(_ json: JSONValue?) throws(Arguments.Fault) { request = try Self.arguments.request(json) }

    /// It is gone from where it was.
    var needs: [Permission] { [.path(.write, request.from), .path(.write, request.to)] }

    func run(in context: CallContext) async throws(CellFailure) -> ToolResult {
        guard case .done = try await context.cell.perform(.move(request)) else { throw .wrongAnswer }
        return .answer("moved \(request.from) to \(request.to)") {
            $0.member("from", request.from)
            $0.member("to", request.to)
        }
    }

    static func registered() -> RegisteredTool {
        RegisteredTool(tool) { (json) throws(Arguments.Fault) in try MoveFile(json) }
    }

    private static let tool = Tool(
        cell: "move_file",
        title: "Move or rename a file",
        description: """
            Gives a file or directory another name or place. What has the new name already is kept and the move \
            refused, unless overwrite says otherwise. A symbolic link is moved itself.
            """,
        parameters: parameters,
        result: [.required("from", .string()), .required("to", .string())],
        readOnly: false, destructive: true, idempotent: false)
}
