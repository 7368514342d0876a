import Foundation
import Testing

@testable import FuzzTargets

/// What the fuzzers start from, and what they once found: replayed with every run of the unit tests.
struct FuzzCorpusTests {
    private static func corpus(_ name: String) -> [URL] {
        let tests = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let corpus = tests.appending(path: "Fuzz/corpus/\(name)")
        let files = try? FileManager.default.contentsOfDirectory(
            at: corpus, includingPropertiesForKeys: nil)
        return (files ?? []).sorted { $0.lastPathComponent < $1.lastPathComponent }
    }

    @Test(arguments: ["json", "session", "cells", "audit", "policy"])
    func `there is a corpus, and it is small`(name: String) throws {
        let sizes = try Self.corpus(name).map { try Data(contentsOf: $0).count }
        #expect(sizes.count >= 20)
        #expect(sizes.reduce(0, +) < 300_000)
    }

    @Test(arguments: corpus("json"))
    func `the parser's invariants hold`(file: URL) throws {
        fuzzJSON(Array(try Data(contentsOf: file)))
    }

    @Test(arguments: corpus("session"))
    func `the session's invariants hold`(file: URL) throws {
        fuzzSession(Array(try Data(contentsOf: file)))
    }

    @Test(arguments: corpus("cells"))
    func `the invariants of the protocols of cells hold`(file: URL) throws {
        fuzzCells(Array(try Data(contentsOf: file)))
    }

    @Test(arguments: corpus("audit"))
    func `the invariants of audit hold`(file: URL) throws {
        fuzzAudit(Array(try Data(contentsOf: file)))
    }

    @Test(arguments: corpus("policy"))
    func `the invariants of policy hold`(file: URL) throws {
        fuzzPolicy(Array(try Data(contentsOf: file)))
    }

    /// A fuzzer that cannot fail proves nothing.
    @Test func `a broken invariant traps`() async {
        await #expect(processExitsWith: .failure) { require(1 == 2, "arithmetic") }
    }
}
