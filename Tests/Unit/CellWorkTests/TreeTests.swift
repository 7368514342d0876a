import Cells
import Foundation
import Glibc
import Linux
import TestSupport
import Testing

@testable import CellWork

@Suite struct TreeTests {
    static func tree() throws -> TestCell {
        let cell = try TestCell()
        for name in ["b/x.c", "b/y.h", "a", "b/.git/config", ".hidden", "c/d/e.c", "node_modules/z.c"] {
            try cell.put(name, name)
        }
        try cell.link("c/link", to: "../b")
        return cell
    }

    @Test("A list is in the order of bytes, each directory before what is in it, and no link is followed")
    func order() throws {
        let cell = try Self.tree()
        let list = try cell.list(
            .init(path: ".", depth: 9, ignores: [".git", "node_modules"], includeHidden: true))
        #expect(
            list.entries.map(\.name.text) == [
                ".hidden", "a", "b", "b/x.c", "b/y.h", "c", "c/d", "c/d/e.c", "c/link",
            ])
        #expect(list.cut == nil)
        let link = try #require(list.entries.last)
        #expect(link.kind == .symbolicLink && link.target?.text == "../b")
        let file = try #require(list.entries.first { $0.name.text == "b/x.c" })
        #expect(file.kind == .regular && file.size == 5 && file.mode == 0o644)
    }

    @Test(
        "Depth, hidden names and ignores leave out what they say",
        arguments: [
            (UInt32(1), true, [String](), [".hidden", "a", "b", "c", "node_modules"]),
            (1, false, [], ["a", "b", "c", "node_modules"]),
            (2, false, ["node_modules"], ["a", "b", "b/x.c", "b/y.h", "c", "c/d", "c/link"]),
            (9, false, ["b/*.c", "c/**", "n*"], ["a", "b", "b/y.h", "c"]),
        ])
    func leftOut(depth: UInt32, hidden: Bool, ignores: [String], names: [String]) throws {
        let cell = try Self.tree()
        let list = try cell.list(.init(path: ".", depth: depth, ignores: ignores, includeHidden: hidden))
        #expect(list.entries.map(\.name.text) == names)
    }

    @Test("Who asks for the rest gets it, whatever the limit", arguments: [1, 2, 3, 7, 100])
    func continued(limit: UInt32) throws {
        let cell = try Self.tree()
        let whole = try cell.list(.init(path: ".", depth: 9)).entries
        var (parts, after) = ([FileResult.Listing.Entry](), [UInt8]())
        while true {
            let list = try cell.list(.init(path: ".", depth: 9, limit: limit, after: after))
            parts += list.entries
            guard let cut = list.cut else { break }
            #expect(list.entries.count == Int(limit) && cut.reason == .limit)
            after = cut.after
        }
        #expect(parts == whole)
    }

    @Test(
        "Find gives what a glob matches",
        arguments: [
            ("*.c", ["b/x.c", "c/d/e.c", "node_modules/z.c"]), ("b/*", ["b/.git", "b/x.c", "b/y.h"]),
            ("**/*.{c,h}", ["b/x.c", "b/y.h", "c/d/e.c", "node_modules/z.c"]), ("c/**/e.c", ["c/d/e.c"]),
            ("[!bc]", ["a", "c/d"]), ("nothing", []),
        ])
    func find(glob: String, names: [String]) throws {
        let cell = try Self.tree()
        guard case .entries(let found) = try cell.perform(.find(.init(path: ".", glob: glob))) else {
            throw TestFault("no entries")
        }
        #expect(found.entries.map(\.name.text) == names)
    }

    @Test("A directory that is swapped for a link between two steps is not followed")
    func swapped() throws {
        let cell = try TestCell()
        try cell.put("d/inside")
        try cell.put("e/x")
        let walk = TreeWalk(try cell.work.resolver.locate(".").openDirectory(), TreeWalk.Rules())
        var names: [String] = []
        while true {
            let step = try walk.next()
            if case .end = step { break }
            guard case .visit(let visit) = step else { continue }
            names.append(visit.name.description)
            if visit.name.description == "d" {
                try FileManager.default.moveItem(atPath: cell.root + "/d", toPath: cell.root + "/moved")
                try cell.link("d", to: "../outside")
            }
        }
        #expect(names == ["d", "e", "x"])
        #expect(walk.unreadable == 1)
    }

    @Test("A directory that is swapped for a link while its tree is deleted costs nobody else anything")
    func swappedWhileDeleting() throws {
        let cell = try TestCell()
        for number in 0..<600 { try cell.put("tree/\(number)") }
        try cell.put("tree/zz/inside")
        let job = try cell.work.job(for: .delete(path: "tree", isRecursive: true))
        #expect(try job.step() == nil)
        // The next step would enter it.
        if FileManager.default.fileExists(atPath: cell.root + "/tree/zz") {
            try FileManager.default.removeItem(atPath: cell.root + "/tree/zz")
            try cell.link("tree/zz", to: "../../outside")
        }
        _ = try? job.step()
        _ = try? job.step()
        #expect(try File.readText(cell.outside + "/secret") == "secret")
    }

    @Test("Twenty thousand names in one directory are listed in steps, and cut where asked")
    func crowded() throws {
        let cell = try TestCell()
        try cell.put("d/0")
        for number in 1..<20_000 { close(unsafe creat(cell.root + "/d/\(number)", 0o644)) }
        let job = try cell.work.job(for: .list(.init(path: "d", limit: 15_000)))
        var steps = 1
        var answer = try job.step()
        while answer == nil {
            steps += 1
            answer = try job.step()
        }
        guard case .entries(let list)? = answer else { throw TestFault("no entries") }
        #expect(list.entries.count == 15_000 && steps > 10)
        let rest = try cell.list(.init(path: "d", limit: 15_000, after: try #require(list.cut).after))
        #expect(rest.entries.count == 5_000 && rest.cut == nil)
        #expect(Set((list.entries + rest.entries).map(\.name.text)).count == 20_000)
        #expect(try cell.perform(.delete(path: "d", isRecursive: true)) == .done(entries: 20_001, bytes: 0))
    }

    @Test(
        "A tree two thousand directories deep is listed, searched, copied and deleted, with few descriptors")
    func deep() throws {
        let cell = try TestCell()
        try File.makeDirectory(cell.root + "/top", mode: 0o755)
        let root = try Place(opening: cell.root, isWritable: true)
        var here = try root.directory.child(FileName("top"))
        let name = FileName("directory")
        for _ in 1..<2000 {
            try here.fd.makeDirectory(name, mode: 0o755)
            here = try here.child(name)
        }
        var flags: File.OpenFlags = [.create]
        flags.insert(.writeOnly)
        _ = try here.fd.open(FileName("needle"), flags, mode: 0o644).write([0x61, 0x62].span)

        let list = try cell.list(.init(path: "top", depth: 10_000, limit: 10_000))
        // Nineteen megabytes of paths are more than an answer has: what is there says how to get on.
        #expect(list.entries.count > 800)
        let cut = try #require(list.cut)
        let more = try cell.list(.init(path: "top", depth: 10_000, limit: 10, after: cut.after))
        #expect(more.entries.first.map { $0.name.text.utf8.count > cut.after.count } == true)
        let search = try cell.search(.init(path: "top", pattern: "ab"))
        #expect(search.files.count == 1 && search.unreadable == 0)
        #expect(try cell.perform(.copy(.init(from: "top", to: "copy"))) == .done(entries: 2001, bytes: 2))
        for name in ["top", "copy"] {
            #expect(
                try cell.perform(.delete(path: name, isRecursive: true)) == .done(entries: 2001, bytes: 0))
        }
        #expect(cell.names.isEmpty)
    }

}

@Suite struct CrowdedDirectoryTests {
    @Test(
        "Of a directory with more names than are held, the rest can be asked for", arguments: [2, 3, 7, 50])
    func overcrowded(most: Int) throws {
        let cell = try TestCell()
        let names = (10..<60).map(String.init)
        for name in names { try cell.put("d/\(name)") }
        var (seen, after) = ([String](), [UInt8]())
        repeat {
            var rules = TreeWalk.Rules(after: after)
            rules.mostNames = most
            let walk = TreeWalk(try cell.work.resolver.locate(".").openDirectory(), rules)
            after = try Self.follow(walk, &seen)
        } while !after.isEmpty
        #expect(seen == ["d"] + names)
    }

    /// Where to go on; nothing at the end.
    static func follow(_ walk: TreeWalk, _ seen: inout [String]) throws -> [UInt8] {
        while true {
            switch try walk.next() {
            case .visit(let visit): seen.append(visit.name.description)
            case .crowded(let last): return last
            case .pause: continue
            case .end: return []
            }
        }
    }
}

@Suite struct GlobTests {
    @Test(
        "A glob matches what it says",
        arguments: [
            ("*.swift", "a/b.swift", true), ("*.swift", "b.swiftx", false), ("a?c", "abc", true),
            ("a?c", "a/c", false), ("[a-c]x", "bx", true), ("[!a-c]x", "bx", false), ("[]]", "]", true),
            ("\\*", "*", true), ("\\*", "a", false), ("{a,b{c,d}}", "bd", true), ("{a,b}", "c", false),
            ("a/**", "a/b/c", true), ("a/**/c", "a/c", true), ("**/c", "c", true), ("**", "x/y", true),
            ("/a", "b/a", false), ("a/**", "a", false), ("/a/b", "a/b", true), ("src/*", "src/a/b", false),
            ("a*b*c", "aXbXbc", true),
            ("a/**/b/**/c", "a/x/b/y/b/z/c", true), ("é*", "éa", true), ("build/", "x/build", false),
        ])
    func matches(glob: String, path: String, isMatch: Bool) throws {
        let name = path.utf8.split(separator: UInt8(ascii: "/")).last!
        #expect(try Glob(glob).matches(path: path.utf8, name: name) == isMatch)
    }

    @Test(
        "A glob that is not one is refused",
        arguments: ["", "/", "[a", "a\\", "{a", "[z-a]", "{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"])
    func refused(glob: String) {
        #expect { _ = try Glob(glob) } throws: { ($0 as? CellFailure)?.kind == .badPattern }
    }

    @Test("A hostile glob is quick")
    func hostile() throws {
        let glob = try Glob(String(repeating: "*a", count: 500) + "b")
        let name = [UInt8](repeating: 0x61, count: 255)
        for _ in 0..<20 { #expect(!glob.matches(path: name, name: name)) }
    }
}
