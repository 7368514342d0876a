import Cells
import Foundation
import Glibc
import Linux
import TestSupport
import Testing

@testable import CellWork

@Suite struct ReadTests {
    typealias Part = FileRequest.Read.Part

    @Test(
        "Lines are given whole, and the answer says where it goes on",
        arguments: [
            (Part.lines(first: 1, count: .max), UInt32(100), "one\ntwo\nthree", UInt64(3), true, UInt64(13)),
            (.lines(first: 2, count: 1), 100, "two\n", 1, false, 8),
            (.lines(first: 3, count: 9), 100, "three", 1, true, 13),
            (.lines(first: 4, count: 1), 100, "", 0, true, 13),
            (.lines(first: 1, count: .max), 9, "one\ntwo\n", 2, false, 8),
            (.lines(first: 3, count: 1), 2, "th", 1, false, 10),
            (.bytes(offset: 0, count: .max), 5, "one\nt", 0, false, 5),
            (.bytes(offset: 8, count: 5), 100, "three", 0, true, 13),
            (.bytes(offset: 100, count: 5), 100, "", 0, true, 100),
        ])
    func parts(
        part: Part, limit: UInt32, text: String, lines: UInt64, isComplete: Bool, next: UInt64
    ) throws {
        let cell = try TestCell()
        try cell.put("f", "one\ntwo\nthree")
        let content = try cell.read(.init(path: "f", part: part, limit: limit))
        #expect(content.text == text)
        #expect(content.lineCount == lines)
        #expect(content.isComplete == isComplete)
        #expect(content.nextOffset == next)
        #expect(content.totalSize == 13)
    }

    @Test(
        "Reading on at the next line gives the whole file, whatever the limit",
        arguments: [7, 64, 1000, 300_000])
    func continued(limit: UInt32) throws {
        let cell = try TestCell()
        let text = (1...2000).map { "line \($0)\n" }.joined()
        try cell.put("f", text)
        var (whole, first) = ("", UInt64(1))
        while true {
            // One line alone may be longer than the limit: then by bytes, which this does not test.
            let content = try cell.read(
                .init(path: "f", part: .lines(first: first, count: .max), limit: max(limit, 12)))
            #expect(content.firstLine == first)
            whole += content.text
            if content.isComplete { break }
            first = content.nextLine
        }
        #expect(whole == text)
    }

    @Test("What is no regular file is refused at once, and never waited for")
    func special() throws {
        let cell = try TestCell()
        #expect(unsafe mkfifo(cell.root + "/fifo", 0o644) == 0)
        #expect(unsafe mknod(cell.root + "/socket", S_IFSOCK | 0o644, 0) == 0)
        for name in ["fifo", "socket"] {
            let requests: [FileRequest] = [
                .read(.init(path: name)), .search(.init(path: name, pattern: "a")),
                .write(.init(path: name, data: [1], disposition: .overwrite)),
                .write(.init(path: name, data: [1], disposition: .append)),
                .edit(.init(path: name, replacements: [.init(old: [1], new: [])])),
                .copy(.init(from: name, to: "copy")),
            ]
            for request in requests { #expect(cell.failure(request)?.kind == .specialFile, "\(request)") }
        }
        let devices = FileWork(places: [try Place(opening: "/dev", isWritable: true)])
        #expect { try devices.perform(.read(.init(path: "zero"))) } throws: {
            ($0 as? CellFailure)?.kind == .specialFile
        }
        #expect(cell.failure(.read(.init(path: ".")))?.kind == .notAFile)
        #expect(cell.failure(.read(.init(path: "none")))?.kind == .notFound)
    }

    @Test("A file that shrinks or grows while it is read gives what was there")
    func unsteady() throws {
        let cell = try TestCell()
        try cell.put("f", String(repeating: "x", count: 3 << 20))
        let job = try cell.work.job(for: .read(.init(path: "f", part: .bytes(offset: 0, count: .max))))
        #expect(try job.step() == nil)
        #expect(unsafe truncate(cell.root + "/f", 5) == 0)
        guard case .read(let content)? = try job.step() else { throw TestFault("not at its end") }
        #expect(content.bytes.count == 1 << 20)
        #expect(content.isComplete)

        try cell.put("g", "abc")
        let growing = try cell.work.job(
            for: .read(.init(path: "g", part: .bytes(offset: 0, count: 5), limit: 5)))
        try cell.put("g", "abcdefgh")
        guard case .read(let more)? = try growing.step() else { throw TestFault("not at its end") }
        // put() writes the same file again.
        #expect(more.text == "abcde" && !more.isComplete)
    }

    @Test("A sparse terabyte costs what is asked for, and lines are not counted for ever")
    func sparse() throws {
        let cell = try TestCell()
        try cell.put("f", "one\n")
        #expect(unsafe truncate(cell.root + "/f", 1 << 40) == 0)
        let content = try cell.read(.init(path: "f", part: .bytes(offset: 1 << 39, count: 10)))
        #expect(content.bytes.elementsEqual([UInt8](repeating: 0, count: 10)) && content.totalSize == 1 << 40)
        let failure = cell.failure(.read(.init(path: "f", part: .lines(first: 3, count: 1))))
        #expect(failure?.kind == .tooLarge)
        #expect(failure?.message.contains("line 2") == true && failure?.message.contains("offset") == true)
        #expect(
            cell.failure(.edit(.init(path: "f", replacements: [.init(old: [1], new: [])])))?.kind == .tooLarge
        )
        // Copied as a hole.
        try cell.perform(.copy(.init(from: "f", to: "g")))
        guard case .info(let info) = try cell.perform(.info(path: "g")) else { throw TestFault("no info") }
        #expect(info.size == 1 << 40 && info.allocated < 1 << 20)
        try cell.perform(.search(.init(path: "f", pattern: "one")))
    }

    @Test("Everything that the kernel knows about a file is told, and of a link where it points")
    func info() throws {
        let cell = try TestCell()
        try cell.put("f", "abc", mode: 0o640)
        try cell.link("l", to: "/nowhere")
        guard case .info(let info) = try cell.perform(.info(path: "f")) else { throw TestFault("no info") }
        #expect(info.kind == .regular && info.size == 3 && info.mode == 0o640 && info.links == 1)
        #expect(info.uid == getuid() && info.isWritablePlace && info.place == cell.root)
        #expect(info.modified > 1_600_000_000_000_000_000)
        guard case .info(let link) = try cell.perform(.info(path: "l")) else { throw TestFault("no info") }
        #expect(link.kind == .symbolicLink && link.target?.text == "/nowhere")
        guard case .info(let place) = try cell.perform(.info(path: ".")) else { throw TestFault("no info") }
        #expect(place.kind == .directory)
    }
}
