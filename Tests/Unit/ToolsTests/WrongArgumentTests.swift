import Cells
import JSON
import Testing

@testable import Tools

/// Every wrong argument is a failure that names it, says what was given and what it has to be; and the cell is
/// asked nothing.
struct WrongArgumentTests {
    private static let aPath = "a path of 1 to 4095 bytes without NUL"

    static let types: [(String, String, String)] = [
        ("read_file", "{}", "argument \"path\" is missing, and has to be \(aPath)"),
        ("read_file", #"{"path":7}"#, "argument \"path\" is 7, and has to be \(aPath)"),
        ("read_file", #"{"path":null}"#, "argument \"path\" is null, and has to be \(aPath)"),
        ("read_file", #"{"path":""}"#, "argument \"path\" is \"\", and has to be \(aPath)"),
        ("read_file", #"{"path":"a\u0000b"}"#, "argument \"path\" is \"a\\u0000b\", and has to be \(aPath)"),
        (
            "read_file", #"{"path":"a","first_line":0}"#,
            "argument \"first_line\" is 0, and has to be an integer from 1 to 9007199254740991"
        ),
        (
            "read_file", #"{"path":"a","line_count":"2"}"#,
            "argument \"line_count\" is \"2\", and has to be an integer from 1 to 9007199254740991"
        ),
        (
            "read_file", #"{"path":"a","length":1048577}"#,
            "argument \"length\" is 1048577, and has to be an integer from 1 to 1048576"
        ),
        (
            "read_file", #"{"path":"a","offset":1.5}"#,
            "argument \"offset\" is 1.5, and has to be an integer from 0 to 9007199254740991"
        ),
        (
            "read_file", #"{"path":"a","offset":1e400}"#,
            "argument \"offset\" is 1e400, and has to be an integer from 0 to 9007199254740991"
        ),
        (
            "read_file", #"{"path":"a","encoding":"utf8"}"#,
            "argument \"encoding\" is \"utf8\", and has to be one of \"auto\", \"text\", \"base64\""
        ),
        (
            "read_file", #"{"path":"a","first_line":1,"offset":1}"#,
            "a part of a file is given by first_line and line_count, or by offset and length, not by both"
        ),
        (
            "read_file", #"{"path":"a","lines":1}"#,
            "unknown argument \"lines\" (known: encoding, first_line, length, line_count, offset, path)"
        ),
        (
            "write_file", #"{"path":"a","content":["x"]}"#,
            "argument \"content\" is [\"x\"], and has to be a string of at most 11184812 bytes"
        ),
        (
            "write_file", #"{"path":"a","content":"a===","encoding":"base64"}"#,
            "argument \"content\" is not base64 (RFC 4648, with padding)"
        ),
        (
            "write_file", #"{"path":"a","content":"","mode":"888"}"#,
            "argument \"mode\" is \"888\", and has to be permission bits in octal, from \"000\" to \"777\""
        ),
        (
            "write_file", #"{"path":"a","content":"","mode":"4755"}"#,
            "argument \"mode\" is \"4755\", and has to be permission bits in octal, from \"000\" to \"777\""
        ),
        (
            "write_file", #"{"path":"a","content":"","mode":420}"#,
            "argument \"mode\" is 420, and has to be permission bits in octal, from \"000\" to \"777\""
        ),
        (
            "write_file", #"{"path":"a","content":"","disposition":"new"}"#,
            "argument \"disposition\" is \"new\", and has to be one of \"create\", \"overwrite\", \"append\""
        ),
        (
            "write_file", #"{"path":"a","content":"","make_parents":"yes"}"#,
            "argument \"make_parents\" is \"yes\", and has to be true or false"
        ),
        (
            "edit_file", #"{"path":"a","edits":[]}"#,
            "argument \"edits\" is [], and has to be an array of 1 to 256 objects with old_text and new_text"
        ),
        (
            "edit_file", #"{"path":"a","edits":["x"]}"#,
            "argument \"edits[0]\" is \"x\", and has to be an object with old_text and new_text"
        ),
        (
            "edit_file", #"{"path":"a","edits":[{"old_text":"x","new_text":"y"},{"old_text":"x"}]}"#,
            "argument \"edits[1].new_text\" is missing, and has to be a string of at most 8388608 bytes"
        ),
        (
            "edit_file", #"{"path":"a","edits":[{"old_text":"","new_text":"y"}]}"#,
            "argument \"edits[0].old_text\" is \"\", and has to be a string of 1 to 8388608 bytes"
        ),
        (
            "edit_file", #"{"path":"a","edits":[{"old_text":"x","new_text":"y","all":true}]}"#,
            "unknown argument \"edits[0].all\" (known: new_text, old_text, replace_all)"
        ),
        (
            "apply_patch", #"{"patch":"--- \"a\\q\"\n+++ b\n"}"#,
            "argument \"patch\": the quoted name in its line 1 is broken"
        ),
        (
            "list_directory", #"{"ignore":"*.o"}"#,
            "argument \"ignore\" is \"*.o\", and has to be an array of 0 to 64 strings"
        ),
        (
            "list_directory", #"{"ignore":["a",1]}"#,
            "argument \"ignore[1]\" is 1, and has to be a glob of 1 to 1024 bytes without NUL"
        ),
        (
            "list_directory", #"{"after":"base64:?"}"#,
            "argument \"after\" is \"base64:?\", and has to be the `after` of an answer that was cut"
        ),
        (
            "list_directory", #"{"limit":10001}"#,
            "argument \"limit\" is 10001, and has to be an integer from 1 to 10000"
        ),
        (
            "search_files", #"{"pattern":"a","context_lines":21}"#,
            "argument \"context_lines\" is 21, and has to be an integer from 0 to 20"
        ),
        ("delete_file", #"{"path":"a","force":true}"#, "unknown argument \"force\" (known: path, recursive)"),
        ("list_processes", #"{"all":true}"#, "unknown argument \"all\" (known: it takes none)"),
    ]

    static let programs: [(String, String, String)] = [
        (
            "run_command", "{}",
            "one of the arguments \"command\" (a line for the shell) and \"argv\" (a program and its arguments) has to be there"
        ),
        (
            "start_process", #"{"command":"x","argv":["x"]}"#,
            "the arguments \"command\" and \"argv\" are both there, and only one of them can be"
        ),
        (
            "run_command", #"{"argv":[]}"#,
            "argument \"argv\" is [], and has to be an array of 1 to 10000 strings"
        ),
        ("run_command", #"{"argv":["","x"]}"#, "argument \"argv[0]\" is empty, and has to name a program"),
        (
            "run_command", #"{"argv":["x","\u0000"]}"#,
            "argument \"argv[1]\" is \"\\u0000\", and has to be a string of at most 131071 bytes without NUL"
        ),
        (
            "run_command", #"{"argv":"ls -l"}"#,
            "argument \"argv\" is \"ls -l\", and has to be an array of 1 to 10000 strings"
        ),
        (
            "run_command", #"{"command":"a\u0000"}"#,
            "argument \"command\" is \"a\\u0000\", and has to be a string of 1 to 131071 bytes without NUL"
        ),
        (
            "run_command", #"{"command":"x","timeout_seconds":3601}"#,
            "argument \"timeout_seconds\" is 3601, and has to be an integer from 1 to 3600"
        ),
        (
            "run_command", #"{"command":"x","environment":["A=1"]}"#,
            "argument \"environment\" is [\"A=1\"], and has to be an object of at most 1000 strings without NUL, by their names"
        ),
        (
            "run_command", #"{"command":"x","environment":{"A":1}}"#,
            "argument \"environment.A\" is 1, and has to be a string without NUL"
        ),
        (
            "run_command", #"{"command":"x","environment":{"A":"\u0000"}}"#,
            "argument \"environment.A\" is \"\\u0000\", and has to be a string without NUL"
        ),
        (
            "start_process", #"{"command":"x","environment":{"A=B":"1"}}"#,
            "argument \"environment\" has the name \"A=B\"; the name of a variable is not empty and has no = and no NUL in it"
        ),
        (
            "start_process", #"{"command":"x","environment":{"":"1"}}"#,
            "argument \"environment\" has the name \"\"; the name of a variable is not empty and has no = and no NUL in it"
        ),
        (
            "start_process", #"{"command":"x","environment":{"A\u0000":"1"}}"#,
            "argument \"environment\" has the name \"A␀\"; the name of a variable is not empty and has no = and no NUL in it"
        ),
        (
            "run_code", #"{"language":"cobol","source":"x"}"#,
            "argument \"language\" is \"cobol\", and has to be one of \"python3\", \"bash\", \"sh\", \"perl\", \"node\", \"ruby\", \"lua\", \"php\", \"awk\""
        ),
        (
            "run_code", #"{"language":"sh","source":""}"#,
            "argument \"source\" is \"\", and has to be a string of 1 to 8388608 bytes without NUL"
        ),
        (
            "process_output", #"{"process":0}"#,
            "argument \"process\" is 0, and has to be an integer from 1 to 4294967295"
        ),
        (
            "process_input", #"{"process":1}"#,
            "one of the arguments \"text\", \"base64\" and \"close\" has to be there"
        ),
        (
            "process_input", #"{"process":1,"text":"","base64":""}"#,
            "the arguments \"text\" and \"base64\" are both there, and only one of them can be"
        ),
        (
            "process_input", #"{"process":1,"base64":"a"}"#,
            "argument \"base64\" is \"a\", and has to be base64 (RFC 4648, with padding) of at most 8388608 bytes"
        ),
        (
            "stop_process", #"{"process":1,"signal":"STOP"}"#,
            "argument \"signal\" is \"STOP\", and has to be one of \"TERM\", \"INT\", \"HUP\", \"QUIT\", \"KILL\", \"USR1\", \"USR2\", \"ABRT\", \"ALRM\", \"PIPE\""
        ),
    ]

    @Test(arguments: types + programs)
    func `a wrong argument is named, with what it has to be`(
        tool: String, arguments: String, message: String
    ) async throws {
        try await expect(tool, arguments, fails: message)
    }

    private func expect(_ tool: String, _ arguments: String, fails message: String) async throws {
        let cell = ScriptedCell()
        let called = try await TestedTools.call(tool, arguments, cell)
        #expect(called.result.isError)
        #expect(called.text == message)
        #expect(await cell.fileRequests.isEmpty)
        #expect(await cell.programRequests.isEmpty)
        // Whoever asks for permission first finds the same.
        #expect(throws: Arguments.Fault(message)) { _ = try TestedTools.needs(tool, arguments) }
    }

    // MARK: Sizes

    @Test func `a long value is shown by its beginning`() async throws {
        let path = String(repeating: "p", count: 4096)
        try await expect(
            "file_info", #"{"path":"\#(path)"}"#,
            fails: "argument \"path\" is \"\(path.prefix(59))… (4098 bytes), and has to be \(Self.aPath)")
    }

    @Test func `a path is measured in bytes`() async throws {
        let path = String(repeating: "é", count: 2048)
        try await expect(
            "file_info", #"{"path":"\#(path)"}"#,
            fails: "argument \"path\" is \"\(path.prefix(59))… (4098 bytes), and has to be \(Self.aPath)")
    }

    @Test func `a working directory is measured as a whole`() async throws {
        let path = String(repeating: "p", count: 4090)
        try await expect(
            "run_command", #"{"command":"x","working_directory":"\#(path)"}"#,
            fails: "argument \"working_directory\" is 4101 bytes as \"/workspace/\(path.prefix(29))…\","
                + " and a path is at most 4095")
    }

    @Test func `more than a program can be given is refused with the numbers`() async throws {
        let word = String(repeating: "w", count: 100_000)
        try await expect(
            "run_command", #"{"argv":["a","\#(word)","\#(word)"]}"#,
            fails:
                "the arguments and the environment are 200126 bytes together, and a program can be given at most"
                + " 163840; put what is long into stdin or a file")
        try await expect(
            "start_process", #"{"command":"x","environment":{"LONG":"\#(word)\#(word)"}}"#,
            fails:
                "argument \"environment.LONG\" and its name are 200005 bytes; the kernel takes at most 131071 in one"
        )
    }

    @Test func `a content is measured as what is written`() async throws {
        let text = String(repeating: "A", count: (8 << 20) + 4)
        try await expect(
            "write_file", #"{"path":"a","content":"\#(text)"}"#,
            fails:
                "argument \"content\" is 8388612 bytes, and at most 8388608 can be written at once; write the rest"
                + " with disposition=\"append\"")
        let cell = ScriptedCell(.file(.written(bytes: 1, isNew: true)))
        let called = try await TestedTools.call(
            "write_file", #"{"path":"a","encoding":"base64","content":"\#(text)"}"#, cell)
        #expect(!called.result.isError)
    }
}
