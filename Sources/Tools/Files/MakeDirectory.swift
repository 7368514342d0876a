import Cells
import JSON
import MCP

/// `make_directory`.
struct MakeDirectory: CellCall {
    private let request: FileRequest.MakeDirectory

    private static let path = Parameter.path("path", "The directory to make.")
    private static let parents = Parameter.flag(
        "parents", "Make those above it that are missing, and be content if it is there already.")
    private static let mode = Parameter.mode("mode", "Permission bits in octal, such as \"755\".")

    static let parameters = [path.required, parents.optional, mode.optional]

    init(_ json: JSONValue?) throws(Arguments.Fault) {
        let arguments = try Arguments(json, known: Self.parameters)
        request = FileRequest.MakeDirectory(
            path: try arguments.required(Self.path), makeParents: try arguments.required(Self.parents),
            mode: try arguments.optional(Self.mode))
    }

    var needs: [Permission] { [.path(.write, request.path)] }

    func run(in context: CallContext) async throws(CellFailure) -> ToolResult {
        let answer = try await context.cell.perform(.makeDirectory(request))
        guard case .done(let entries, _) = answer else { throw .wrongAnswer }
        let act = entries > 0 ? "made \(request.path)" : "\(request.path) was there already"
        return .answer(act) {
            $0.member("path", request.path)
            $0.member("is_new", entries > 0)
        }
    }

    static func registered() -> RegisteredTool {
        RegisteredTool(tool) { (json) throws(Arguments.Fault) in try MakeDirectory(json) }
    }

    private static let tool = Tool(
        cell: "make_directory",
        title: "Make a directory",
        description: "Makes a directory, with parents also those above it, as mkdir -p does.",
        parameters: parameters,
        result: [
            .required("path", .string()), .required("is_new", .boolean("It was not there before")),
        ],
        readOnly: false, destructive: false, idempotent: true)
}
