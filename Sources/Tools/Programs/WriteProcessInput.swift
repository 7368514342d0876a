import Cells
import JSON
import MCP

/// `process_input`: something to read for a program of start_process.
struct WriteProcessInput: CellCall {
    private let process: UInt32
    private let bytes: [UInt8]
    private let closes: Bool

    private static let mostBytes = 8 << 20

    private static let text = Parameter.text(
        "text", "What it is to read. A line needs its \\n. Give either this or base64.", longest: mostBytes,
        allowsNUL: true)
    private static let base64 = Parameter<[UInt8]>(
        "base64",
        .string(
            "Bytes that it is to read, in base64. Give either this or text.",
            longest: Base64.length(ofBytes: mostBytes)),
        expected: "base64 (RFC 4648, with padding) of at most \(mostBytes) bytes"
    ) { json in
        guard json.kind == .string, let bytes = Base64.decode(json.textBytes) else { return nil }
        return bytes.count <= mostBytes ? bytes : nil
    }
    private static let close = Parameter.flag("close", "Its input ends behind this.")

    static let parameters = [
        ShownProcess.argument.required, text.optional, base64.optional, close.optional,
    ]

    init(_ json: JSONValue?) throws(Arguments.Fault) {
        let arguments = try Arguments(json, known: Self.parameters)
        process = UInt32(try arguments.required(ShownProcess.argument))
        closes = try arguments.required(Self.close)
        switch (try arguments.optional(Self.text), try arguments.optional(Self.base64)) {
        case (let text?, nil): bytes = Array(text.utf8)
        case (nil, let given?): bytes = given
        case (nil, nil) where closes: bytes = []
        case (nil, nil):
            throw Arguments.Fault("one of the arguments \"text\", \"base64\" and \"close\" has to be there")
        case (_?, _?):
            throw Arguments.Fault(
                "the arguments \"text\" and \"base64\" are both there, and only one of them can be")
        }
    }

    /// It was permitted when it was started, and is the client's own.
    var needs: [Permission] { [] }

    func run(in context: CallContext) async throws(CellFailure) -> ToolResult {
        let request = ProgramRequest.input(process: process, bytes, closes: closes)
        guard case .accepted(let count) = try await context.cell.perform(request, onOutput: { _ in }) else {
            throw .wrongAnswer
        }
        let closed = closes ? "; its input is closed" : ""
        return .answer("process \(process) was given \(count) bytes\(closed)") {
            $0.member("process", process)
            $0.member("accepted_bytes", count)
            $0.member("is_closed", closes)
        }
    }

    static func registered() -> RegisteredTool {
        RegisteredTool(tool) { (json) throws(Arguments.Fault) in try WriteProcessInput(json) }
    }

    private static let tool = Tool(
        cell: "process_input",
        title: "Write to a process",
        description: """
            Gives a program of start_process something to read from its standard input, or ends its input. Does \
            not wait for what it makes of it: that is for process_output.
            """,
        parameters: parameters,
        result: [
            .required("process", .count()),
            .required("accepted_bytes", .count("What will reach it as it reads")),
            .required("is_closed", .boolean("Its input ends behind this")),
        ],
        readOnly: false, destructive: true, idempotent: false)
}
