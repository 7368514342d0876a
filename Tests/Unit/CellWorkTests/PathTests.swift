import Cells
import Foundation
import Glibc
import Linux
import TestSupport
import Testing

@testable import CellWork

@Suite struct PathTests {
    static func resolver() throws -> PathResolver {
        PathResolver(
            places: try ["/workspace", "/home/anna", "/home/anna/project", "/usr"].map {
                try Place(path: $0, directory: File.open("/tmp", [.path, .directory]), isWritable: true)
            })
    }

    @Test(
        "A path is found in the longest place that it begins with",
        arguments: [
            ("a/b", "/workspace", "a/b"), (".", "/workspace", "."), ("./a//b/", "/workspace", "a/b"),
            ("a/../b", "/workspace", "b"), ("/workspace", "/workspace", "."),
            ("/usr/lib/../bin", "/usr", "bin"), ("/home/anna/x", "/home/anna", "x"),
            ("/home/anna/project/x", "/home/anna/project", "x"),
            ("/home/anna/x/../project/y", "/home/anna/project", "y"),
            ("/home/anna/projects", "/home/anna", "projects"), ("a\nb", "/workspace", "a\nb"),
            ("/./usr/./bin", "/usr", "bin"), ("..a/...", "/workspace", "..a/..."),
        ])
    func found(path: String, place: String, rest: String) throws {
        let location = try Self.resolver().locate(path)
        #expect(location.place.path == place)
        #expect(location.relative.description == rest)
    }

    @Test(
        "A path that leaves its place in writing is refused, and what there is instead is said",
        arguments: [
            "..", "../x", "a/../../workspace/b", "/", "/etc/passwd", "/workspace/../etc/passwd",
            "/workspace/..", "/home", "/home/annabel", "/home/anna/project/../x/../../../etc",
            "/usr/../workspace/x", "/../workspace",
        ])
    func left(path: String) throws {
        let resolver = try Self.resolver()
        #expect {
            try resolver.locate(path)
        } throws: {
            guard let failure = $0 as? CellFailure else { return false }
            return failure.kind == .outsidePlaces && failure.message.contains("/home/anna/project")
                && failure.message.contains("fileview")
        }
    }

    @Test("A NUL in a path is refused, and so is no path", arguments: ["a\0b", "\0", ""])
    func invalid(path: String) throws {
        let resolver = try Self.resolver()
        #expect { try resolver.locate(path) } throws: { ($0 as? CellFailure)?.kind == .invalid }
    }

    @Test("A symbolic link inside its place works, for reading, writing and in the middle of a path")
    func linksInside() throws {
        let cell = try TestCell()
        try cell.put("real/a", "one")
        try cell.link("link", to: "real")
        try cell.link("real/up", to: "../real/a")
        #expect(try cell.read(.init(path: "link/a")).text == "one")
        #expect(try cell.read(.init(path: "real/up")).text == "one")
        try cell.perform(.write(.init(path: "link/up", data: Array("two".utf8), disposition: .overwrite)))
        #expect(cell.text("real/a") == "two")
        #expect(
            try FileManager.default.destinationOfSymbolicLink(atPath: cell.root + "/real/up") == "../real/a")
    }

    @Test(
        "A symbolic link that leads out is refused for every request, and nothing outside is touched",
        arguments: [
            "../outside/secret", "/etc/hostname", "sub/../../outside/secret", "self", "/proc/self/exe",
        ])
    func linksOutside(target: String) throws {
        let cell = try TestCell()
        try cell.put("sub/x")
        try cell.link("self", to: "self2")
        try cell.link("self2", to: "self")
        try cell.link("link", to: target)
        let data: [UInt8] = [1]
        let requests: [FileRequest] = [
            .read(.init(path: "link")), .write(.init(path: "link", data: data, disposition: .overwrite)),
            .write(.init(path: "link", data: data, disposition: .append)),
            .edit(.init(path: "link", replacements: [.init(old: data, new: [])])),
            .search(.init(path: "link", pattern: "s")), .copy(.init(from: "link", to: "copy")),
            .copy(.init(from: "sub/x", to: "link", overwrite: true)), .list(.init(path: "link")),
        ]
        for request in requests { #expect(cell.failure(request)?.kind == .leadsOut, "\(request)") }
        #expect(try File.readText(cell.outside + "/secret") == "secret")
        #expect(cell.text("copy") == nil)
    }

    @Test("A directory link that leads out is refused in the middle of a path")
    func directoryLinkOutside() throws {
        let cell = try TestCell()
        try cell.link("out", to: "../outside")
        let requests: [FileRequest] = [
            .read(.init(path: "out/secret")), .info(path: "out/secret"), .list(.init(path: "out")),
            .delete(path: "out/secret", isRecursive: false), .makeDirectory(.init(path: "out/d")),
            .move(.init(from: "out/secret", to: "mine")), .write(.init(path: "out/new", data: [])),
            .write(.init(path: "out/deep/new", data: [], makeParents: true)),
        ]
        for request in requests { #expect(cell.failure(request)?.kind == .leadsOut, "\(request)") }
        #expect(try FileManager.default.contentsOfDirectory(atPath: cell.outside) == ["secret"])
        // The link itself belongs to the workspace.
        try cell.perform(.delete(path: "out", isRecursive: true))
        #expect(try File.readText(cell.outside + "/secret") == "secret")
    }

    @Test("A place for reading refuses every change, and says what would allow it")
    func readOnly() throws {
        let cell = try TestCell()
        let path = cell.directory.path + "/readonly/x"
        let requests: [FileRequest] = [
            .write(.init(path: path, data: [])), .delete(path: path, isRecursive: true),
            .makeDirectory(.init(path: path)), .move(.init(from: path, to: "y")),
            .copy(.init(from: "a", to: path)),
            .edit(.init(path: path, replacements: [.init(old: [1], new: [])])),
        ]
        for request in requests {
            let failure = cell.failure(request)
            #expect(failure?.kind == .readOnlyPlace)
            #expect(failure?.message.contains("administrator") == true)
        }
    }

    @Test(
        "The kernel's refusals name a wall and what would allow it",
        arguments: [EACCES, EPERM, EROFS, ENOSPC, EDQUOT, EFBIG])
    func explained(number: CInt) throws {
        let place = try Place(opening: "/tmp", isWritable: true)
        let failure = CellFailure(SystemError("openat2", Errno(rawValue: number)), at: "a", in: place)
        #expect(failure.errno == number && failure.call == "openat2")
        #expect(failure.message.contains("wall") && failure.message.contains("administrator"))
    }

    @Test("A name with a newline is a name; one that is not UTF-8 is shown lossily and marked")
    func strangeNames() throws {
        let cell = try TestCell()
        try cell.perform(.write(.init(path: "a\nb", data: [1])))
        let raw: [CChar] = (cell.root + "/").utf8.map { CChar(bitPattern: $0) } + [0x7A, -1, 0]
        let fd = unsafe creat(raw, 0o644)
        #expect(fd >= 0)
        close(fd)
        let names = try cell.list(.init(path: ".")).entries.map(\.name)
        #expect(names == [.init(text: "a\nb", isExact: true), .init(text: "z\u{FFFD}", isExact: false)])
        #expect(try cell.read(.init(path: "a\nb")).bytes == [1])
    }

    @Test("The place itself is neither deleted nor moved", arguments: [".", "a/.."])
    func placeStays(path: String) throws {
        let cell = try TestCell()
        #expect(cell.failure(.delete(path: path, isRecursive: true))?.kind == .invalid)
        #expect(cell.failure(.move(.init(from: path, to: "b")))?.kind == .invalid)
    }
}
