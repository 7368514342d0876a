import Cells
import JSON
import MCP

/// `apply_patch`: a unified diff of one or several files, all or nothing.
struct ApplyPatch: CellCall {
    private let request: FileRequest.Patch
    private let files: [String]

    private static let patch = Parameter.text(
        "patch", "A unified diff, as git diff and diff -u write them.", shortest: 1,
        longest: FileLimits.mostContent, allowsNUL: true)
    private static let directory = Parameter.path(
        "directory", "What the paths in the patch are relative to; without it, the workspace.")
    private static let dryRun = Parameter.flag(
        "dry_run", "Only find out whether it fits, and show what would change.")

    static let parameters = [patch.required, directory.optional, dryRun.optional]

    init(_ json: JSONValue?) throws(Arguments.Fault) {
        let arguments = try Arguments(json, known: Self.parameters)
        let text = Array(try arguments.required(Self.patch).utf8)
        let directory = try arguments.optional(Self.directory) ?? "."
        request = FileRequest.Patch(
            text: text, directory: directory, isDryRun: try arguments.required(Self.dryRun))
        files = try PatchNames.files(of: text).map { $0.hasPrefix("/") ? $0 : directory + "/" + $0 }
    }

    /// Each of its files: what is below a directory can be less permitted than the directory.
    var needs: [Permission] {
        files.flatMap { file in
            let read = Permission.path(.read, file)
            return request.isDryRun ? [read] : [read, .path(.write, file)]
        }
    }

    func run(in context: CallContext) async throws(CellFailure) -> ToolResult {
        guard case .changed(let changes) = try await context.cell.perform(.patch(request)) else {
            throw .wrongAnswer
        }
        return ShownChanges(changes, counted: "hunk").answer
    }

    static func registered() -> RegisteredTool {
        RegisteredTool(tool) { (json) throws(Arguments.Fault) in try ApplyPatch(json) }
    }

    private static let tool = Tool(
        cell: "apply_patch",
        title: "Apply a patch",
        description: """
            Applies a unified diff to one or several files: to all of them or, if a hunk does not fit, to none. \
            The prefixes a/ and b/ of git are taken away; /dev/null stands for a file that is made or deleted. \
            Renames, copies and changes of mode are not done here. Answers with what changed.
            """,
        parameters: parameters,
        result: ShownChanges.members,
        readOnly: false, destructive: true, idempotent: false)
}
