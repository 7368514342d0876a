import Cells
import JSON
import MCP

/// A program that a call waits for, from its start to the result.
struct ProgramRun {
    /// In the cell, or outside of any: what is said about an end is not the same.
    enum Place { case cell, host }

    static func result(of run: RunProgram, in context: CallContext) async throws(CellFailure) -> ToolResult {
        let cell = context.cell
        return try await result(of: run, in: .cell, atMost: cell.mostMilliseconds, context) {
            (run, onOutput) throws(CellFailure) in
            let answer = try await cell.perform(.run(run), onOutput: onOutput)
            guard case .ended(let end) = answer else { throw .wrongAnswer }
            return end
        }
    }

    static func result(
        ofCommand run: RunProgram, asRoot: Bool, in context: CallContext
    ) async throws(CellFailure) -> ToolResult {
        let host = context.host
        return try await result(of: run, in: .host, atMost: host.mostMilliseconds, context) {
            (run, onOutput) throws(CellFailure) in
            try await host.run(run, asRoot: asRoot, onOutput: onOutput)
        }
    }

    private static func result(
        of run: RunProgram, in place: Place, atMost most: UInt32?, _ context: CallContext,
        _ perform: (RunProgram, @escaping @Sendable (ProgramOutput) async -> Void) async throws(CellFailure)
            -> ProgramEnd
    ) async throws(CellFailure) -> ToolResult {
        var run = run
        if let most {
            run.timeoutMilliseconds = run.timeoutMilliseconds == 0 ? most : min(run.timeoutMilliseconds, most)
        }
        let collector = OutputCollector(context.reporter)
        let end = try await perform(run) { await collector.take($0) }
        return ProgramRun(
            ShownEnd(end, in: place), of: run,
            output: ShownOutput("stdout", await collector.output, of: end.outputBytes, file: end.outputFile),
            error: ShownOutput("stderr", await collector.error, of: end.errorBytes, file: end.errorFile)
        ).answer
    }

    private let shown: ShownEnd
    private let run: RunProgram
    private let output: ShownOutput
    private let error: ShownOutput
    private var end: ProgramEnd { shown.end }

    private init(_ shown: ShownEnd, of run: RunProgram, output: ShownOutput, error: ShownOutput) {
        (self.shown, self.run, self.output, self.error) = (shown, run, output, error)
    }

    static let members: [Schema.Member] =
        membersOfCommand + [
            .optional(
                "stdout_file", .string("A file of the workspace with the first 64 MiB, if not all is here")),
            .optional(
                "stderr_file", .string("A file of the workspace with the first 64 MiB, if not all is here")),
        ]

    /// On the host there is no workspace.
    static let membersOfCommand: [Schema.Member] =
        ShownEnd.members + [
            .required("timed_out", .boolean("It was ended because its time was up")),
            .required("stdout", .string("What it wrote, or the beginning of that")),
            .required("stderr", .string("What it wrote, or the beginning of that")),
            .required("stdout_bytes", .count("All that it wrote")),
            .required("stderr_bytes", .count("All that it wrote")),
            .optional("stdout_is_lossy", .boolean("Not UTF-8: what is not is U+FFFD")),
            .optional("stderr_is_lossy", .boolean("Not UTF-8: what is not is U+FFFD")),
        ]

    /// A program that ends with another status than 0 has answered: grep found nothing, tests failed. The model
    /// reads that as it reads the output. That its time or memory was up is not its answer: the call was not
    /// carried out to its end, and so is an error, with what there is of output.
    private var isError: Bool { end.timedOut || end.ranOutOfMemory }

    private var answer: ToolResult {
        var text = output.text
        if !error.text.isEmpty { text += "[stderr]\n" + error.text }
        if shown.place == .cell, end.cause != .exited(0), let hint = DenialHint.of(error.decoded.text) {
            text += hint + "\n"
        }
        return .answer(text + lastLine, isError: isError) { json in
            shown.write(to: &json)
            json.member("timed_out", end.timedOut)
            json.member("stdout", output.decoded.text)
            json.member("stderr", error.decoded.text)
            json.member("stdout_bytes", end.outputBytes)
            json.member("stderr_bytes", end.errorBytes)
            json.optionalMember("stdout_file", end.outputFile.isEmpty ? nil : end.outputFile)
            json.optionalMember("stderr_file", end.errorFile.isEmpty ? nil : end.errorFile)
            if output.decoded.isLossy { json.member("stdout_is_lossy", true) }
            if error.decoded.isLossy { json.member("stderr_is_lossy", true) }
        }
    }

    private var lastLine: String {
        guard end.timedOut else { return "[\(shown.cause), \(shown.usage)]" }
        return
            "[timed out after \(run.timeoutMilliseconds / 1000) s and was ended, \(shown.usage); give a larger"
            + " timeout_seconds" + (shown.place == .cell ? Self.otherWay : "") + "]"
    }
}

extension ProgramRun {
    private static let otherWay = ", or use start_process for what goes on between calls"
}

/// What a stream of a program brought, as it is shown.
struct ShownOutput {
    let decoded: FoundText
    private let name: String
    private let total: UInt64
    private let file: String
    private let count: Int

    init(_ name: String, _ bytes: [UInt8], of total: UInt64, file: String) {
        (self.name, self.total, self.file) = (name, total, file)
        let isCut = total > UInt64(bytes.count)
        let whole = isCut ? bytes.dropLast(bytes.openCharacterLength) : bytes[...]
        count = whole.count
        decoded = FoundText(lossy: Array(whole))
    }

    /// Whole lines, and what there is to say about them.
    var text: String {
        var text = decoded.text
        if !text.isEmpty, !text.hasSuffix("\n") { text += "\n" }
        if decoded.isLossy { text += "[\(name) is not UTF-8; bytes that are not are shown as U+FFFD]\n" }
        if total > UInt64(count) {
            text += "[cut: the first \(count) of \(total) bytes of \(name); "
            text += file.isEmpty ? "the rest is lost]\n" : "read_file shows more of it: \(file)]\n"
        }
        return text
    }
}
