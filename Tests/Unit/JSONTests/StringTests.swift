import JSON
import Testing

// The scanner takes eight plain bytes at a step and what remains one by one, so whatever a string holds
// is tried at every place relative to such a step, with enough behind it for one more and with nothing.

struct StringTests {
    /// `"` + `before` plain bytes + `bytes` + `after` plain bytes + `"`.
    private func text(_ bytes: [UInt8], before: Int, after: Int) -> [UInt8] {
        let plain = { (count: Int) in [UInt8](repeating: UInt8(ascii: "x"), count: count) }
        return [0x22] + plain(before) + bytes + plain(after) + [0x22]
    }

    @Test(arguments: 0...20)
    func `a control character is refused wherever it stands`(before: Int) {
        for after in [0, 1, 7, 8, 16] {
            for control in UInt8(0)..<0x20 {
                #expect(
                    refusal(of: text([control], before: before, after: after))
                        == JSONError(.controlCharacter, at: 1 + before))
            }
        }
    }

    @Test(arguments: 0...20)
    func `every other ASCII character is accepted wherever it stands, DEL too`(before: Int) throws {
        for after in [0, 1, 7, 8, 16] {
            for byte in UInt8(0x20)..<0x80 where byte != 0x22 && byte != 0x5C {
                let bytes = text([byte], before: before, after: after)
                let root = try JSONDocument(bytes).root
                #expect(root.bytes.elementsEqual(bytes))
                #expect(root.string?.utf8.elementsEqual(bytes.dropFirst().dropLast()) == true)
            }
        }
    }

    @Test(arguments: 0...20)
    func `a quote ends the string, and a backslash escapes, wherever they stand`(before: Int) throws {
        for after in [0, 1, 7, 8, 16] {
            #expect(
                refusal(of: text([0x22], before: before, after: after))
                    == JSONError(.trailingBytes, at: before + 2))
            let escaped = text(Array(#"\""#.utf8), before: before, after: after)
            let plain = { (count: Int) in String(repeating: "x", count: count) }
            #expect(
                try JSONDocument(escaped).root.string == plain(before) + "\"" + plain(after))
        }
    }

    @Test(arguments: 0...20)
    func `a string without its end is refused where the text ends`(count: Int) {
        let text = #"["\#(String(repeating: "x", count: count))"#
        #expect(refusal(of: text) == JSONError(.unexpectedEnd, at: count + 2))
        #expect(refusal(of: text + "\\") == JSONError(.unexpectedEnd, at: count + 3))
    }

    // MARK: UTF-8

    @Test(arguments: [UInt32](0...16))
    func `every scalar of Unicode is accepted, and comes back`(plane: UInt32) throws {
        let first = plane << 16
        let scalars = (first...first + 0xFFFF).compactMap { UnicodeScalar($0) }
            .filter { $0.value >= 0x20 && $0 != "\"" && $0 != "\\" }
        var string = ""
        string.unicodeScalars.append(contentsOf: scalars)
        let root = try parse("\"\(string)\"")
        #expect(root.string?.unicodeScalars.elementsEqual(scalars) == true)
    }

    @Test(arguments: UInt8(0x80)...UInt8.max)
    func `a sequence is accepted exactly when it is well-formed, whatever follows its lead`(lead: UInt8) {
        for second: UInt8 in [0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF] {
            for third: UInt8 in [0x7F, 0x80, 0xBF, 0xC0] {
                for fourth: UInt8 in [0x7F, 0x80, 0xBF, 0xC0] {
                    let sequence = [lead, second, third, fourth]
                    // What the standard library calls valid reaches so far.
                    let valid = (0...4).last {
                        String(validating: sequence[..<$0], as: UTF8.self) != nil
                    }
                    let expected = valid == 4 ? nil : valid.map { JSONError(.invalidUTF8, at: 1 + $0) }
                    #expect(refusal(of: text(sequence, before: 0, after: 0)) == expected)
                }
            }
        }
    }

    @Test(
        arguments: [
            [0x80], [0xBF], [0xC0, 0xAF], [0xC1, 0xBF], [0xE0, 0x80, 0xAF], [0xE0, 0x9F, 0xBF],
            [0xF0, 0x80, 0x80, 0xAF], [0xF0, 0x8F, 0xBF, 0xBF], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFE],
            [0xFF], [0xC3], [0xE2, 0x82], [0xF0, 0x9F], [0xF0, 0x9F, 0x98],
        ] as [[UInt8]], 0...17)
    func `ill-formed UTF-8 is refused at its first byte, wherever it stands`(
        sequence: [UInt8], before: Int
    ) {
        let expected = JSONError(.invalidUTF8, at: 1 + before)
        for after in [0, 1, 8] {
            #expect(refusal(of: text(sequence, before: before, after: after)) == expected)
        }
        // The text ends inside it.
        #expect(refusal(of: text(sequence, before: before, after: 0).dropLast()) == expected)
    }

    @Test(arguments: ["é", "€", "ﬀ", "\u{D7FF}", "\u{E000}", "\u{FEFF}", "😀", "\u{10FFFF}"], 0...17)
    func `well-formed UTF-8 is accepted wherever it stands, whole, and not when it is cut`(
        scalar: String, before: Int
    ) throws {
        let bytes = Array(scalar.utf8)
        for after in [0, 1, 8] {
            #expect(refusal(of: text(bytes, before: before, after: after)) == nil)
            for cut in 1..<bytes.count {
                #expect(
                    refusal(of: text(Array(bytes[..<cut]), before: before, after: after))
                        == JSONError(.invalidUTF8, at: 1 + before))
            }
        }
    }

    @Test func `keys are held to the same rules as values`() {
        #expect(refusal(of: "{\"a\nb\":1}") == JSONError(.controlCharacter, at: 3))
        #expect(refusal(of: #"{"\x":1}"#) == JSONError(.badEscape, at: 2))
        #expect(refusal(of: #"{"\ud800":1}"#) == JSONError(.loneSurrogate, at: 2))
        #expect(refusal(of: [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D]) == JSONError(.invalidUTF8, at: 2))
    }

    // MARK: Escapes

    @Test(
        arguments: [
            (#"\""#, "\""), (#"\\"#, "\\"), (#"\/"#, "/"), (#"\b"#, "\u{8}"), (#"\f"#, "\u{C}"),
            (#"\n"#, "\n"), (#"\r"#, "\r"), (#"\t"#, "\t"), (#"\u0000"#, "\u{0}"), (#"\u0041"#, "A"),
            (#"\u00e9"#, "é"), (#"\u00E9"#, "é"), (#"\u20AC"#, "€"), (#"\uabCD"#, "\u{ABCD}"),
            (#"\uD7FF"#, "\u{D7FF}"), (#"\ue000"#, "\u{E000}"), (#"\uffff"#, "\u{FFFF}"),
            (#"\ud83d\ude00"#, "😀"), (#"\uD83D\uDE00"#, "😀"), (#"\ud800\udc00"#, "\u{10000}"),
            (#"\ud800\udfff"#, "\u{103FF}"), (#"\udbff\udc00"#, "\u{10FC00}"),
            (#"\udbff\udfff"#, "\u{10FFFF}"), (#"\ud83d\ude00\ud83d\ude00"#, "😀😀"),
            (#"a\tb\u00e9c\\n"#, "a\tbéc\\n"), (#"\\u0041"#, #"\u0041"#), (#"é\né"#, "é\né"),
        ])
    func `escapes are read, and forwarded as they were sent`(escaped: String, meant: String) throws {
        for before in 0...9 {
            let plain = String(repeating: "x", count: before)
            let text = "\"\(plain)\(escaped)\""
            #expect(try parse(text).string?.utf8.elementsEqual((plain + meant).utf8) == true)
            #expect(try forwarded(parse(text)) == text)
        }
    }

    @Test func `nothing else can be escaped`() {
        for letter in UInt8.min...UInt8.max where !"\"\\/bfnrtu".utf8.contains(letter) {
            #expect(
                refusal(of: text([0x5C, letter], before: 0, after: 8)) == JSONError(.badEscape, at: 1),
                "\\ and byte \(letter)")
        }
    }

    @Test(arguments: 0..<4)
    func `a code unit is four ASCII hex digits`(position: Int) {
        let digits = Array("0123456789abcdefABCDEF".utf8)
        for byte in UInt8.min...UInt8.max {
            var escape = Array(#"\u0123"#.utf8)
            escape[2 + position] = byte
            #expect(
                refusal(of: text(escape, before: 3, after: 3))
                    == (digits.contains(byte) ? nil : JSONError(.badEscape, at: 4)), "byte \(byte)")
        }
    }

    @Test(
        arguments: [
            Refused(#""\u""#, .badEscape, at: 1),
            Refused(#""\u1""#, .badEscape, at: 1),
            Refused(#""\u12""#, .badEscape, at: 1),
            Refused(#""\u123""#, .badEscape, at: 1),
            Refused(#""\u123"#, .badEscape, at: 1),
            Refused(#""ab\u 123""#, .badEscape, at: 3),
            Refused(#""\u+123""#, .badEscape, at: 1),
            Refused(#""\U0041""#, .badEscape, at: 1),
            Refused(#""\u{41}""#, .badEscape, at: 1),
            Refused("\"\\u\u{FF10}\u{FF10}\u{FF14}\u{FF11}\"", .badEscape, at: 1),
            Refused("\"\\u00\u{FF14}1\"", .badEscape, at: 1),
        ])
    func `a code unit with less, or with digits of other scripts, is refused`(text: Refused) {
        #expect(refusal(of: text.bytes) == text.expected)
    }

    @Test(
        arguments: [
            // A lead without its trail…
            Refused(#""\ud800""#, .loneSurrogate, at: 1),
            Refused(#""\uDBFF""#, .loneSurrogate, at: 1),
            Refused(#""ab\ud83d cd""#, .loneSurrogate, at: 3),
            Refused(#""\ud83d"#, .loneSurrogate, at: 1),
            Refused(#""\ud83d\"#, .loneSurrogate, at: 1),
            Refused(#""\ud83d\n""#, .loneSurrogate, at: 1),
            Refused(#""\ud83d\\ude00""#, .loneSurrogate, at: 1),
            Refused(#""\ud83d\u0041""#, .loneSurrogate, at: 1),
            Refused(#""\ud83d\ue000""#, .loneSurrogate, at: 1),
            Refused(#""\ud83dude00""#, .loneSurrogate, at: 1),
            Refused(#""\ud83d\ud83d\ude00""#, .loneSurrogate, at: 1),
            Refused(#""\ud83d\ude00\ud83d""#, .loneSurrogate, at: 13),
            // …a trail without its lead…
            Refused(#""\udc00""#, .loneSurrogate, at: 1),
            Refused(#""\uDFFF""#, .loneSurrogate, at: 1),
            Refused(#""\ude00\ud83d""#, .loneSurrogate, at: 1),
            Refused(#""\u0041\ude00""#, .loneSurrogate, at: 7),
            Refused(#""\ud83d\ude00\ude00""#, .loneSurrogate, at: 13),
            // …and a pair whose second half is no code unit.
            Refused(#""\ud83d\ude0g""#, .badEscape, at: 7),
            Refused(#""\ud83d\ude0""#, .badEscape, at: 7),
            Refused(#""\ud83d\u"#, .badEscape, at: 7),
        ])
    func `surrogates come in pairs or not at all`(text: Refused) {
        #expect(refusal(of: text.bytes) == text.expected)
    }
}
