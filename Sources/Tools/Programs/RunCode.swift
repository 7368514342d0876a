import Cells
import JSON
import MCP

/// `run_code`: source text for one of the interpreters that the machine has.
struct RunCode: CellCall {
    private let source: String
    private let interpreter: Interpreter
    private let request: RunProgram
    /// Where the source goes when it is too long for an argument.
    private let file: String?

    static let longestInline = 100 << 10

    // MARK: Arguments

    private static let sourceArgument = Parameter.text(
        "source", "The program.", shortest: 1, longest: FileLimits.mostContent)
    private static let argumentsArgument = Parameter<[String]>.list(
        "arguments", "What the program gets as its arguments.", most: 10_000,
        of: .text("", "", longest: ProgramArguments.longestArgument))

    private static func language(_ interpreters: [Interpreter]) -> Parameter<String> {
        .choice(
            "language", "The interpreter, of those that this machine has.", of: interpreters.map(\.language))
    }

    private static func parameters(_ interpreters: [Interpreter]) -> [Schema.Member] {
        [
            language(interpreters).required, sourceArgument.required, argumentsArgument.optional,
            ProgramArguments.directoryMember,
        ] + ProgramInput.parameters
    }

    init(_ json: JSONValue?, _ interpreters: [Interpreter]) throws(Arguments.Fault) {
        let arguments = try Arguments(json, known: Self.parameters(interpreters))
        let language = try arguments.required(Self.language(interpreters))
        guard let interpreter = interpreters.first(where: { $0.language == language }) else {
            throw Arguments.Fault("there is no interpreter of \(language)")
        }
        let source = try arguments.required(Self.sourceArgument)
        let own = try arguments.optional(Self.argumentsArgument) ?? []
        let isLong = source.utf8.count > Self.longestInline
        // Nobody can lay something else there before: the number is not to be guessed, and create is create.
        let file = isLong ? "/tmp/run_code-\(String(UInt64.random(in: 0 ... .max), radix: 36))" : nil
        let words =
            file.map { interpreter.words(file: $0, own) } ?? interpreter.words(source: source, own)
        let program = try ProgramArguments(
            words, in: try ProgramArguments.directory(arguments), environment: [])
        request = try ProgramInput.run(program.start, with: arguments)
        (self.interpreter, self.source, self.file) = (interpreter, source, file)
    }

    /// The file for a long source is ours, and needs nothing.
    var needs: [Permission] { [Permission(.run, interpreter.path)] }

    func run(in context: CallContext) async throws(CellFailure) -> ToolResult {
        guard let file else { return try await ProgramRun.result(of: request, in: context) }
        let content = Array(interpreter.fileContent(source).utf8)
        let write = FileRequest.Write(path: file, data: content, disposition: .create, mode: 0o600)
        _ = try await context.cell.perform(.write(write))
        let outcome: Result<ToolResult, CellFailure>
        do throws(CellFailure) {
            outcome = .success(try await ProgramRun.result(of: request, in: context))
        } catch {
            outcome = .failure(error)
        }
        // The program may have deleted it. What is left goes with the cell.
        _ = try? await context.cell.perform(.delete(path: file, isRecursive: false))
        return try outcome.get()
    }

    /// `nil` where the machine has none.
    static func registered(_ interpreters: [Interpreter] = Interpreter.found()) -> RegisteredTool? {
        guard !interpreters.isEmpty else { return nil }
        let tool = Tool(
            cell: "run_code",
            title: "Run code",
            description: """
                Runs source text with an interpreter and waits for its end: as run_command does, without a shell \
                that has to be quoted for. Answers with output, exit status and what it used.
                """,
            parameters: parameters(interpreters),
            result: ProgramRun.members,
            readOnly: false, destructive: true, idempotent: false)
        return RegisteredTool(tool) { (json) throws(Arguments.Fault) in try RunCode(json, interpreters) }
    }
}
