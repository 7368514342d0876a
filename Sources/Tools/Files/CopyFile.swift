import Cells
import JSON
import MCP

/// `copy_file`: a file, or a directory with all that is in it.
struct CopyFile: CellCall {
    private let request: FileRequest.Transfer

    private static let arguments = TransferArguments(
        from: "The file or directory.", to: "The copy: the whole path, not a directory to copy it into.")
    static let parameters = arguments.parameters

    init(_ json: JSONValue?) throws(Arguments.Fault) { request = try Self.arguments.request(json) }

    var needs: [Permission] { [.path(.read, request.from), .path(.write, request.to)] }

    func run(in context: CallContext) async throws(CellFailure) -> ToolResult {
        let answer = try await context.cell.perform(.copy(request))
        guard case .done(let entries, let bytes) = answer else { throw .wrongAnswer }
        let noun = entries == 1 ? "entry" : "entries"
        return .answer("copied \(request.from) to \(request.to): \(entries) \(noun), \(bytes) bytes") {
            $0.member("from", request.from)
            $0.member("to", request.to)
            $0.member("entries", entries)
            $0.member("bytes", bytes)
        }
    }

    static func registered() -> RegisteredTool {
        RegisteredTool(tool) { (json) throws(Arguments.Fault) in try CopyFile(json) }
    }

    private static let tool = Tool(
        cell: "copy_file",
        title: "Copy a file",
        description: """
            Copies a file, or a directory with all that is in it. What has the new name already is kept and the \
            copy refused, unless overwrite says otherwise.
            """,
        parameters: parameters,
        result: [
            .required("from", .string()),
            .required("to", .string()),
            .required("entries", .count("Files and directories that were copied")),
            .required("bytes", .count("Content that was copied")),
        ],
        readOnly: false, destructive: true, idempotent: true)
}
