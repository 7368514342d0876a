import Cells
import JSON
import MCP

/// `list_processes`: what start_process started.
struct ListProcesses: CellCall {
    init(_ json: JSONValue?) throws(Arguments.Fault) {
        _ = try Arguments(json, known: [Schema.Member]())
    }

    var needs: [Permission] { [] }

    func run(in context: CallContext) async throws(CellFailure) -> ToolResult {
        guard case .processes(let list) = try await context.cell.perform(.list, onOutput: { _ in }) else {
            throw .wrongAnswer
        }
        let lines = list.map { ShownProcess($0).line }
        return .answer(lines.isEmpty ? "[no processes]" : lines.joined(separator: "\n")) { json in
            json.array("processes") { array in
                for status in list { array.object { ShownProcess(status).write(to: &$0) } }
            }
        }
    }

    static func registered() -> RegisteredTool {
        RegisteredTool(tool) { (json) throws(Arguments.Fault) in try ListProcesses(json) }
    }

    private static let tool = Tool(
        cell: "list_processes",
        title: "List processes",
        description: """
            Lists the programs of start_process: those that run, and the last 64 of those that have ended.
            """,
        parameters: [],
        result: [.required("processes", .array(of: .object(ShownProcess.members)))],
        readOnly: true, destructive: false, idempotent: true)
}
