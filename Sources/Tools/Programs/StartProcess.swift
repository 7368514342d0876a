import Cells
import JSON
import MCP

/// `start_process`: a program that stays between calls.
struct StartProcess: CellCall {
    private let start: ProgramStart
    let needs: [Permission]

    static let parameters = ProgramArguments.parameters

    init(_ json: JSONValue?) throws(Arguments.Fault) {
        let program = try ProgramArguments(try Arguments(json, known: Self.parameters))
        (start, needs) = (program.start, program.needs)
    }

    func run(in context: CallContext) async throws(CellFailure) -> ToolResult {
        let answer = try await context.cell.perform(.start(start)) { _ in }
        guard case .status(let status) = answer else { throw .wrongAnswer }
        return .answer(ShownProcess(status).line) { ShownProcess(status).write(to: &$0) }
    }

    static func registered() -> RegisteredTool {
        RegisteredTool(tool) { (json) throws(Arguments.Fault) in try StartProcess(json) }
    }

    private static let tool = Tool(
        cell: "start_process",
        title: "Start a process",
        description: """
            Starts a line of shell (command) or a program (argv) that goes on after the call: a server, a watcher, \
            an interpreter to talk to. Answers with a number for process_output, process_input and stop_process. \
            It ends with the cell at the latest.
            """,
        parameters: parameters,
        result: ShownProcess.members,
        readOnly: false, destructive: true, idempotent: false)
}
