import Audit
import Ctl
import Testing

@Suite struct TableTests {
    @Test("Columns are as wide as their widest cell, and nothing stands behind the last")
    func plain() {
        var table = Table(["A", "LONG"])
        table.add(["xyz", "1"])
        table.add(["", "22222"])
        #expect(table.text(columns: nil) == "A    LONG\nxyz  1\n     22222\n")
        #expect(table.text(columns: nil, hasHead: false) == "xyz  1\n     22222\n")
    }

    @Test("The next piece of a table has columns that are no narrower")
    func continued() {
        var table = Table(["A", "B"])
        table.add(["wide", "1"])
        table = table.continued
        table.add(["x", "2"])
        #expect(table.text(columns: nil, hasHead: false) == "x     2\n")
    }

    @Test("Where it is too narrow, the widest column is cut")
    func narrow() {
        var table = Table(["A", "B"])
        table.add(["short", String(repeating: "x", count: 50)])
        #expect(table.text(columns: 20).hasSuffix("short  \(String(repeating: "x", count: 12))…\n"))
        #expect(table.text(columns: 1).contains("short"))
    }

    @Test("Wide and combining characters take the columns that they take")
    func widths() {
        var table = Table(["A", "B"])
        table.add(["日本", "1"])
        table.add(["e\u{301}", "2"])
        #expect(table.text(columns: nil) == "A     B\n日本  1\ne\u{301}     2\n")
        #expect(ShownText.cut("日本語", to: 5) == "日本…")
        #expect(ShownText.cut("日本語", to: 4) == "日…")
        #expect(ShownText.cut("日本語", to: 6) == "日本語")
    }

    @Test(
        "Characters that command or turn are shown by their numbers",
        arguments: [
            ("plain é 日", "plain é 日"), ("a\nb", "a\\nb"), ("\u{1B}[2J", "\\u{1B}[2J"),
            ("\u{202E}x", "\\u{202E}x"), ("\u{2066}", "\\u{2066}"), ("\u{9B}", "\\u{9B}"),
            ("\u{2028}", "\\u{2028}"), ("\u{0}", "\\u{0}"), ("\u{E0001}", "\\u{E0001}"),
        ])
    func escapes(text: String, shown: String) {
        #expect(ShownText.plain(text) == shown)
    }

    @Test("In JSON they become its own escapes, with surrogates where it takes them")
    func json() {
        let shown = ShownText.json(Array("{\"a\":\"\u{202E}\u{E0001}\u{7F}é\"}".utf8))
        #expect(String(decoding: shown, as: UTF8.self) == #"{"a":"\u202e\udb40\udc01\u007fé"}"#)
    }
}
