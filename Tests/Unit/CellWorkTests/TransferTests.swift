import Cells
import Foundation
import Glibc
import Linux
import TestSupport
import Testing

@testable import CellWork

@Suite struct TransferTests {
    @Test("A directory is deleted only empty, or when all of it is meant")
    func delete() throws {
        let cell = try TreeTests.tree()
        let failure = cell.failure(.delete(path: "b", isRecursive: false))
        #expect(failure?.kind == .notEmpty && failure?.message.contains("recursively") == true)
        try cell.perform(.delete(path: "b", isRecursive: true))
        try cell.perform(.delete(path: "c/link", isRecursive: false))
        try cell.perform(.delete(path: "a", isRecursive: false))
        try cell.perform(.makeDirectory(.init(path: "empty")))
        try cell.perform(.delete(path: "empty", isRecursive: false))
        #expect(cell.names == [".hidden", "c", "c/d", "c/d/e.c", "node_modules", "node_modules/z.c"])
        #expect(cell.failure(.delete(path: "a", isRecursive: true))?.kind == .notFound)
    }

    @Test("Directories are made with the mode that was asked for, and twice only where parents are")
    func makeDirectory() throws {
        let cell = try TestCell()
        try cell.perform(.makeDirectory(.init(path: "d", mode: 0o700)))
        #expect(try cell.mode("d") == 0o700)
        #expect(cell.failure(.makeDirectory(.init(path: "d")))?.kind == .exists)
        #expect(cell.failure(.makeDirectory(.init(path: "x/y")))?.kind == .notFound)
        try cell.perform(.makeDirectory(.init(path: "d", makeParents: true)))
        try cell.perform(.makeDirectory(.init(path: "x/y", makeParents: true)))
        #expect(cell.names == ["d", "x", "x/y"])
    }

    @Test("A move replaces nothing unless asked, and takes a link for what it is")
    func move() throws {
        let cell = try TreeTests.tree()
        #expect(cell.failure(.move(.init(from: "a", to: "b/x.c")))?.kind == .exists)
        try cell.perform(.move(.init(from: "a", to: "b/x.c", overwrite: true)))
        #expect(cell.text("b/x.c") == "a" && cell.text("a") == nil)
        try cell.perform(.move(.init(from: "c/link", to: "link")))
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: cell.root + "/link") == "../b")
        #expect(cell.failure(.move(.init(from: "b", to: "b/c")))?.message.contains("into itself") == true)
        #expect(cell.failure(.move(.init(from: "none", to: "some")))?.kind == .notFound)
    }

    @Test("A copy has content, modes, holes and links, and appears whole")
    func copy() throws {
        let cell = try TreeTests.tree()
        try cell.put("b/run", "#!", mode: 0o751)
        try cell.put("b/sparse", "x")
        #expect(unsafe truncate(cell.root + "/b/sparse", 64 << 20) == 0)
        try cell.link("b/dangling", to: "/nowhere")
        guard case .done(let entries, let bytes) = try cell.perform(.copy(.init(from: "b", to: "copy")))
        else {
            throw TestFault("not done")
        }
        #expect(entries == 8 && bytes < 1 << 20)
        #expect(cell.text("copy/x.c") == "b/x.c")
        #expect(try cell.mode("copy/run") == 0o751)
        #expect(
            try FileManager.default.destinationOfSymbolicLink(atPath: cell.root + "/copy/dangling")
                == "/nowhere")
        guard case .info(let info) = try cell.perform(.info(path: "copy/sparse")) else {
            throw TestFault("none")
        }
        #expect(info.size == 64 << 20 && info.allocated < 1 << 20)
        #expect(cell.failure(.copy(.init(from: "b", to: "copy", overwrite: true)))?.kind == .exists)
        #expect(cell.failure(.copy(.init(from: "a", to: "b/x.c")))?.kind == .exists)
        try cell.perform(.copy(.init(from: "a", to: "b/x.c", overwrite: true)))
        #expect(cell.text("b/x.c") == "a" && cell.temporaries.isEmpty)
        #expect(cell.failure(.copy(.init(from: "a", to: "a", overwrite: true)))?.kind == .invalid)
    }

    @Test("A tree that is copied into itself, or has a pipe in it, is refused and leaves nothing")
    func refusedCopies() throws {
        let cell = try TreeTests.tree()
        #expect(cell.failure(.copy(.init(from: "b", to: "b/inner")))?.kind == .invalid)
        #expect(unsafe mkfifo(cell.root + "/b/zz", 0o644) == 0)
        #expect(cell.failure(.copy(.init(from: "b", to: "copy")))?.kind == .specialFile)
        #expect(cell.text("copy/x.c") == nil && cell.temporaries.isEmpty)
    }

    @Test("A copy that is dropped halfway leaves nothing behind")
    func droppedCopy() throws {
        let cell = try TestCell()
        for number in 0..<500 { try cell.put("t/d\(number % 7)/\(number)", "x") }
        do {
            let job = try cell.work.job(for: .copy(.init(from: "t", to: "copy")))
            for _ in 0..<40 { #expect(try job.step() == nil) }
            #expect(!cell.temporaries.isEmpty)
        }
        #expect(cell.temporaries.isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: cell.root) == ["t"])
    }
}
