import Cells
import JSON
import MCP

/// `process_output`: what a program of start_process has written.
struct ReadProcessOutput: CellCall {
    private let process: UInt32
    private let stream: String
    private let from: UInt64
    private let limit: UInt32

    private static let streamArgument = Parameter<String>.choice(
        "stream", "Which of its two outputs.", of: ["stdout", "stderr"], default: "stdout")
    private static let fromArgument = Parameter<Int>.integer(
        "from", "From this byte on of all that it has written: the next_from of the answer before.",
        0...Parameter<Int>.largest, default: 0)
    private static let limitArgument = Parameter<Int>.integer(
        "limit", "The most bytes to show.", 16...(1 << 20), default: 64 << 10)

    static let parameters = [
        ShownProcess.argument.required, streamArgument.optional, fromArgument.optional,
        limitArgument.optional,
    ]

    init(_ json: JSONValue?) throws(Arguments.Fault) {
        let arguments = try Arguments(json, known: Self.parameters)
        process = UInt32(try arguments.required(ShownProcess.argument))
        stream = try arguments.required(Self.streamArgument)
        from = UInt64(try arguments.required(Self.fromArgument))
        limit = UInt32(try arguments.required(Self.limitArgument))
    }

    /// It was permitted when it was started, and is the client's own.
    var needs: [Permission] { [] }

    func run(in context: CallContext) async throws(CellFailure) -> ToolResult {
        let request = ProgramRequest.output(
            process: process, standardErrorToo: stream == "stderr", from: from, most: limit)
        guard case .output(let output) = try await context.cell.perform(request, onOutput: { _ in }) else {
            throw .wrongAnswer
        }
        return answer(output)
    }

    private func answer(_ output: ProcessOutput) -> ToolResult {
        // Half a character is left for the next call, unless nothing comes any more.
        let mayGoOn = output.status.end == nil || output.bytes.count >= Int(limit)
        let bytes = mayGoOn ? Array(output.bytes.dropLast(output.bytes.openCharacterLength)) : output.bytes
        let next = output.from + UInt64(bytes.count)
        let found = FoundText(lossy: bytes)
        let isAtEnd = !mayGoOn

        var text = output.from > from ? "[bytes \(from) to \(output.from - 1) are not kept any more]\n" : ""
        text += found.text
        if !found.text.isEmpty, !found.text.hasSuffix("\n") { text += "\n" }
        if found.isLossy { text += "[\(stream) is not UTF-8; bytes that are not are shown as U+FFFD]\n" }
        if output.bytes.count >= Int(limit) {
            text += "[cut: there is more; continue with from=\(next)]\n"
        } else if !isAtEnd {
            text += "[this is all so far; continue with from=\(next)]\n"
        }
        return .answer(text + "[\(ShownProcess(output.status).line)]") { json in
            json.member("stream", stream)
            json.member("from", output.from)
            json.member("next_from", next)
            json.member("text", found.text)
            if found.isLossy { json.member("is_lossy", true) }
            json.member("is_complete", isAtEnd)
            json.object("status") { ShownProcess(output.status).write(to: &$0) }
        }
    }

    static func registered() -> RegisteredTool {
        RegisteredTool(tool) { (json) throws(Arguments.Fault) in try ReadProcessOutput(json) }
    }

    private static let tool = Tool(
        cell: "process_output",
        title: "Read a process's output",
        description: """
            Shows what a program of start_process has written to one of its outputs, and whether it runs. Does not \
            wait: ask again with from set to the next_from of the answer before. At least the last 256 KiB of \
            each output are kept; what is no longer kept is said to be missing.
            """,
        parameters: parameters,
        result: [
            .required("stream", .string(choices: ["stdout", "stderr"])),
            .required("from", .count("Where this begins in all that it has written")),
            .required("next_from", .count("Where it goes on")),
            .required("text", .string()),
            .optional("is_lossy", .boolean("Not UTF-8: what is not is U+FFFD")),
            .required("is_complete", .boolean("It has ended, and nothing comes behind this")),
            .required("status", .object(ShownProcess.members)),
        ],
        readOnly: true, destructive: false, idempotent: true)
}
