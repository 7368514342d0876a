import Cells
import JSON
import MCP

/// `file_info`: what the kernel knows about a name.
struct FileInfo: CellCall {
    private let path: String

    private static let pathArgument = Parameter.path("path", "The file, directory or symbolic link.")
    static let parameters = [pathArgument.required]

    init(_ json: JSONValue?) throws(Arguments.Fault) {
        path = try Arguments(json, known: Self.parameters).required(Self.pathArgument)
    }

    var needs: [Permission] { [.path(.read, path)] }

    func run(in context: CallContext) async throws(CellFailure) -> ToolResult {
        guard case .info(let info) = try await context.cell.perform(.info(path: path)) else {
            throw .wrongAnswer
        }
        return .answer(text(info)) { write(info, to: &$0) }
    }

    private func text(_ info: FileResult.Info) -> String {
        var lines = ["path: \(FileListing.oneLine(path))", "kind: \(info.kind.name)"]
        if let target = info.target { lines.append("target: \(FileListing.oneLine(target.text))") }
        lines += [
            "mode: \(FileMode.octal(info.mode)) (\(info.kind.letter)\(FileMode.letters(info.mode)))",
            "size: \(info.size) bytes, \(info.allocated) on disk",
            "owner: uid \(info.uid), gid \(info.gid)",
            "links: \(info.links), device \(info.device), inode \(info.inode)",
            "modified: \(Timestamp.text(nanoseconds: info.modified))",
            "accessed: \(Timestamp.text(nanoseconds: info.accessed))",
            "changed: \(Timestamp.text(nanoseconds: info.changed))",
        ]
        if let born = info.born { lines.append("born: \(Timestamp.text(nanoseconds: born))") }
        lines.append("place: \(info.place) (\(info.isWritablePlace ? "writable" : "read only"))")
        return lines.joined(separator: "\n")
    }

    private func write(_ info: FileResult.Info, to json: inout JSONWriter) {
        json.member("path", path)
        json.member("kind", info.kind.name)
        json.optionalMember("target", info.target?.text)
        json.member("mode", FileMode.octal(info.mode))
        json.member("size_bytes", info.size)
        json.member("allocated_bytes", info.allocated)
        json.member("links", info.links)
        json.member("uid", info.uid)
        json.member("gid", info.gid)
        // As text: they have 64 bits, and numbers in many clients have 53.
        json.member("device", String(info.device))
        json.member("inode", String(info.inode))
        json.member("accessed", Timestamp.text(nanoseconds: info.accessed))
        json.member("modified", Timestamp.text(nanoseconds: info.modified))
        json.member("changed", Timestamp.text(nanoseconds: info.changed))
        json.optionalMember("born", info.born.map { Timestamp.text(nanoseconds: $0) })
        json.member("place", info.place)
        json.member("place_is_writable", info.isWritablePlace)
    }

    static func registered() -> RegisteredTool {
        RegisteredTool(tool) { (json) throws(Arguments.Fault) in try FileInfo(json) }
    }

    private static let moment = Schema.string("RFC 3339, in UTC")

    private static let tool = Tool(
        cell: "file_info",
        title: "Describe a file",
        description: """
            Tells kind, size, permission bits, owner and times of a file, directory or symbolic link (of the \
            link itself, with its target), and whether its place in the cell can be written to.
            """,
        parameters: parameters,
        result: [
            .required("path", .string()),
            .required("kind", FileResult.FileKind.schema),
            .optional("target", .string("Where a symbolic link leads to")),
            .required("mode", .string("Permission bits in octal, such as 644")),
            .required("size_bytes", .count()),
            .required("allocated_bytes", .count("What it takes on disk")),
            .required("links", .count("How many names it has")),
            .required("uid", .count()),
            .required("gid", .count()),
            .required("device", .string()),
            .required("inode", .string()),
            .required("accessed", moment),
            .required("modified", moment),
            .required("changed", .string("Its content, mode, owner or names changed: RFC 3339, in UTC")),
            .optional("born", moment),
            .required("place", .string("The tree of the cell that it is in")),
            .required("place_is_writable", .boolean("The cell lets that tree be written to")),
        ],
        readOnly: true, destructive: false, idempotent: true)
}
