import Cells
import MCP
import Testing

@testable import Tools

struct ReadFileTests {
    private func content(
        _ bytes: [UInt8], total: UInt64? = nil, lines: (first: UInt64, count: UInt64)? = nil,
        offset: UInt64 = 0, isComplete: Bool = true
    ) -> FileResult {
        .read(
            FileResult.Content(
                bytes: bytes, totalSize: total ?? UInt64(bytes.count), offset: offset,
                firstLine: lines?.first ?? 0, lineCount: lines?.count ?? 0, isComplete: isComplete,
                nextOffset: offset + UInt64(bytes.count), nextLine: lines.map { $0.first + $0.count } ?? 0))
    }

    private func read(_ results: FileResult..., arguments: String = "") async throws -> CallResult {
        let cell =
            results.count == 1
            ? ScriptedCell(.file(results[0])) : ScriptedCell(.file(results[0]), .file(results[1]))
        return try await TestedTools.call("read_file", #"{"path":"f"\#(arguments)}"#, cell)
    }

    @Test func `a whole text is itself`() async throws {
        let called = try await read(content(Array("a\nbé\n".utf8), lines: (1, 2)))
        #expect(called.text == "a\nbé\n")
        #expect(
            called.structured
                == #"{"path":"f","encoding":"utf-8","mime_type":"text/plain","content":"a\nbé\n","size_bytes":6,"#
                + #""offset":0,"first_line":1,"line_count":2,"is_complete":true}"#)
    }

    @Test func `lines that are cut name the next line`() async throws {
        let called = try await read(
            content(Array("a\nb\n".utf8), total: 400, lines: (1, 2), isComplete: false))
        #expect(called.text == "a\nb\n[cut: lines 1 to 2 of about 200; continue with first_line=3]")
        #expect(called["content"]?.string == "a\nb\n")
        #expect(called["next_line"]?.integer == 3)
        #expect(called["next_offset"]?.integer == 4)
        #expect(called["is_complete"]?.bool == false)
    }

    @Test func `what the kernel makes up has no size to estimate from`() async throws {
        let called = try await read(content(Array("a\n".utf8), total: 0, lines: (5, 1), isComplete: false))
        #expect(called.text == "a\n[cut: lines 5 to 5; continue with first_line=6]")
    }

    @Test func `a cut within a line names the next byte`() async throws {
        let called = try await read(content(Array("aaaa".utf8), total: 9, lines: (1, 1), isComplete: false))
        #expect(called.text == "aaaa\n[cut: bytes 0 to 3 of 9; continue with offset=4]")
        #expect(called["next_line"] == nil)
        #expect(called["next_offset"]?.integer == 4)
    }

    @Test func `half a character at the end is left for the next part`() async throws {
        let bytes = Array("aaaaaé".utf8)
        let first = try await read(
            content(Array(bytes.dropLast()), total: 7, isComplete: false), arguments: #","length":6"#)
        #expect(first.text == "aaaaa\n[cut: bytes 0 to 4 of 7; continue with offset=5]")
        #expect(first["next_offset"]?.integer == 5)
        let second = try await read(
            content(Array(bytes.suffix(2)), total: 7, offset: 5), arguments: #","offset":5"#)
        #expect(second.text == "é")
    }

    @Test func `half a character at the beginning is left out`() async throws {
        let called = try await read(
            content([0xA9] + Array("bbbb".utf8), total: 9, offset: 4), arguments: #","offset":4"#)
        #expect(called.text == "bbbb")
        #expect(called["offset"]?.integer == 5)
    }

    // MARK: Encodings

    @Test(
        arguments: [
            ([0xEF, 0xBB, 0xBF, 0x61], "utf-8", "a"),
            ([0xFF, 0xFE, 0x61, 0, 0xE9, 0], "utf-16le", "aé\n[the file is in utf-16le]"),
            ([0xFE, 0xFF, 0, 0x61, 0x26, 0x3A], "utf-16be", "a☺\n[the file is in utf-16be]"),
            ([0x61, 0, 0x62, 0, 0x63, 0], "utf-16le", "abc\n[the file is in utf-16le]"),
            (Array("caf".utf8) + [0xE9], "iso-8859-1", "café\n[the file is in iso-8859-1]"),
            (
                [0x93] + Array("quoted".utf8) + [0x94], "windows-1252",
                "“quoted”\n[the file is in windows-1252]"
            ),
        ] as [([UInt8], String, String)])
    func `the encoding is found and said`(bytes: [UInt8], encoding: String, text: String) async throws {
        let called = try await read(content(bytes))
        #expect(called["encoding"]?.string == encoding)
        #expect(called.text == text)
    }

    @Test func `what is no text comes as base64, or lossily if text was asked for`() async throws {
        let bytes: [UInt8] = [0, 1, 2, 0xFF]
        let binary = try await read(content(bytes))
        guard case .resource(let uri, let type, .blob(let base64)) = binary.result.content[0] else {
            Issue.record("not a resource")
            return
        }
        #expect((uri, type, base64) == ("file:///workspace/f", "application/octet-stream", "AAEC/w=="))
        #expect(binary["content"]?.string == "AAEC/w==")
        #expect(binary["encoding"]?.string == "base64")
        let text = try await read(content(bytes), arguments: #","encoding":"text""#)
        #expect(text.text == "\0\u{1}\u{2}\u{FFFD}\n[bytes that are not text are shown as U+FFFD]")
        #expect(text["is_lossy"]?.bool == true)
    }

    @Test func `what is longer than 64 KiB is given once, in the content blocks`() async throws {
        let most = [UInt8](repeating: 0x61, count: 64 << 10)
        let twice = try await read(content(most), arguments: #","length":1048576"#)
        #expect(twice["content"]?.string == twice.text)
        let once = try await read(content(most + [0x62]), arguments: #","length":1048576"#)
        #expect(once.text.utf8.count == most.count + 1)
        #expect(once["content"] == nil)
        #expect(once["size_bytes"]?.integer == Int64(most.count + 1))
    }

    @Test func `a mark of UTF-8 is no text, and a NUL in what is UTF-8 makes it none`() async throws {
        let marked = try await read(content([0xEF, 0xBB, 0xBF] + Array("é".utf8)))
        #expect((marked.text, marked["encoding"]?.string) == ("é", "utf-8"))
        #expect(try await read(content(Array("a\0bcdef".utf8)))["encoding"]?.string == "base64")
    }

    @Test func `base64 that is cut says so behind it`() async throws {
        let called = try await read(
            content([0x61], total: 3, isComplete: false), arguments: #","encoding":"base64","length":1"#)
        #expect(called.result.content.count == 2)
        #expect(called.text == "[cut: bytes 0 to 0 of 3; continue with offset=1]")
        #expect(called["content"]?.string == "YQ==")
    }

    @Test func `a name in an address is escaped`() async throws {
        let called = try await TestedTools.call(
            "read_file", #"{"path":"/tmp/a b%é","encoding":"base64"}"#, ScriptedCell(.file(content([1]))))
        guard case .resource(let uri, _, _) = called.result.content[0] else {
            Issue.record("not a resource")
            return
        }
        #expect(uri == "file:///tmp/a%20b%25%C3%A9")
    }

    // MARK: Images

    private static let images: [(bytes: [UInt8], type: String)] = [
        ([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 1], "image/png"),
        ([0xFF, 0xD8, 0xFF, 0xE0], "image/jpeg"),
        (Array("GIF89a...".utf8), "image/gif"),
        (Array("RIFF1234WEBPVP8".utf8), "image/webp"),
    ]

    @Test(arguments: images)
    func `an image is an image`(bytes: [UInt8], type: String) async throws {
        let called = try await read(content(bytes))
        guard case .image(let base64, let shown) = called.result.content[0] else {
            Issue.record("not an image")
            return
        }
        #expect(Base64.decode(base64.utf8) == bytes)
        #expect(shown == type)
        #expect(called["mime_type"]?.string == type)
        #expect(called["content"] == nil)
    }

    @Test func `an image that did not come whole is read again`() async throws {
        let whole = Self.images[0].bytes
        let cell = ScriptedCell(
            .file(content(Array(whole.prefix(8)), total: 9, lines: (1, 1), isComplete: false)),
            .file(content(whole)))
        let called = try await TestedTools.call("read_file", #"{"path":"f"}"#, cell)
        #expect(!called.result.isError)
        #expect(called["is_complete"]?.bool == true)
        let limit = UInt32(4 << 20)
        #expect(
            await cell.fileRequests.last
                == .read(.init(path: "f", part: .bytes(offset: 0, count: UInt64(limit)), limit: limit)))
    }

    @Test func `an image that is too large is refused, with a way to its bytes`() async throws {
        let called = try await read(
            content(Array(Self.images[0].bytes), total: 5 << 20, lines: (1, 1), isComplete: false))
        #expect(called.result.isError)
        #expect(called.text.contains("is an image (image/png) of 5242880 bytes"))
        #expect(called.text.contains(#"encoding="base64""#))
    }

    @Test func `a part of an image is bytes`() async throws {
        let called = try await read(
            content(Array(Self.images[0].bytes.prefix(8)), total: 9, isComplete: false),
            arguments: #","length":8"#)
        #expect(called["encoding"]?.string == "base64")
        #expect(called["mime_type"]?.string == "image/png")
    }
}
