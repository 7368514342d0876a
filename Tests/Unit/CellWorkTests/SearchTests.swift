import Cells
import Foundation
import Glibc
import Linux
import TestSupport
import Testing

@testable import CellWork

@Suite struct SearchTests {
    static func search(_ pattern: String, _ change: (inout FileRequest.Search) -> Void = { _ in })
        -> FileRequest.Search
    {
        var search = FileRequest.Search(path: ".", pattern: pattern)
        change(&search)
        return search
    }

    @Test("A match has its file, line, column and the lines around it")
    func context() throws {
        let cell = try TestCell()
        try cell.put("b/f", "one\ntwo\nthree here\nfour\nfive\n")
        try cell.put("a", "nothing\n")
        let found = try cell.search(Self.search("here|five") { $0.contextLines = 1 })
        let file = try #require(found.files.first)
        #expect(file.name.text == "b/f")
        #expect(
            file.matches == [
                .init(line: 3, column: 7, text: "three here", before: ["two"], after: ["four"]),
                .init(line: 5, column: 1, text: "five", before: ["four"], after: []),
            ])
        #expect(found.searchedFiles == 2 && found.searchedBytes == 37)
    }

    @Test(
        "A pattern is of lines",
        arguments: [
            ("^b$", [2]), ("a\\nb", []), ("[^x]+", [1, 2, 3, 4]), ("^", [1, 2, 3, 4]), ("$", [1, 2, 3, 4]),
            ("\\s", [4]), ("b\\s*c", []), ("c\\s*", [3]), ("x*", [1, 2, 3, 4]), ("(?s).*c", [3]),
            ("\\z", [4]),
        ] as [(String, [UInt64])])
    func lines(pattern: String, expected: [UInt64]) throws {
        let cell = try TestCell()
        try cell.put("f", "a\nb\nc\nd e")
        #expect(try cell.search(Self.search(pattern)).files.flatMap(\.matches).map(\.line) == expected)
    }

    @Test("Literal text, case and globs are as asked for")
    func options() throws {
        let cell = try TestCell()
        try cell.put("x.c", "a.b(\nA.B(\naxb(\nÄÖ\n")
        try cell.put("x.h", "a.b(\n")
        func lines(_ search: FileRequest.Search) throws -> [UInt64] {
            try cell.search(search).files.flatMap(\.matches).map(\.line)
        }
        #expect(try lines(Self.search("a.b(") { ($0.isLiteral, $0.glob) = (true, "*.c") }) == [1])
        #expect(try lines(Self.search("a.b(") { ($0.isLiteral, $0.ignoreCase) = (true, true) }) == [1, 2, 1])
        #expect(try lines(Self.search("äö") { $0.ignoreCase = true }) == [4])
        #expect(try lines(Self.search("a") { $0.ignores = ["*.c"] }) == [1])
        #expect(cell.failure(.search(Self.search("a.b(")))?.kind == .badPattern)
    }

    @Test("Binary files, pipes and what is not to be read are passed over and counted")
    func passedOver() throws {
        let cell = try TestCell()
        try cell.put("binary", "needle\0needle")
        try cell.put("text", bytes: Array("n\u{E9}edle \n".utf8) + [0xFF, 0xFE] + Array("needle\n".utf8))
        #expect(unsafe mkfifo(cell.root + "/fifo", 0o644) == 0)
        try cell.link("out", to: "../outside/secret")
        let found = try cell.search(Self.search("needle|secret"))
        #expect(found.files.map(\.name.text) == ["text"])
        #expect(found.files[0].matches.map(\.line) == [2])
        #expect(found.files[0].matches[0].text == "\u{FFFD}\u{FFFD}needle")
        #expect(found.binaryFiles == 1 && found.searchedFiles == 1 && found.unreadable == 0)
    }

    @Test(
        "A file larger than the buffer has the same matches as its lines, with any context",
        arguments: [0, 2, 20] as [UInt32])
    func large(context: UInt32) throws {
        let cell = try TestCell()
        var random = SeededGenerator(seed: context)
        let lines = (0..<40_000).map { _ in
            String(repeating: "x", count: Int.random(in: 0...150, using: &random))
                + (random.next() % 500 == 0 ? "needle" : "")
        }
        try cell.put("f", lines.joined(separator: "\n"))
        let found = try cell.search(Self.search("need.e") { $0.contextLines = context })
        let expected = lines.indices.filter { lines[$0].hasSuffix("needle") }
        let matches = try #require(found.files.first).matches
        #expect(matches.map(\.line) == expected.map { UInt64($0 + 1) })
        for (match, index) in zip(matches, expected) {
            #expect(match.text == lines[index])
            #expect(match.before == Array(lines[max(0, index - Int(context))..<index]))
            #expect(match.after == Array(lines[(index + 1)...].prefix(Int(context))))
        }
    }

    @Test("What is behind a hole is not searched, what is before it is")
    func hole() throws {
        let cell = try TestCell()
        try cell.put("f", String(repeating: "needle\n", count: 10_000))
        #expect(unsafe truncate(cell.root + "/f", 1 << 40) == 0)
        let found = try cell.search(
            Self.search("needle") { ($0.mostMatches, $0.mostBytes) = (10_000, 4 << 20) })
        #expect(found.files.first?.matches.count == 10_000)
        #expect(found.searchedBytes < 4 << 20 && found.binaryFiles == 1)
    }

    @Test("A line without end is searched in pieces, and shown up to a limit")
    func longLine() throws {
        let cell = try TestCell()
        try cell.put("f", String(repeating: "x", count: 3 << 20) + "needle\nneedle\n")
        let matches = try cell.search(Self.search("needle|^x")).files.flatMap(\.matches)
        #expect(matches.last?.text == "needle" && matches.last?.line == 2)
        #expect(matches.allSatisfy { $0.text.count <= 1001 })
    }

    @Test("Limits cut the answer and say so")
    func limits() throws {
        let cell = try TestCell()
        for number in 0..<10 { try cell.put("f\(number)", "needle\nneedle\n") }
        let few = try cell.search(Self.search("needle") { $0.mostMatches = 5 })
        #expect(few.files.map(\.matches.count) == [2, 2, 1])
        #expect(few.cut?.reason == .limit && few.cut?.after == Array("f2".utf8))
        let small = try cell.search(Self.search("needle") { $0.mostBytes = 30 })
        #expect(small.files.flatMap(\.matches).count < 6 && small.cut != nil)
        let all = try cell.search(Self.search("needle") { $0.mostMatches = 20 })
        #expect(all.cut == nil && all.files.count == 10)
    }

    @Test(
        "A hostile pattern ends quickly, and says which one it was",
        arguments: [
            "(a+)+$", "(*NO_JIT)(a+)+$", "(a|a)*$", "(a*)*[bc]", "^(([a-z])+.)+[A-Z]([a-z])+$",
            "(?:a?){40}a{40}$",
            "((((a*)*)*)*)*$",
        ])
    func hostile(pattern: String) throws {
        let cell = try TestCell()
        try cell.put("f", (0..<2000).map { _ in String(repeating: "a", count: 38) + "!\n" }.joined())
        let start = CPUTime.ofThread
        let failure = cell.failure(.search(Self.search(pattern)))
        #expect(failure?.kind == .patternTooCostly)
        #expect(failure?.message.contains(pattern) == true)
        #expect(CPUTime.ofThread - start < 3_000_000_000)
    }

    @Test(
        "A pattern that cannot be compiled is refused with its place",
        arguments: ["(", "a{2,1}", "[", "\\C", "(?<n>a)(?<n>b)"])
    func refused(pattern: String) throws {
        let cell = try TestCell()
        let failure = cell.failure(.search(Self.search(pattern)))
        #expect(failure?.kind == .badPattern && failure?.message.contains("byte") == true)
    }

    @Test("All attempts together have a limit of their own")
    func budget() throws {
        let pattern = PatternBudget(try Pattern("b", isLiteral: false, ignoreCase: false), nanoseconds: 1)
        let text = [UInt8](repeating: 0x61, count: 1 << 16)
        #expect(unsafe text.withUnsafeBytes { unsafe pattern.first(in: $0) } == .tooCostly)
    }

    @Test("A long search takes many steps")
    func steps() throws {
        let cell = try TestCell()
        for number in 0..<8 { try cell.put("f\(number)", String(repeating: "some text\n", count: 100_000)) }
        let job = try cell.work.job(for: .search(Self.search("needle")))
        var steps = 1
        while try job.step() == nil { steps += 1 }
        #expect(steps >= 5)
    }
}
