import Cells
import JSON
import MCP

/// `write_file`: a whole file, or more at its end.
struct WriteFile: CellCall {
    private let request: FileRequest.Write

    private static let dispositions: [(name: String, value: FileRequest.Write.Disposition)] = [
        ("create", .create), ("overwrite", .overwrite), ("append", .append),
    ]

    private static let path = Parameter.path("path", "The file.")
    private static let content = Parameter.text(
        "content", "What to write, at most 8 MiB: text, which is written in UTF-8, or base64 of the bytes.",
        longest: Base64.length(ofBytes: FileLimits.mostContent), allowsNUL: true)
    private static let encoding = Parameter<String>.choice(
        "encoding", "What the content is.", of: ["text", "base64"], default: "text")
    private static let mode = Parameter.mode(
        "mode",
        """
        Permission bits in octal, such as "644". Without them a replaced file keeps its own, and a new one \
        gets what is usual.
        """)
    private static let disposition = Parameter<String>.choice(
        "disposition",
        """
        create: only if nothing has this name; overwrite: in place of what is there, if anything is; append: \
        behind what is there, if anything is.
        """,
        of: dispositions.map(\.name), default: "overwrite")
    private static let makeParents = Parameter.flag(
        "make_parents", "Make the directories above it that are missing.")

    static let parameters = [
        path.required, content.required, encoding.optional, mode.optional, disposition.optional,
        makeParents.optional,
    ]

    init(_ json: JSONValue?) throws(Arguments.Fault) {
        let arguments = try Arguments(json, known: Self.parameters)
        let name = try arguments.required(Self.disposition)
        request = FileRequest.Write(
            path: try arguments.required(Self.path), data: try Self.data(arguments),
            disposition: Self.dispositions.first { $0.name == name }?.value ?? .overwrite,
            mode: try arguments.optional(Self.mode), makeParents: try arguments.required(Self.makeParents))
    }

    private static func data(_ arguments: Arguments) throws(Arguments.Fault) -> [UInt8] {
        let text = try arguments.required(content)
        var data = Array(text.utf8)
        if try arguments.required(encoding) == "base64" {
            guard let decoded = Base64.decode(data) else {
                throw Arguments.Fault("argument \"content\" is not base64 (RFC 4648, with padding)")
            }
            data = decoded
        }
        guard data.count <= FileLimits.mostContent else {
            throw Arguments.Fault(
                "argument \"content\" is \(data.count) bytes, and at most \(FileLimits.mostContent) can be written"
                    + " at once; write the rest with disposition=\"append\"")
        }
        return data
    }

    var needs: [Permission] { [.path(.write, request.path)] }

    func run(in context: CallContext) async throws(CellFailure) -> ToolResult {
        guard case .written(let bytes, let isNew) = try await context.cell.perform(.write(request)) else {
            throw .wrongAnswer
        }
        let act =
            isNew ? "made" : request.disposition == .append ? "appended to" : "replaced the content of"
        return .answer("\(act) \(request.path): \(bytes) bytes written") {
            $0.member("path", request.path)
            $0.member("bytes_written", bytes)
            $0.member("is_new", isNew)
        }
    }

    static func registered() -> RegisteredTool {
        RegisteredTool(tool) { (json) throws(Arguments.Fault) in try WriteFile(json) }
    }

    private static let tool = Tool(
        cell: "write_file",
        title: "Write a file",
        description: """
            Writes a file: by default all of it anew, in one step, so that nobody sees it half written. To \
            change a part of a file, use edit_file. Content that is larger than 8 MiB is written in parts, \
            the later ones with disposition append.
            """,
        parameters: parameters,
        result: [
            .required("path", .string()),
            .required("bytes_written", .count()),
            .required("is_new", .boolean("Nothing had this name before")),
        ],
        readOnly: false, destructive: true, idempotent: false)
}
