import Cells
import Diff
import Foundation
import TestSupport
import Testing

@testable import CellWork

@Suite struct DiffTests {
    @Test("A diff of anything, applied as a patch, gives the new text", arguments: 0..<300)
    func roundTrip(seed: Int) throws {
        var random = SeededGenerator(seed: seed)
        func text() -> [UInt8] {
            let lines = (0..<Int.random(in: 0...30, using: &random)).map { _ in
                String(
                    repeating: "ab\r".randomElement(using: &random)!,
                    count: Int.random(in: 0...2, using: &random))
            }
            return Array((lines.joined(separator: "\n") + (Bool.random(using: &random) ? "\n" : "")).utf8)
        }
        let (old, new) = (text(), text())
        let diff = UnifiedDiff(path: "f", old: old, new: new)
        guard old != new else {
            #expect(diff.text.isEmpty)
            return
        }
        let patch = try UnifiedPatch(Array(diff.text.utf8))
        #expect(try patch.files[0].apply(to: old) == new)
        #expect(patch.files[0].hunks.count == diff.hunks)
    }

    @Test("A diff is as short as it can be")
    func short() {
        func lines(_ text: String) -> [ArraySlice<UInt8>] { TextLines.of(Array(text.utf8)) }
        // The example of Myers' paper: five differences.
        let changes = LineDiff(lines("a\nb\nc\na\nb\nb\na\n"), lines("c\nb\na\nb\na\nc\n")).changes
        #expect(changes.reduce(0) { $0 + $1.old.count + $1.new.count } == 5)
    }

    @Test("Texts that have nothing in common are replaced as a whole, in bounded time")
    func costly() {
        let old = (0..<20_000).map { "old \($0)\n" }.joined()
        let new = (0..<20_000).map { "new \($0)\n" }.joined()
        let changes = LineDiff(TextLines.of(Array(old.utf8)), TextLines.of(Array(new.utf8))).changes
        #expect(changes == [.init(old: 0..<20_000, new: 0..<20_000)])
    }

    @Test(
        "A name with a newline or a quote is quoted, and read back",
        arguments: ["a\nb", "q\"q", "back\\slash", "\u{1}é"])
    func names(name: String) throws {
        let diff = UnifiedDiff(path: name, old: nil, new: [0x61])
        #expect(try UnifiedPatch(Array(diff.text.utf8)).files[0].path == name)
    }

    @Test("A diff that is too long is cut, and says so")
    func long() {
        let new = [UInt8](repeating: 0x78, count: 3 << 20)
        let diff = UnifiedDiff(path: "f", old: nil, new: new)
        #expect(diff.text.utf8.count < UnifiedDiff.mostBytes + 100)
        #expect(diff.text.hasSuffix("not shown\n"))
    }

    @Test("Every place of a text is found, without overlaps", arguments: 0..<50)
    func places(seed: Int) {
        var random = SeededGenerator(seed: seed)
        func text(_ count: Int) -> [UInt8] {
            (0..<count).map { _ in "ab".utf8.randomElement(using: &random)! }
        }
        let (needle, bytes) = (text(Int.random(in: 1...4, using: &random)), text(200))
        var expected: [Int] = []
        for place in bytes.indices where bytes[place...].starts(with: needle) {
            if let last = expected.last, place < last + needle.count { continue }
            expected.append(place)
        }
        #expect(ByteSearch.places(of: needle, in: bytes, most: 1000) == expected)
        #expect(ByteSearch.places(of: needle, in: bytes, most: 2) == Array(expected.prefix(2)))
    }
}

@Suite struct PatchTests {
    static func patch(_ text: String, dry: Bool = false, in directory: String = ".") -> FileRequest {
        .patch(.init(text: Array(text.utf8), directory: directory, isDryRun: dry))
    }

    static let three = """
        diff --git a/one b/one
        index 123..456 100644
        --- a/one
        +++ b/one
        @@ -1,3 +1,3 @@ heading
         a
        -b
        +B
         c
        --- /dev/null
        +++ b/new/two
        @@ -0,0 +1,2 @@
        +x
        +y
        \\ No newline at end of file
        --- a/three\t2026-01-01
        +++ /dev/null
        @@ -1 +0,0 @@
        -gone

        """

    @Test("Files are changed, made and deleted together, and a dry run does none of it")
    func together() throws {
        let cell = try TestCell()
        try cell.put("one", "a\nb\nc\n", mode: 0o755)
        try cell.put("three", "gone\n")
        let dry = try cell.change(Self.patch(Self.three, dry: true))
        #expect(cell.names == ["one", "three"] && cell.text("one") == "a\nb\nc\n")
        let changes = try cell.change(Self.patch(Self.three))
        #expect(changes.files == dry.files)
        #expect(changes.files.map(\.act) == [.changed, .created, .deleted])
        #expect(cell.text("one") == "a\nB\nc\n" && cell.text("new/two") == "x\ny")
        #expect(try cell.mode("one") == 0o755)
        #expect(cell.names == ["new", "new/two", "one"])
    }

    @Test("When the third file does not fit, the first two stay as they were")
    func thirdFails() throws {
        let cell = try TestCell()
        try cell.put("one", "a\nb\nc\n")
        try cell.put("three", "not that\n")
        let failure = cell.failure(Self.patch(Self.three))
        #expect(failure?.kind == .patchFailed)
        #expect(failure?.message.contains("three") == true && failure?.message.contains("`not that`") == true)
        #expect(cell.text("one") == "a\nb\nc\n" && cell.text("three") == "not that\n")
        #expect(cell.names == ["one", "three"])
    }

    @Test("When the third rename fails, the ones before it are taken back")
    func thirdRenameFails() throws {
        let cell = try TestCell()
        try cell.put("one", "a\nb\nc\n")
        try cell.put("three", "gone\n")
        do {
            let job = try cell.work.job(for: Self.patch(Self.three))
            for _ in 0..<3 { #expect(try job.step() == nil) }
            try cell.put("three", "somebody else's\n")
            #expect { _ = try job.step() } throws: { ($0 as? CellFailure)?.kind == .changedMeanwhile }
        }
        #expect(cell.text("one") == "a\nb\nc\n" && cell.text("three") == "somebody else's\n")
        #expect(cell.names == ["one", "three"])
    }

    @Test("A patch that is dropped before its end leaves no file behind")
    func dropped() throws {
        let cell = try TestCell()
        try cell.put("one", "a\nb\nc\n")
        do {
            let job = try cell.work.job(for: Self.patch(Self.three))
            #expect(try job.step() == nil)
            #expect(try job.step() == nil)
            #expect(cell.temporaries.count == 2)
        }
        #expect(cell.names == ["one"] && cell.text("one") == "a\nb\nc\n")
    }

    @Test(
        "A hunk is found where other lines have moved it, but not just anywhere",
        arguments: [(0, true), (400, true), (1200, false)])
    func moved(lines: Int, fits: Bool) throws {
        let cell = try TestCell()
        let front = String(repeating: "-\n", count: lines)
        try cell.put("d/one", front + "a\nb\nc\n")
        let text = "--- one\n+++ one\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"
        if fits {
            try cell.perform(Self.patch(text, in: "d"))
            #expect(cell.text("d/one") == front + "a\nB\nc\n")
        } else {
            #expect(cell.failure(Self.patch(text, in: "d"))?.kind == .patchFailed)
        }
    }

    @Test(
        "What is not a patch of plain files is refused, and says why",
        arguments: [
            ("", "names no file"), ("hello\n", "names no file"),
            ("--- a/x\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n", "rename"),
            ("rename from a\nrename to b\n", "rename"), ("GIT binary patch\n", "binary"),
            ("old mode 100644\nnew mode 100755\n", "mode"),
            ("--- a/x\n+++ b/x\n", "no hunk"), ("--- /dev/null\n+++ /dev/null\n", "/dev/null"),
            ("--- a/x\n+++ b/x\n@@ -1,2 +1 @@\n-a\n", "ends inside"),
            ("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n-b\n+c\n", "more lines"),
            ("--- a/x\n+++ b/x\n@@ -1 +1 @@\n*a\n", "begins with none"),
            ("--- a/x\n+++ b/x\n@@ -x +1 @@\n-a\n", "head"), ("@@ -1 +1 @@\n-a\n+b\n", "before the file"),
            ("--- /dev/null\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n", "new file"),
            ("--- a/x\n+++ /dev/null\n@@ -1 +1 @@\n-a\n+b\n", "keeps lines"),
            ("--- \"a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n", "quoted"),
        ])
    func refused(text: String, reason: String) throws {
        let cell = try TestCell()
        try cell.put("x", "a\n")
        let failure = cell.failure(Self.patch(text))
        #expect(failure?.kind == .patchFailed)
        #expect(failure?.message.contains(reason) == true, "\(failure?.message ?? "")")
        #expect(cell.text("x") == "a\n")
    }

    @Test("A patch cannot leave its place", arguments: ["../outside/secret", "/etc/passwd"])
    func leaves(path: String) throws {
        let cell = try TestCell()
        let text = "--- \(path)\n+++ \(path)\n@@ -1 +1 @@\n-secret\n+x\n"
        #expect(cell.failure(Self.patch(text))?.kind == .outsidePlaces)
    }

    @Test("Random bytes in a patch are refused or understood, and never trap", arguments: 0..<20)
    func mutated(seed: Int) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            var bytes = Array(Self.three.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: bytes.indices, using: &random)
                bytes[place] = bytes.randomElement(using: &random)! ^ (Bool.random(using: &random) ? 0 : 0x81)
            }
            guard let patch = try? UnifiedPatch(bytes) else { continue }
            for file in patch.files { _ = try? file.apply(to: Array("a\nb\nc\ngone\n".utf8)) }
        }
    }
}
