import Cells
import Testing

@testable import Tools

/// What the cell's answers look like to a client.
struct FileResultTests {
    private func entry(
        _ name: String, _ kind: FileResult.FileKind = .regular, size: UInt64 = 12, exact: Bool = true,
        target: String? = nil
    ) -> FileResult.Listing.Entry {
        FileResult.Listing.Entry(
            name: FileResult.Name(text: name, isExact: exact), kind: kind,
            mode: kind == .directory ? 0o1755 : 0o644, size: size,
            modified: 1_700_000_000_000_000_000, target: target.map { FileResult.Name($0.utf8) })
    }

    @Test func `a list shows entries as ls does`() async throws {
        let listing = FileResult.Listing(
            entries: [
                entry("d", .directory, size: 4096), entry("l", .symbolicLink, target: "d/x"),
                entry("two\nlines"), entry("caf\u{FFFD}", exact: false),
            ], unreadable: 2, cut: nil)
        let called = try await TestedTools.call(
            "list_directory", #"{"path":"src"}"#, ScriptedCell(.file(.entries(listing))))
        #expect(
            called.text == """
                drwxr-xr-t 4096 2023-11-14T22:13:20Z src/d/
                lrw-r--r--   12 2023-11-14T22:13:20Z src/l -> d/x
                -rw-r--r--   12 2023-11-14T22:13:20Z src/two?lines
                -rw-r--r--   12 2023-11-14T22:13:20Z src/caf\u{FFFD} [the name is not UTF-8]
                [2 directories could not be looked into]
                """)
        let entries = try #require(called["entries"]).elements.map(\.self)
        #expect(
            entries.map { $0["path"]?.string } == ["src/d", "src/l", "src/two\nlines", "src/caf\u{FFFD}"])
        #expect(entries[0]["mode"]?.string == "1755")
        #expect(entries[1]["target"]?.string == "d/x")
        #expect(entries[3]["is_lossy"]?.bool == true)
        #expect(called["is_complete"]?.bool == true)
    }

    @Test func `a list that is cut says how it goes on`() async throws {
        for (after, shown) in [(Array("b/c".utf8), "b/c"), ([0xFF], "base64:/w==")] {
            let cut = FileResult.Cut(reason: .limit, after: after, advice: "There is more.")
            let listing = FileResult.Listing(entries: [entry("b/c")], unreadable: 0, cut: cut)
            let called = try await TestedTools.call(
                "find_files", #"{"pattern":"*"}"#, ScriptedCell(.file(.entries(listing))))
            #expect(called.text == "b/c\n[cut: 1 shown; There is more. after=\"\(shown)\"]")
            #expect(called["after"]?.string == shown)
            #expect(called["advice"]?.string == "There is more.")
            #expect(called["is_complete"]?.bool == false)
        }
    }

    @Test func `a list of nothing says so`() async throws {
        let listing = FileResult.Listing(entries: [], unreadable: 0, cut: nil)
        let called = try await TestedTools.call(
            "find_files", #"{"pattern":"*"}"#, ScriptedCell(.file(.entries(listing))))
        #expect(called.text == "[nothing]")
    }

    // MARK: Searching

    private func match(
        _ line: UInt64, _ text: String, before: [String] = [], after: [String] = []
    ) -> FileResult.Findings.Match {
        FileResult.Findings.Match(line: line, column: 3, text: text, before: before, after: after)
    }

    private func findings(_ files: [(String, [FileResult.Findings.Match])]) -> FileResult.Findings {
        var findings = FileResult.Findings()
        findings.files = files.map { .init(name: FileResult.Name($0.0.utf8), matches: $0.1) }
        findings.searchedFiles = 9
        return findings
    }

    @Test func `matches are shown as grep shows them`() async throws {
        var found = findings([("a.c", [match(3, "one"), match(9, "two")]), ("b/c", [match(1, "three")])])
        found.binaryFiles = 2
        found.unreadable = 1
        found.cut = FileResult.Cut(reason: .limit, after: [], advice: "There are more.")
        let called = try await TestedTools.call(
            "search_files", #"{"pattern":"x","path":"src/"}"#, ScriptedCell(.file(.found(found))))
        #expect(
            called.text == """
                src/a.c:3: one
                src/a.c:9: two
                src/b/c:1: three
                [2 binary files were passed over]
                [1 files or directories could not be read]
                [cut: 3 matches shown; There are more.]
                """)
        let matches = try #require(called["matches"]).elements.map(\.self)
        #expect(matches.count == 3)
        #expect(matches[2]["path"]?.string == "src/b/c")
        #expect(matches[2]["line"]?.integer == 1)
        #expect(matches[2]["column"]?.integer == 3)
        #expect(called["is_complete"]?.bool == false)
        #expect(called["advice"]?.string == "There are more.")
    }

    @Test func `a line around matches is shown once, and gaps are marked`() async throws {
        let found = findings([
            (
                "f",
                [
                    match(2, "m2", before: ["l1"], after: ["m3"]),
                    match(3, "m3", before: ["m2"], after: ["l4"]),
                    match(9, "m9", before: ["l8"], after: ["l10"]),
                ]
            ), ("g", [match(1, "m1", after: ["l2"])]),
        ])
        let called = try await TestedTools.call(
            "search_files", #"{"pattern":"m"}"#, ScriptedCell(.file(.found(found))))
        #expect(
            called.text == """
                f-1- l1
                f:2: m2
                f:3: m3
                f-4- l4
                --
                f-8- l8
                f:9: m9
                f-10- l10
                --
                g:1: m1
                g-2- l2
                """)
    }

    @Test func `no matches are a result that says where was looked`() async throws {
        let called = try await TestedTools.call(
            "search_files", #"{"pattern":"m"}"#, ScriptedCell(.file(.found(findings([])))))
        #expect(called.text == "[no matches in 9 files]")
        #expect(!called.result.isError)
    }

    /// The cell names what it found in a file by that file's own name; and in a directory by the path below it.
    @Test func `a match in a file that was named has the path that was asked for`() async throws {
        let found = findings([("x", [match(1, "m")])])
        let isFile = ScriptedCell(.file(.found(found)), .failure(CellFailure(.notADirectory, "x")))
        let called = try await TestedTools.call("search_files", #"{"pattern":"m","path":"d/x"}"#, isFile)
        #expect(called.text == "d/x:1: m")
        #expect(await isFile.fileRequests.last == .info(path: "d/x/x"))

        let isDirectory = ScriptedCell(.file(.found(found)), .file(.info(.sample)))
        let other = try await TestedTools.call(
            "search_files", #"{"pattern":"m","path":"d/x"}"#, isDirectory)
        #expect(other.text == "d/x/x:1: m")
    }

    // MARK: Changing

    @Test func `an edit answers with its difference`() async throws {
        let diff = "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n"
        let changes = FileResult.Changes(
            files: [.init(path: "./f", act: .changed, count: 1, diff: diff)], wasDryRun: false)
        let called = try await TestedTools.call(
            "edit_file", #"{"path":"f","edits":[{"old_text":"a","new_text":"b"}]}"#,
            ScriptedCell(.file(.changed(changes))))
        #expect(called.text == "changed f (1 replacement)\n" + diff)
        let file = try #require(called["files"]?.elements.first { _ in true })
        #expect(file["path"]?.string == "f")
        #expect(file["diff"]?.string == diff)
        #expect(file["act"]?.string == "changed")
    }

    @Test func `a dry run says that nothing was changed`() async throws {
        let changes = FileResult.Changes(
            files: [.init(path: "d/f", act: .deleted, count: 2, diff: "-a")], wasDryRun: true)
        let called = try await TestedTools.call(
            "apply_patch", #"{"patch":"x","dry_run":true}"#, ScriptedCell(.file(.changed(changes))))
        #expect(called.text == "[dry run: nothing was changed]\ndeleted d/f (2 hunks)\n-a\n")
        #expect(called["dry_run"]?.bool == true)
    }

    @Test func `a long difference is cut at the end of a line`() async throws {
        let line = "+" + String(repeating: "x", count: 99) + "\n"
        let diff = String(repeating: line, count: 3000)
        let changes = FileResult.Changes(
            files: [
                .init(path: "f", act: .changed, count: 1, diff: diff),
                .init(path: "g", act: .changed, count: 1, diff: line),
            ], wasDryRun: false)
        let called = try await TestedTools.call(
            "apply_patch", #"{"patch":"x"}"#, ScriptedCell(.file(.changed(changes))))
        let files = try #require(called["files"]).elements.map(\.self)
        let shown = try #require(files[0]["diff"]?.string)
        #expect(shown.utf8.count <= 256 << 10)
        #expect(shown.hasSuffix(line))
        #expect(files.map { $0["diff_is_cut"]?.bool } == [true, true])
        #expect(called.text.contains("x\n[cut: the diff goes on; read_file shows what the file is now]\n"))
    }

    @Test(arguments: [
        ("overwrite", true, "made f: 3 bytes written"),
        ("overwrite", false, "replaced the content of f: 3 bytes written"),
        ("append", false, "appended to f: 3 bytes written"),
    ])
    func `writing says what it did`(disposition: String, isNew: Bool, text: String) async throws {
        let called = try await TestedTools.call(
            "write_file", #"{"path":"f","content":"abc","disposition":"\#(disposition)"}"#,
            ScriptedCell(.file(.written(bytes: 3, isNew: isNew))))
        #expect(called.text == text)
        #expect(called.structured == #"{"path":"f","bytes_written":3,"is_new":\#(isNew)}"#)
    }

    @Test(arguments: [
        ("make_directory", #"{"path":"d"}"#, 1, "made d", #"{"path":"d","is_new":true}"#),
        ("make_directory", #"{"path":"d"}"#, 0, "d was there already", #"{"path":"d","is_new":false}"#),
        ("move_file", #"{"from":"a","to":"b"}"#, 1, "moved a to b", #"{"from":"a","to":"b"}"#),
        (
            "copy_file", #"{"from":"a","to":"b"}"#, 2, "copied a to b: 2 entries, 7 bytes",
            #"{"from":"a","to":"b","entries":2,"bytes":7}"#
        ),
        ("delete_file", #"{"path":"a"}"#, 1, "deleted a (1 entry)", #"{"path":"a","entries":1}"#),
    ])
    func `what was done is said`(
        tool: String, arguments: String, entries: UInt64, text: String, structured: String
    ) async throws {
        let called = try await TestedTools.call(
            tool, arguments, ScriptedCell(.file(.done(entries: entries, bytes: 7))))
        #expect(called.text == text)
        #expect(called.structured == structured)
    }

    @Test func `file_info tells everything`() async throws {
        let called = try await TestedTools.call(
            "file_info", #"{"path":"l"}"#, ScriptedCell(.file(.info(.sample))))
        #expect(
            called.text == """
                path: l
                kind: symlink
                target: a?b
                mode: 777 (lrwxrwxrwx)
                size: 5 bytes, 0 on disk
                owner: uid 1000, gid 100
                links: 1, device 18446744073709551615, inode 7
                modified: 2001-09-09T01:46:40Z
                accessed: 1970-01-01T00:00:00Z
                changed: 1969-12-31T23:59:59Z
                place: /workspace (writable)
                """)
        #expect(called["target"]?.string == "a\nb")
        #expect(called["device"]?.string == "18446744073709551615")
        #expect(called["born"] == nil)
    }
}
