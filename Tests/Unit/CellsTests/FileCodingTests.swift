import TestSupport
import Testing

@testable import Cells

@Suite struct FileCodingTests {
    static let requests: [FileRequest] = {
        var search = FileRequest.Search(path: "src", pattern: "a+\n")
        (search.isLiteral, search.glob, search.ignores) = (true, "*.c", [".git", "node_modules"])
        search.contextLines = 3
        return [
            .read(.init(path: "a", part: .lines(first: 3, count: 9), limit: 77)),
            .read(.init(path: "é/\n", part: .bytes(offset: 1 << 40, count: .max))),
            .write(.init(path: "x", data: [0, 255], disposition: .append, mode: 0o640, makeParents: true)),
            .edit(
                .init(
                    path: "x", replacements: [.init(old: [1], new: [], replaceAll: true)], isDryRun: true)),
            .list(.init(path: ".", depth: 4, limit: 5, ignores: ["*"], after: [0xFF, 0x2F])),
            .find(.init(path: "/usr", glob: "**/*.h", limit: 2, ignores: ["x"], after: [1])),
            .search(search), .info(path: "/tmp"),
            .makeDirectory(.init(path: "d", makeParents: true, mode: 0o700)),
            .move(.init(from: "a", to: "b", overwrite: true)), .copy(.init(from: "c", to: "d")),
            .delete(path: "x", isRecursive: true),
            .patch(.init(text: Array("--- a\n".utf8), directory: "d", isDryRun: true)),
        ]
    }()

    static let results: [FileResult] = {
        let strange = FileResult.Name([0x61, 0xFF])
        let cut = FileResult.Cut(reason: .crowdedDirectory, after: [0xFE], advice: "ask again")
        var findings = FileResult.Findings()
        findings.files = [
            .init(
                name: strange,
                matches: [.init(line: 7, column: 2, text: "a\0b", before: ["x", ""], after: ["y"])])
        ]
        (findings.searchedFiles, findings.searchedBytes, findings.binaryFiles) = (3, 1 << 33, 1)
        findings.cut = cut
        return [
            .read(
                .init(
                    bytes: [1, 2], totalSize: 9, offset: 3, firstLine: 2, lineCount: 1, isComplete: false,
                    nextOffset: 5, nextLine: 3)),
            .written(bytes: 4, isNew: true),
            .changed(
                .init(files: [.init(path: "p", act: .created, count: 2, diff: "+é\n")], wasDryRun: true)),
            .entries(
                .init(
                    entries: [
                        .init(
                            name: strange, kind: .symbolicLink, mode: 0o777, size: 3, modified: -5,
                            target: FileResult.Name("t".utf8))
                    ], unreadable: 1, cut: cut)),
            .found(findings),
            .info(
                .init(
                    kind: .regular, mode: 0o4755, size: 1, allocated: 512, links: 1, uid: 7, gid: 8,
                    device: 9, inode: 10, accessed: 1, modified: 2, changed: 3, born: 4, target: nil,
                    place: "/workspace", isWritablePlace: true)),
            .done(entries: 3, bytes: 1 << 41),
        ]
    }()

    static let failures = CellFailure.Kind.allCases.map {
        CellFailure($0, path: "a/b", call: "openat2", errno: 13, "It was not to be.")
    }

    @Test("A request comes back as it went", arguments: requests)
    func requestRoundTrip(request: FileRequest) throws {
        #expect(try FileRequest(decoding: request.encoded[...]) == request)
    }

    @Test("A result comes back as it went", arguments: results)
    func resultRoundTrip(result: FileResult) throws {
        #expect(try FileResult(decoding: result.encoded[...]) == result)
    }

    @Test("A failure comes back as it went", arguments: failures)
    func failureRoundTrip(failure: CellFailure) throws {
        #expect(try CellFailure(decoding: failure.encoded[...]) == failure)
    }

    @Test("A failure with a text that is too long is sent with less of it, in whole characters")
    func longFailure() throws {
        let failure = CellFailure(.other, "x" + String(repeating: "é", count: FileLimits.longestMessage))
        let back = try CellFailure(decoding: failure.encoded[...])
        #expect(back.message.utf8.count == FileLimits.longestMessage - 1)
        #expect(failure.message.hasPrefix(back.message))
    }

    @Test("A message cut anywhere is refused, and so is one with a byte more")
    func cut() {
        for bytes in Self.requests.map(\.encoded) {
            for length in bytes.indices {
                #expect(throws: CodingFault.self) { try FileRequest(decoding: bytes[..<length]) }
            }
            #expect(throws: CodingFault.self) { try FileRequest(decoding: (bytes + [0])[...]) }
        }
        for bytes in Self.results.map(\.encoded) {
            for length in bytes.indices {
                #expect(throws: CodingFault.self) { try FileResult(decoding: bytes[..<length]) }
            }
            #expect(throws: CodingFault.self) { try FileResult(decoding: (bytes + [0])[...]) }
        }
    }

    @Test("A changed message is a fault, or means exactly what its bytes say", arguments: 0..<8)
    func mutated(seed: Int) {
        var random = SeededGenerator(seed: seed)
        var understood = 0
        for _ in 0..<2000 {
            var request = Self.requests.randomElement(using: &random)!.encoded
            var result = Self.results.randomElement(using: &random)!.encoded
            var failure = Self.failures.randomElement(using: &random)!.encoded
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                request[Int.random(in: request.indices, using: &random)] = random.next()
                result[Int.random(in: result.indices, using: &random)] = random.next()
                failure[Int.random(in: failure.indices, using: &random)] = random.next()
            }
            if let back = try? FileRequest(decoding: request[...]) {
                understood += 1
                #expect(back.encoded == request)
            }
            if let back = try? FileResult(decoding: result[...]) { #expect(back.encoded == result) }
            if let back = try? CellFailure(decoding: failure[...]) { #expect(back.encoded == failure) }
        }
        #expect(understood > 100, "or nothing was tried")
    }

    @Test("Unknown tags are faults")
    func tags() {
        #expect(throws: CodingFault.self) { try FileRequest(decoding: [12]) }
        #expect(throws: CodingFault.self) { try FileResult(decoding: [7]) }
        let beyond = UInt8(CellFailure.Kind.allCases.count)
        let bytes = [beyond] + Self.failures[0].encoded.dropFirst()
        #expect(throws: CodingFault.self) { try CellFailure(decoding: bytes[...]) }
    }

    @Test(
        "Fields out of range are refused by name",
        arguments: [
            (FileRequest.read(.init(path: "a\0b")), "path"),
            (.read(.init(path: "a", part: .lines(first: 0, count: 1))), "first"),
            (.read(.init(path: "a", limit: .max)), "limit"),
            (.write(.init(path: "a", data: [], mode: 0o4755)), "mode"),
            (.list(.init(path: "a", depth: 0)), "depth"),
            (.info(path: String(repeating: "x", count: 4096)), "path"),
            (.find(.init(path: "", glob: String(repeating: "*", count: 1025))), "glob"),
        ])
    func ranges(request: FileRequest, field: String) {
        #expect {
            try FileRequest(decoding: request.encoded[...])
        } throws: { ($0 as? CodingFault)?.field == field }
    }

    @Test("A name that is not UTF-8 is shown lossily and marked")
    func names() {
        #expect(FileResult.Name([0x61, 0xFF]) == .init(text: "a\u{FFFD}", isExact: false))
        #expect(FileResult.Name("a\né".utf8) == .init(text: "a\né", isExact: true))
    }
}
