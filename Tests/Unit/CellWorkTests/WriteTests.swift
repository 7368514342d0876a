import Cells
import Foundation
import Glibc
import Linux
import TestSupport
import Testing

@testable import CellWork

@Suite struct WriteTests {
    typealias Write = FileRequest.Write

    @Test("A new file is created where nothing is, and replaced or continued where asked")
    func dispositions() throws {
        let cell = try TestCell()
        #expect(try cell.perform(.write(Write(path: "f", data: [0x61]))) == .written(bytes: 1, isNew: true))
        #expect(cell.failure(.write(Write(path: "f", data: [0x62])))?.kind == .exists)
        #expect(cell.text("f") == "a")
        let append = Write(path: "f", data: [0x62, 0x63], disposition: .append)
        #expect(try cell.perform(.write(append)) == .written(bytes: 2, isNew: false))
        #expect(cell.text("f") == "abc")
        let replace = Write(path: "f", data: [0x64], disposition: .overwrite)
        #expect(try cell.perform(.write(replace)) == .written(bytes: 1, isNew: false))
        #expect(cell.text("f") == "d")
        let fresh = Write(path: "g", data: [0x65], disposition: .append)
        #expect(try cell.perform(.write(fresh)) == .written(bytes: 1, isNew: true))
        #expect(cell.names == ["f", "g"])
    }

    @Test("A replaced file keeps its mode, and a mode that is asked for is exact")
    func modes() throws {
        let cell = try TestCell()
        try cell.put("f", mode: 0o751)
        try cell.perform(.write(Write(path: "f", data: [], disposition: .overwrite)))
        #expect(try cell.mode("f") == 0o751)
        try cell.perform(.write(Write(path: "g", data: [], mode: 0o777)))
        #expect(try cell.mode("g") == 0o777)
    }

    @Test("Parents are made only where asked")
    func parents() throws {
        let cell = try TestCell()
        #expect(cell.failure(.write(Write(path: "a/b/c", data: [])))?.kind == .notFound)
        try cell.perform(.write(Write(path: "a/b/c", data: [], makeParents: true)))
        try cell.perform(.write(Write(path: "a/b/d", data: [], makeParents: true)))
        do {
            let dropped = try cell.work.job(for: .write(Write(path: "p/q/r", data: [1], makeParents: true)))
            #expect(try dropped.step() == nil)
            #expect(cell.names.contains("p/q"))
        }
        #expect(cell.names == ["a", "a/b", "a/b/c", "a/b/d"])
        #expect(
            cell.failure(.write(Write(path: "a/b/c/x", data: [], makeParents: true)))?.kind == .notADirectory)
    }

    @Test("A large file is written in steps, unseen until the last; a dropped job leaves nothing")
    func steps() throws {
        let cell = try TestCell()
        try cell.put("f", "old")
        let data = [UInt8](repeating: 0x78, count: 3 << 20)
        func begin() throws -> any FileJob {
            try cell.work.job(for: .write(Write(path: "f", data: data, disposition: .overwrite)))
        }
        do {
            let job = try begin()
            #expect(try job.step() == nil)
            #expect(try job.step() == nil)
            #expect(cell.temporaries.count == 1)
            #expect(cell.text("f") == "old")
        }
        #expect(cell.names == ["f"])
        let job = try begin()
        var steps = 1
        while try job.step() == nil { steps += 1 }
        #expect(steps == 4)
        #expect(cell.text("f")?.utf8.count == data.count)
        #expect(cell.names == ["f"])
    }

    @Test("On a full file system nothing changes, and the failure says what limits it")
    func full() throws {
        let cell = try TestCell()
        try File.makeDirectory(cell.root + "/small", mode: 0o755)
        guard unsafe mount("none", cell.root + "/small", "tmpfs", 0, "size=64k") == 0 else {
            #expect(ProcessInfo.processInfo.environment["CLOISTER_MUST_RUN"] != "1", "cannot mount: \(errno)")
            print("skipped: mounting a small file system takes root")
            return
        }
        defer { unsafe umount2(cell.root + "/small", CInt(MNT_DETACH)) }
        func small() throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: cell.root + "/small").sorted()
        }
        try cell.put("small/f", "old")
        let data = [UInt8](repeating: 1, count: 1 << 20)
        for disposition in [Write.Disposition.overwrite, .append] {
            let failure = cell.failure(.write(Write(path: "small/f", data: data, disposition: disposition)))
            #expect(failure?.kind == .noSpace)
            #expect(failure?.message.contains("workspace") == true)
            #expect(cell.text("small/f") == "old", "\(disposition)")
        }
        try cell.put("big", bytes: data)
        #expect(cell.failure(.copy(.init(from: "big", to: "small/big")))?.kind == .noSpace)
        #expect(cell.failure(.move(.init(from: "big", to: "small/big")))?.kind == .noSpace)
        #expect(try small() == ["f"])
        // And across file systems what fits is moved.
        try cell.put("little", "x")
        try cell.perform(.move(.init(from: "little", to: "small/little")))
        #expect(try small() == ["f", "little"] && cell.text("little") == nil)
        try cell.put("dir/x", "x")
        // A tree with another one mounted in it is not deleted with it.
        try File.makeDirectory(cell.root + "/dir/mount", mode: 0o755)
        #expect(
            unsafe mount(cell.root + "/small", cell.root + "/dir/mount", nil, UInt(MS_BIND), nil)
                == 0)
        for path in ["dir", "dir/mount"] {
            #expect(cell.failure(.delete(path: path, isRecursive: true))?.kind == .invalid)
        }
        #expect(unsafe umount2(cell.root + "/dir/mount", CInt(MNT_DETACH)) == 0)
        #expect(try small() == ["f", "little"])
        #expect(
            cell.failure(.move(.init(from: "dir", to: "small/dir")))?.message.contains("file system") == true)
    }
}

@Suite struct EditTests {
    func edit(_ path: String, _ pairs: [(String, String)], all: Bool = false, dry: Bool = false)
        -> FileRequest
    {
        .edit(
            .init(
                path: path,
                replacements: pairs.map {
                    .init(old: Array($0.0.utf8), new: Array($0.1.utf8), replaceAll: all)
                },
                isDryRun: dry))
    }

    @Test("Replacements are made in order, each seeing the one before, and shown as a diff")
    func inOrder() throws {
        let cell = try TestCell()
        try cell.put("f", "one\ntwo\nthree\n", mode: 0o600)
        let changes = try cell.change(edit("f", [("two", "2"), ("2\n", "zwei\nund\n")]))
        #expect(cell.text("f") == "one\nzwei\nund\nthree\n")
        #expect(try cell.mode("f") == 0o600)
        #expect(changes.files[0].count == 2)
        #expect(
            changes.files[0].diff == "--- a/f\n+++ b/f\n@@ -1,3 +1,4 @@\n one\n-two\n+zwei\n+und\n three\n")
    }

    @Test("A dry run shows the same and writes nothing")
    func dryRun() throws {
        let cell = try TestCell()
        try cell.put("f", "a a a")
        let dry = try cell.change(edit("f", [("a", "bb")], all: true, dry: true))
        #expect(cell.text("f") == "a a a" && dry.wasDryRun)
        let real = try cell.change(edit("f", [("a", "bb")], all: true))
        #expect(cell.text("f") == "bb bb bb")
        #expect(dry.files == real.files && real.files[0].count == 3)
        #expect(real.files[0].diff.contains("\\ No newline at end of file"))
    }

    @Test("What is there twice, or not at all, is refused with the lines in question")
    func refused() throws {
        let cell = try TestCell()
        let text = "func a() {\n    return 1\n}\nfunc b() {\n    return 1\n}\n"
        try cell.put("f", text)
        let twice = cell.failure(edit("f", [("return 1", "return 2")]))
        #expect(twice?.kind == .ambiguous && twice?.message.contains("lines 2 and 5") == true)
        let blanks = cell.failure(edit("f", [("func  b()  {\n", "x")]))
        #expect(blanks?.kind == .noMatch)
        #expect(blanks?.message.contains("line 4: `func b() {`, which differs only in blanks") == true)
        let none = cell.failure(edit("f", [("func a", "func z"), ("zzzzzz", "")]))
        #expect(none?.kind == .noMatch && none?.message.contains("replacement 2") == true)
        #expect(cell.failure(edit("f", [("", "x")]))?.kind == .invalid)
        #expect(cell.text("f") == text)
    }

    @Test("A file that somebody changes meanwhile is left as they made it")
    func meanwhile() throws {
        let cell = try TestCell()
        try cell.put("f", "one")
        let job = try cell.work.job(for: edit("f", [("one", "two")]))
        #expect(try job.step() == nil)
        try cell.put("f", "one and more")
        #expect(try job.step() == nil)
        #expect { _ = try job.step() } throws: { ($0 as? CellFailure)?.kind == .changedMeanwhile }
        #expect(cell.text("f") == "one and more")
    }

    @Test("Bytes that are not UTF-8 survive an edit")
    func binary() throws {
        let cell = try TestCell()
        try cell.put("f", bytes: [0xFF, 0x00, 0x61, 0xFE])
        try cell.perform(edit("f", [("a", "b")]))
        #expect(try cell.read(.init(path: "f")).bytes == [0xFF, 0x00, 0x62, 0xFE])
    }
}
