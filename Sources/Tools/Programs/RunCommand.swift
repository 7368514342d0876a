import Cells
import JSON
import MCP

/// `run_command`: a program that the call waits for.
struct RunCommand: CellCall {
    private let request: RunProgram
    let needs: [Permission]

    static let parameters = ProgramArguments.parameters + ProgramInput.parameters

    init(_ json: JSONValue?) throws(Arguments.Fault) {
        let arguments = try Arguments(json, known: Self.parameters)
        let program = try ProgramArguments(arguments)
        request = try ProgramInput.run(program.start, with: arguments)
        needs = program.needs
    }

    func run(in context: CallContext) async throws(CellFailure) -> ToolResult {
        try await ProgramRun.result(of: request, in: context)
    }

    static func registered() -> RegisteredTool {
        RegisteredTool(tool) { (json) throws(Arguments.Fault) in try RunCommand(json) }
    }

    private static let tool = Tool(
        cell: "run_command",
        title: "Run a command",
        description: """
            Runs a line of shell (command) or a program with its arguments (argv) and waits for its end. Answers \
            with its output, its exit status (another than 0 is no error of the tool), and what it used; output \
            comes as progress meanwhile. There is no network and no terminal. Of each stream the first 256 KiB \
            come back; a longer one is, up to 64 MiB, in a file that the answer names. What it leaves running is \
            ended with it: use start_process for what shall go on.
            """,
        parameters: parameters,
        result: ProgramRun.members,
        readOnly: false, destructive: true, idempotent: false)
}
