import Cells
import JSON
import MCP

/// `edit_file`: replaces text in a file, and shows the difference.
struct EditFile: CellCall {
    private let request: FileRequest.Edit

    private static let path = Parameter.path("path", "The file.")
    private static let dryRun = Parameter.flag("dry_run", "Only show what would change.")

    private static let oldText = Parameter.text(
        "old_text",
        "The text to replace, exactly as it is in the file: white space, indentation and line ends too.",
        shortest: 1, longest: FileLimits.mostContent, allowsNUL: true)
    private static let newText = Parameter.text(
        "new_text", "The text to put in its place; empty to delete it.", longest: FileLimits.mostContent,
        allowsNUL: true)
    private static let replaceAll = Parameter.flag(
        "replace_all", "Replace it wherever it is. Without this it has to be there exactly once.")
    private static let editMembers = [oldText.required, newText.required, replaceAll.optional]

    private static let edits = Parameter<[FileRequest.Edit.Replacement]>(
        "edits",
        .array(
            "What to replace, in this order: each edit sees what those before it made.",
            of: .object(editMembers), least: 1, most: FileLimits.mostReplacements),
        expected: expectedEdits
    ) { (json, place) throws(Arguments.Fault) in
        guard json.kind == .array, (1...FileLimits.mostReplacements).contains(json.count) else {
            throw Arguments.Fault(place, is: json, expected: expectedEdits)
        }
        var edits: [FileRequest.Edit.Replacement] = []
        for value in json.elements {
            edits.append(try replacement(value, at: "\(place)[\(edits.count)]"))
        }
        return edits
    }

    private static let expectedEdits =
        "an array of 1 to \(FileLimits.mostReplacements) objects with old_text and new_text"

    private static func replacement(
        _ value: JSONValue, at place: String
    ) throws(Arguments.Fault) -> FileRequest.Edit.Replacement {
        guard value.isObject else {
            throw Arguments.Fault(place, is: value, expected: "an object with old_text and new_text")
        }
        let edit = try Arguments(value, known: editMembers, at: place + ".")
        return FileRequest.Edit.Replacement(
            old: Array(try edit.required(oldText).utf8), new: Array(try edit.required(newText).utf8),
            replaceAll: try edit.required(replaceAll))
    }

    static let parameters = [path.required, edits.required, dryRun.optional]

    init(_ json: JSONValue?) throws(Arguments.Fault) {
        let arguments = try Arguments(json, known: Self.parameters)
        request = FileRequest.Edit(
            path: try arguments.required(Self.path), replacements: try arguments.required(Self.edits),
            isDryRun: try arguments.required(Self.dryRun))
        let bytes = request.replacements.reduce(0) { $0 + $1.old.count + $1.new.count }
        guard bytes <= FileLimits.mostContent else {
            throw Arguments.Fault(
                "argument \"edits\" has \(bytes) bytes of text, and at most \(FileLimits.mostContent) can be"
                    + " replaced at once")
        }
    }

    /// The difference shows what is in the file.
    var needs: [Permission] {
        let read = Permission.path(.read, request.path)
        return request.isDryRun ? [read] : [read, .path(.write, request.path)]
    }

    func run(in context: CallContext) async throws(CellFailure) -> ToolResult {
        guard case .changed(let changes) = try await context.cell.perform(.edit(request)) else {
            throw .wrongAnswer
        }
        return ShownChanges(changes, counted: "replacement").answer
    }

    static func registered() -> RegisteredTool {
        RegisteredTool(tool) { (json) throws(Arguments.Fault) in try EditFile(json) }
    }

    private static let tool = Tool(
        cell: "edit_file",
        title: "Edit a file",
        description: """
            Replaces pieces of text in a file with others and answers with a unified diff. All edits are made, \
            or none. An old_text that is not there, or is there more than once, is refused with a hint: give \
            more of the lines around it, or replace_all.
            """,
        parameters: parameters,
        result: ShownChanges.members,
        readOnly: false, destructive: true, idempotent: false)
}
