import Cells
import JSON
import MCP

/// `stop_process`: a signal, a time of grace, and the end.
struct StopProcess: CellCall {
    private let process: UInt32
    private let signal: UInt8
    private let graceSeconds: Int

    private static let signals = [
        "TERM", "INT", "HUP", "QUIT", "KILL", "USR1", "USR2", "ABRT", "ALRM", "PIPE",
    ]

    private static let signalArgument = Parameter<String>.choice(
        "signal", "What it and its children are sent first.", of: signals, default: "TERM")
    private static let grace = Parameter<Int>.integer(
        "grace_seconds", "After so long whatever is left of it is killed.", 0...600, default: 5)

    static let parameters = [ShownProcess.argument.required, signalArgument.optional, grace.optional]

    init(_ json: JSONValue?) throws(Arguments.Fault) {
        let arguments = try Arguments(json, known: Self.parameters)
        process = UInt32(try arguments.required(ShownProcess.argument))
        signal = SignalName.number(try arguments.required(Self.signalArgument)) ?? 15
        graceSeconds = try arguments.required(Self.grace)
    }

    /// It was permitted when it was started, and is the client's own.
    var needs: [Permission] { [] }

    func run(in context: CallContext) async throws(CellFailure) -> ToolResult {
        let request = ProgramRequest.stop(
            process: process, signal: signal, graceMilliseconds: UInt32(graceSeconds) * 1000)
        guard case .status(let status) = try await context.cell.perform(request, onOutput: { _ in }) else {
            throw .wrongAnswer
        }
        return .answer(ShownProcess(status).line) { ShownProcess(status).write(to: &$0) }
    }

    static func registered() -> RegisteredTool {
        RegisteredTool(tool) { (json) throws(Arguments.Fault) in try StopProcess(json) }
    }

    private static let tool = Tool(
        cell: "stop_process",
        title: "Stop a process",
        description: """
            Ends a program of start_process and all that it started: sends the signal, waits, kills what is left \
            after grace_seconds. Answers when it has ended, with how. One that had ended before stays as it was.
            """,
        parameters: parameters,
        result: ShownProcess.members,
        readOnly: false, destructive: true, idempotent: true)
}
