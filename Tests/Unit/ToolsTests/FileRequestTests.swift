import Cells
import Testing

@testable import Tools

/// What arguments ask of the cell, and what they need to be allowed.
struct FileRequestTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let tool: String
        let arguments: String
        let request: FileRequest
        let needs: [String]

        init(_ tool: String, _ arguments: String, _ request: FileRequest, needs: String...) {
            (self.tool, self.arguments, self.request, self.needs) = (tool, arguments, request, needs)
        }

        var testDescription: String { "\(tool) \(arguments)" }
    }

    private static let limit = UInt32(256 << 10)

    private static func search(_ change: (inout FileRequest.Search) -> Void) -> FileRequest {
        var search = FileRequest.Search(path: ".", pattern: "a+")
        (search.mostMatches, search.mostBytes) = (200, limit)
        change(&search)
        return .search(search)
    }

    static let reading = [
        Case(
            "read_file", #"{"path":"a"}"#, .read(.init(path: "a", limit: limit)), needs: "read /workspace/a"),
        Case(
            "read_file", #"{"path":"/etc/x","first_line":5,"line_count":2}"#,
            .read(.init(path: "/etc/x", part: .lines(first: 5, count: 2), limit: limit)), needs: "read /etc/x"
        ),
        Case(
            "read_file", #"{"path":"a","offset":7}"#,
            .read(.init(path: "a", part: .bytes(offset: 7, count: 262_144), limit: limit)),
            needs: "read /workspace/a"),
        Case(
            "read_file", #"{"path":"a","length":9.0,"encoding":"base64"}"#,
            .read(.init(path: "a", part: .bytes(offset: 0, count: 9), limit: 9)), needs: "read /workspace/a"),
        Case("file_info", #"{"path":"a/.."}"#, .info(path: "a/.."), needs: "read /workspace"),
        Case("list_directory", "{}", .list(.init(path: ".")), needs: "read /workspace"),
        Case(
            "list_directory", #"{"path":"/usr","recursive":true,"limit":3,"ignore":["*.o"],"hidden":false}"#,
            .list(
                .init(path: "/usr", depth: 1_000_000, limit: 3, ignores: ["*.o"], includeHidden: false)),
            needs: "read /usr"),
        Case(
            "list_directory", #"{"recursive":true,"depth":2,"after":"a/b"}"#,
            .list(.init(path: ".", depth: 2, after: Array("a/b".utf8))), needs: "read /workspace"),
        Case(
            "list_directory", #"{"after":"base64:/w=="}"#, .list(.init(path: ".", after: [0xFF])),
            needs: "read /workspace"),
        Case(
            "find_files", #"{"pattern":"*.c"}"#, .find(.init(path: ".", glob: "*.c")),
            needs: "read /workspace"),
        Case(
            "find_files", #"{"pattern":"*.c","path":"s","limit":1,"ignore":["x","y"],"after":"z"}"#,
            .find(
                .init(path: "s", glob: "*.c", limit: 1, ignores: ["x", "y"], after: Array("z".utf8))),
            needs: "read /workspace/s"),
        Case("search_files", #"{"pattern":"a+"}"#, search { _ in }, needs: "read /workspace"),
        Case(
            "search_files",
            #"{"pattern":"a+","path":"s","literal":true,"ignore_case":true,"glob":"*.c","ignore":["o"],"context_lines":2,"limit":5}"#,
            search {
                ($0.path, $0.isLiteral, $0.ignoreCase, $0.glob) = ("s", true, true, "*.c")
                ($0.ignores, $0.contextLines, $0.mostMatches) = (["o"], 2, 5)
            }, needs: "read /workspace/s"),
    ]

    static let writing = [
        Case(
            "write_file", #"{"path":"a","content":"hé"}"#,
            .write(.init(path: "a", data: Array("hé".utf8), disposition: .overwrite)),
            needs: "write /workspace/a"),
        Case(
            "write_file",
            #"{"path":"a","content":"AAH/","encoding":"base64","mode":"0750","disposition":"create","make_parents":true}"#,
            .write(
                .init(path: "a", data: [0, 1, 255], disposition: .create, mode: 0o750, makeParents: true)),
            needs: "write /workspace/a"),
        Case(
            "write_file", #"{"path":"a","content":"","disposition":"append"}"#,
            .write(.init(path: "a", data: [], disposition: .append)), needs: "write /workspace/a"),
        Case(
            "edit_file",
            #"{"path":"a","edits":[{"old_text":"x","new_text":""},{"old_text":"y","new_text":"z","replace_all":true}]}"#,
            .edit(
                .init(
                    path: "a",
                    replacements: [
                        .init(old: [0x78], new: []), .init(old: [0x79], new: [0x7A], replaceAll: true),
                    ])), needs: "read /workspace/a", "write /workspace/a"),
        Case(
            "edit_file", #"{"path":"a","edits":[{"old_text":"x","new_text":"y"}],"dry_run":true}"#,
            .edit(.init(path: "a", replacements: [.init(old: [0x78], new: [0x79])], isDryRun: true)),
            needs: "read /workspace/a"),
        Case(
            "apply_patch", #"{"patch":"--- a/x\n+++ b/x\n--- /dev/null\n+++ b/y\n","directory":"d"}"#,
            .patch(
                .init(text: Array("--- a/x\n+++ b/x\n--- /dev/null\n+++ b/y\n".utf8), directory: "d")),
            needs: "read /workspace/d/x", "write /workspace/d/x", "read /workspace/d/y",
            "write /workspace/d/y"),
        Case(
            "apply_patch", #"{"patch":"--- /etc/x\n+++ /etc/x\n","dry_run":true}"#,
            .patch(.init(text: Array("--- /etc/x\n+++ /etc/x\n".utf8), isDryRun: true)), needs: "read /etc/x"),
        Case(
            "make_directory", #"{"path":"d"}"#, .makeDirectory(.init(path: "d")), needs: "write /workspace/d"),
        Case(
            "make_directory", #"{"path":"d/e","parents":true,"mode":"700"}"#,
            .makeDirectory(.init(path: "d/e", makeParents: true, mode: 0o700)),
            needs: "write /workspace/d/e"),
        Case(
            "move_file", #"{"from":"a","to":"/tmp/b"}"#, .move(.init(from: "a", to: "/tmp/b")),
            needs: "write /workspace/a", "write /tmp/b"),
        Case(
            "copy_file", #"{"from":"a","to":"b","overwrite":true}"#,
            .copy(.init(from: "a", to: "b", overwrite: true)), needs: "read /workspace/a",
            "write /workspace/b"),
        Case(
            "delete_file", #"{"path":"a"}"#, .delete(path: "a", isRecursive: false),
            needs: "write /workspace/a"),
        Case(
            "delete_file", #"{"path":"a","recursive":true}"#, .delete(path: "a", isRecursive: true),
            needs: "write /workspace/a"),
    ]

    @Test(arguments: reading + writing)
    func `arguments become a request, and the permissions that it needs`(each: Case) async throws {
        let tool = try TestedTools.named(each.tool)
        let cell = ScriptedCell()
        _ = await tool.run(try TestedTools.json(each.arguments), cell.context)
        #expect(await cell.fileRequests == [each.request])
        #expect(try TestedTools.needs(each.tool, each.arguments) == each.needs)
        let faults = SchemaChecker.faults(
            try TestedTools.json(each.arguments), against: tool.tool.inputSchema)
        #expect(faults == [])
        #expect(tool.place == .cell)
    }

    /// What we ask for has to be what the cell takes.
    @Test(arguments: reading + writing)
    func `a request is one that the cell can read`(each: Case) throws {
        #expect(try FileRequest(decoding: each.request.encoded[...]) == each.request)
    }

    @Test(arguments: reading + writing)
    func `a refusal of the cell is the result, and nothing else`(each: Case) async throws {
        let failure = CellFailure(.readOnlyPlace, path: "/usr", "/usr is read only (wall fileview).")
        let called = try await TestedTools.call(
            each.tool, each.arguments, ScriptedCell(.failure(failure)))
        #expect(called.result.isError)
        #expect(called.text == failure.message)
        #expect(called.result.structured == nil)
    }

    @Test(arguments: reading + writing)
    func `an answer to another question is a failure that says so`(each: Case) async throws {
        let wrong: FileResult = each.tool == "file_info" ? .done(entries: 0, bytes: 0) : .info(.sample)
        let called = try await TestedTools.call(each.tool, each.arguments, ScriptedCell(.file(wrong)))
        #expect(called.result.isError)
        #expect(called.text == "The cell gave an answer to another question.")
    }
}

extension FileResult.Info {
    static let sample = FileResult.Info(
        kind: .symbolicLink, mode: 0o777, size: 5, allocated: 0, links: 1, uid: 1000, gid: 100,
        device: .max, inode: 7, accessed: 0, modified: 1_000_000_000_000_000_000, changed: -1, born: nil,
        target: FileResult.Name(text: "a\nb", isExact: true), place: "/workspace", isWritablePlace: true)
}
