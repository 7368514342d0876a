import Cells
import JSON
import MCP

/// `read_file`: a part of a file as text, an image, or base64.
struct ReadFile: CellCall {
    enum Form: String, CaseIterable { case auto, text, base64 }

    private let path: String
    private let part: FileRequest.Read.Part
    private let limit: Int
    private let form: Form

    static let usualLimit = 256 << 10
    static let mostBytes = 1 << 20
    /// An image is shown whole or not at all.
    static let largestImage = 4 << 20

    // MARK: Arguments

    private static let pathArgument = Parameter.path("path", "The file.")
    private static let firstLine = Parameter<Int>.integer(
        "first_line", "The first line to read; the first of the file is 1.", 1...Parameter<Int>.largest,
        default: 1)
    private static let lineCount = Parameter<Int>.integer(
        "line_count", "How many lines to read. Without it, as many as fit into 256 KiB.",
        1...Parameter<Int>.largest)
    private static let offset = Parameter<Int>.integer(
        "offset", "Read from this byte on (the first is 0), and not by lines.", 0...Parameter<Int>.largest,
        default: 0)
    private static let length = Parameter<Int>.integer(
        "length", "How many bytes to read, and not lines.", 1...mostBytes, default: usualLimit)
    private static let encoding = Parameter<String>.choice(
        "encoding",
        "How to give the content: as text, as base64 of the bytes, or as what the file seems to be.",
        of: Form.allCases.map(\.rawValue), default: Form.auto.rawValue)

    static let parameters = [
        pathArgument.required, firstLine.optional, lineCount.optional, offset.optional, length.optional,
        encoding.optional,
    ]

    init(_ json: JSONValue?) throws(Arguments.Fault) {
        let arguments = try Arguments(json, known: Self.parameters)
        path = try arguments.required(Self.pathArgument)
        form = Form(rawValue: try arguments.required(Self.encoding)) ?? .auto
        let (first, count) = (try arguments.optional(Self.firstLine), try arguments.optional(Self.lineCount))
        let (offset, length) = (try arguments.optional(Self.offset), try arguments.optional(Self.length))
        limit = length ?? Self.usualLimit
        if offset == nil, length == nil {
            part = .lines(first: UInt64(first ?? 1), count: count.map { UInt64($0) } ?? .max)
        } else if first == nil, count == nil {
            part = .bytes(offset: UInt64(offset ?? 0), count: UInt64(limit))
        } else {
            throw Arguments.Fault(
                "a part of a file is given by first_line and line_count, or by offset and length, not by both"
            )
        }
    }

    var needs: [Permission] { [.path(.read, path)] }

    func run(in context: CallContext) async throws(CellFailure) -> ToolResult {
        var content = try await read(part, limit, in: context)
        let mediaType = content.offset == 0 ? MediaType.of(content.bytes) : nil
        if form == .auto, let mediaType, mediaType.hasPrefix("image/"), isWhole {
            if !content.isComplete, content.totalSize <= UInt64(Self.largestImage) {
                content = try await read(
                    .bytes(offset: 0, count: UInt64(Self.largestImage)), Self.largestImage, in: context)
            }
            return ReadAnswer(path, content).image(mediaType)
        }
        return ReadAnswer(path, content).shown(as: form, mediaType: mediaType)
    }

    /// Nothing but the file was asked for.
    private var isWhole: Bool { part == .lines(first: 1, count: .max) }

    private func read(
        _ part: FileRequest.Read.Part, _ limit: Int, in context: CallContext
    ) async throws(CellFailure) -> FileResult.Content {
        let request = FileRequest.Read(path: path, part: part, limit: UInt32(limit))
        guard case .read(let content) = try await context.cell.perform(.read(request)) else {
            throw .wrongAnswer
        }
        return content
    }

    // MARK: The tool

    static func registered() -> RegisteredTool {
        RegisteredTool(tool) { (json) throws(Arguments.Fault) in try ReadFile(json) }
    }

    private static let tool = Tool(
        cell: "read_file",
        title: "Read a file",
        description: """
            Reads a file, or a part of it by lines or by bytes. Text in UTF-8, UTF-16, Latin-1 or \
            Windows-1252 comes as text, a PNG, JPEG, GIF or WebP image as an image, anything else as base64. \
            At most 256 KiB come at once; what is cut ends with a line such as \
            [cut: lines 1 to 2000 of about 81234; continue with first_line=2001].
            """,
        parameters: parameters,
        result: ReadAnswer.members,
        readOnly: true, destructive: false, idempotent: true)
}
