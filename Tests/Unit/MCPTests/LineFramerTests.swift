import Testing

@testable import MCP

@Suite struct LineFramerTests {
    /// Everything that comes out when the text arrives in pieces of `chunk` bytes.
    private func lines(
        of text: String, chunk: Int, limit: Int = 100
    ) -> [LineFramer.Line] {
        var framer = LineFramer(limit: limit)
        var lines: [LineFramer.Line] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: chunk) {
            let piece = Array(bytes[start..<min(start + chunk, bytes.count)])
            framer.append(piece.span)
            while let line = framer.next() { lines.append(line) }
        }
        return lines
    }

    private func line(_ text: String) -> LineFramer.Line { .line(Array(text.utf8)) }

    static let chunks = [1, 2, 3, 7, 64, 1000]

    @Test("Lines come out whole, however their bytes arrive", arguments: chunks)
    func whole(chunk: Int) {
        let text = "one\ntwo\r\n\n\r\n\u{FEFF}three\n four \nhalf a line"
        #expect(
            lines(of: text, chunk: chunk) == [line("one"), line("two"), line("three"), line(" four ")])
    }

    @Test("A line at the limit passes, one over it is reported once, and the next is read", arguments: chunks)
    func limit(chunk: Int) {
        let text = ["aaaaaaaaaa", "bbbbbbbbbbb", "c", String(repeating: "d", count: 500), "e", ""]
            .joined(separator: "\n")
        #expect(
            lines(of: text, chunk: chunk, limit: 10) == [
                line("aaaaaaaaaa"), .tooLong, line("c"), .tooLong, line("e"),
            ])
    }

    @Test("A carriage return and a byte order mark do not count against the limit", arguments: chunks)
    func carriageReturn(chunk: Int) {
        #expect(lines(of: "aaaaaaaaaa\r\n", chunk: chunk, limit: 10) == [line("aaaaaaaaaa")])
        #expect(lines(of: "\u{FEFF}aaaaaaaaaa\n", chunk: chunk, limit: 10) == [line("aaaaaaaaaa")])
    }

    @Test("An over-long line is reported as soon as the limit is passed, and is not stored")
    func noStorage() {
        var framer = LineFramer(limit: 10)
        let piece = [UInt8](repeating: 0x61, count: 8)
        framer.append(piece.span)
        #expect(framer.next() == nil)
        framer.append(piece.span)
        #expect(framer.next() == .tooLong)
        for _ in 0..<1000 {
            framer.append(piece.span)
            #expect(framer.next() == nil)
            #expect(framer.held == 0)
        }
        framer.append(Array("\nnext\n".utf8).span)
        #expect(framer.next() == line("next"))
    }

    @Test("A line is over the limit with the first byte that cannot be a carriage return before its end")
    func boundary() {
        var framer = LineFramer(limit: 10)
        framer.append([UInt8](repeating: 0x61, count: 11).span)
        #expect(framer.next() == nil)
        framer.append([0x61].span)
        #expect(framer.next() == .tooLong)
    }

    @Test("Lines that are not taken are kept, and no byte is held after the last")
    func held() {
        var framer = LineFramer(limit: 100)
        framer.append(Array("a\nb\nc".utf8).span)
        #expect(framer.next() == line("a"))
        framer.append(Array("d\n".utf8).span)
        #expect(framer.next() == line("b"))
        #expect(framer.next() == line("cd"))
        #expect(framer.next() == nil)
        #expect(framer.held == 0)
    }
}
