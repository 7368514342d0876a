import JSON
import Testing

struct TextTests {
    @Test(
        arguments: [
            ("null", .null), ("true", .true), ("false", .false), ("0", .number), (#""""#, .string),
            ("[]", .array), ("{}", .object), (" \t\r\n1\n\r\t ", .number),
        ] as [(String, JSONValue.Kind)])
    func `any value can be a text of its own`(text: String, kind: JSONValue.Kind) throws {
        #expect(try parse(text).kind == kind)
    }

    @Test(
        arguments: [
            "0", "-0", "7", "-7", "10", "1234567890", "9223372036854775808", "0.0", "1.0", "-0.10",
            "1e1", "1E1", "1e+1", "1e-1", "1e400", "-1.5E-400", "0e0", "1e0001", "0.000",
        ])
    func `numbers of the grammar are accepted, and stay as they were sent`(text: String) throws {
        let number = try parse("[\(text)]").elements.first { _ in true }
        #expect(number?.kind == .number)
        #expect(number?.text == text)
    }

    @Test(
        arguments: [
            // The fault of a number is told at its beginning…
            Refused("-", .badNumber, at: 0),
            Refused("-a", .badNumber, at: 0),
            Refused("--1", .badNumber, at: 0),
            Refused("[-]", .badNumber, at: 1),
            Refused("01", .badNumber, at: 0),
            Refused("00", .badNumber, at: 0),
            Refused("-01", .badNumber, at: 0),
            Refused("[1,007]", .badNumber, at: 3),
            Refused("1.", .badNumber, at: 0),
            Refused("1.e1", .badNumber, at: 0),
            Refused("-1.]", .badNumber, at: 0),
            Refused("1e", .badNumber, at: 0),
            Refused("1e+", .badNumber, at: 0),
            Refused("1E-", .badNumber, at: 0),
            Refused("1e.5", .badNumber, at: 0),
            Refused("[0,1e]", .badNumber, at: 3),
            Refused("-.5", .badNumber, at: 0),
            Refused("-Infinity", .badNumber, at: 0),
            // …and what cannot begin one is unexpected where it stands.
            Refused(".5", .unexpectedByte, at: 0),
            Refused("+1", .unexpectedByte, at: 0),
            Refused("NaN", .unexpectedByte, at: 0),
            Refused("Infinity", .unexpectedByte, at: 0),
            Refused("\u{FF11}", .unexpectedByte, at: 0),
            Refused("1.5.5", .trailingBytes, at: 3),
            Refused("1e5e5", .trailingBytes, at: 3),
            Refused("0x10", .trailingBytes, at: 1),
            Refused("1_000", .trailingBytes, at: 1),
            Refused("[1-2]", .unexpectedByte, at: 2),
        ])
    func `numbers outside the grammar are refused`(text: Refused) {
        #expect(refusal(of: text.bytes) == text.expected)
    }

    @Test(
        arguments: [
            Refused("t", .unexpectedEnd, at: 1),
            Refused("tru", .unexpectedEnd, at: 3),
            Refused("[nul", .unexpectedEnd, at: 4),
            Refused("[1,fals", .unexpectedEnd, at: 7),
            Refused("trux", .badLiteral, at: 0),
            Refused("True", .unexpectedByte, at: 0),
            Refused("[NULL]", .unexpectedByte, at: 1),
            Refused("nulL", .badLiteral, at: 0),
            Refused("[fa1se]", .badLiteral, at: 1),
            Refused("[1,n]    ", .badLiteral, at: 3),
            Refused("[nul]", .badLiteral, at: 1),
            // These were said to be cut short, which a reader of a stream takes for a broken connection:
            // what was left of the text was counted before it was compared.
            Refused("txx", .badLiteral, at: 0),
            Refused("[nu]", .badLiteral, at: 1),
            Refused(#"{"a":f}"#, .badLiteral, at: 5),
            Refused("nullx", .trailingBytes, at: 4),
            Refused("truefalse", .trailingBytes, at: 4),
            Refused("[truefalse]", .unexpectedByte, at: 5),
        ])
    func `literals are spelt exactly`(text: Refused) {
        #expect(refusal(of: text.bytes) == text.expected)
    }

    @Test(
        arguments: [
            Refused("", .empty, at: 0),
            Refused(" \t\r\n", .empty, at: 4),
            Refused("\u{B}1", .unexpectedByte, at: 0),
            Refused("\u{C}1", .unexpectedByte, at: 0),
            Refused("\u{A0}1", .unexpectedByte, at: 0),
            Refused("\u{FEFF}{}", .unexpectedByte, at: 0),
            Refused("\u{0}", .unexpectedByte, at: 0),
            Refused("x", .unexpectedByte, at: 0),
            Refused("'a'", .unexpectedByte, at: 0),
            Refused("// comment\n1", .unexpectedByte, at: 0),
            Refused("1 2", .trailingBytes, at: 2),
            Refused("{}{}", .trailingBytes, at: 2),
            Refused("[] \n x", .trailingBytes, at: 5),
            Refused("{}\u{0}", .trailingBytes, at: 2),
            Refused("1/*c*/", .trailingBytes, at: 1),
            Refused(#""a"b"#, .trailingBytes, at: 3),
            Refused("{}\u{FEFF}", .trailingBytes, at: 2),
        ])
    func `a text is one value and white space around it`(text: Refused) {
        #expect(refusal(of: text.bytes) == text.expected)
    }

    @Test(
        arguments: [
            Refused("[", .unexpectedEnd, at: 1),
            Refused("[ ", .unexpectedEnd, at: 2),
            Refused("[1", .unexpectedEnd, at: 2),
            Refused("[1,", .unexpectedEnd, at: 3),
            Refused("[[]", .unexpectedEnd, at: 3),
            Refused("]", .unexpectedByte, at: 0),
            Refused("[,]", .unexpectedByte, at: 1),
            Refused("[,1]", .unexpectedByte, at: 1),
            Refused("[1,]", .unexpectedByte, at: 3),
            Refused("[1,,2]", .unexpectedByte, at: 3),
            Refused("[1 2]", .unexpectedByte, at: 3),
            Refused("[1:2]", .unexpectedByte, at: 2),
            Refused("[}", .unexpectedByte, at: 1),
            Refused("[1}", .unexpectedByte, at: 2),
            Refused("[[1}]", .unexpectedByte, at: 3),
            Refused(#"["a":1]"#, .unexpectedByte, at: 4),
            Refused("[]]", .trailingBytes, at: 2),
        ])
    func `an array is values between commas`(text: Refused) {
        #expect(refusal(of: text.bytes) == text.expected)
    }

    @Test(
        arguments: [
            Refused("{", .unexpectedEnd, at: 1),
            Refused(#"{"a"#, .unexpectedEnd, at: 3),
            Refused(#"{"a""#, .unexpectedEnd, at: 4),
            Refused(#"{"a" "#, .unexpectedEnd, at: 5),
            Refused(#"{"a":"#, .unexpectedEnd, at: 5),
            Refused(#"{"a":1"#, .unexpectedEnd, at: 6),
            Refused(#"{"a":1,"#, .unexpectedEnd, at: 7),
            Refused("}", .unexpectedByte, at: 0),
            Refused("{]", .unexpectedByte, at: 1),
            Refused("{,}", .unexpectedByte, at: 1),
            Refused("{1:2}", .unexpectedByte, at: 1),
            Refused("{a:1}", .unexpectedByte, at: 1),
            Refused("{null:1}", .unexpectedByte, at: 1),
            Refused("{[]:1}", .unexpectedByte, at: 1),
            Refused(#"{"a"}"#, .unexpectedByte, at: 4),
            Refused(#"{"a" 1}"#, .unexpectedByte, at: 5),
            Refused(#"{"a",1}"#, .unexpectedByte, at: 4),
            Refused(#"{"a"::1}"#, .unexpectedByte, at: 5),
            Refused(#"{"a":}"#, .unexpectedByte, at: 5),
            Refused(#"{"a":,}"#, .unexpectedByte, at: 5),
            Refused(#"{"a":1,}"#, .unexpectedByte, at: 7),
            Refused(#"{"a":1,,"b":2}"#, .unexpectedByte, at: 7),
            Refused(#"{"a":1 "b":2}"#, .unexpectedByte, at: 7),
            Refused(#"{"a":1]"#, .unexpectedByte, at: 6),
            Refused(#"{"a":1:2}"#, .unexpectedByte, at: 6),
            Refused(#"{"a":1,2}"#, .unexpectedByte, at: 7),
            Refused(#"{"a":[1},2]"#, .unexpectedByte, at: 7),
        ])
    func `an object is keys, colons and values between commas`(text: Refused) {
        #expect(refusal(of: text.bytes) == text.expected)
    }

    @Test func `every text that is cut short is refused, at its end or at the token that is cut`() {
        let text = Array(#"{"a":[true,false,null,-1.5e+3,"é\u00e9\ud83d\ude00"],"b":{"":[]}}"#.utf8)
        #expect(refusal(of: text) == nil)
        for end in text.indices {
            let error = refusal(of: Array(text[..<end]))
            let isHonest: [JSONError.Reason] = [
                .empty, .unexpectedEnd, .badNumber, .badEscape, .invalidUTF8, .loneSurrogate,
            ]
            #expect(error.map { isHonest.contains($0.reason) } == true, "cut at \(end)")
            #expect(error.map { $0.offset <= end } == true, "cut at \(end)")
            if error?.reason == .unexpectedEnd { #expect(error?.offset == end) }
        }
    }

    @Test func `an error says what is wrong, and where`() {
        #expect(refusal(of: "[1,]")?.description == "unexpected byte at byte 3")
    }
}
