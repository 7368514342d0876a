import JSON
import Testing

struct ValueTests {
    @Test(
        arguments: [
            ("0", 0), ("-0", 0), ("42", 42), ("-42", -42), ("9223372036854775807", .max),
            ("-9223372036854775808", .min), ("9223372036854775808", nil), ("-9223372036854775809", nil),
            ("100000000000000000000", nil), ("1.0", nil), ("1e0", nil), ("10E2", nil), ("-1.5", nil),
            (#""1""#, nil), ("true", nil), ("null", nil), ("[1]", nil),
        ] as [(String, Int64?)])
    func `an integer is one that is written as one, and fits`(text: String, integer: Int64?) throws {
        #expect(try parse(text).integer == integer)
    }

    @Test(
        arguments: [
            ("0", true), ("-7", true), ("9223372036854775808", true),
            ("123456789012345678901234567890", true), ("1.0", false), ("1e2", false), ("1E2", false),
            (#""1""#, false), ("null", false), ("[]", false),
        ])
    func `an integer's text has neither fraction nor exponent, however large`(
        text: String, isIntegerText: Bool
    ) throws {
        #expect(try parse(text).isIntegerText == isIntegerText)
    }

    @Test(
        arguments: [
            ("0", 0), ("1", 1), ("-1.5", -1.5), ("0.1", 0.1), ("1e3", 1000), ("1E-2", 0.01),
            ("9007199254740993", 9_007_199_254_740_992),
            ("1.7976931348623157e308", .greatestFiniteMagnitude),
            ("5e-324", .leastNonzeroMagnitude), ("1e-400", 0), ("1e400", .infinity), ("-1e400", -.infinity),
            (#""1""#, nil), ("true", nil), ("[]", nil),
        ] as [(String, Double?)])
    func `a double is the nearest, and infinite when there is none`(text: String, double: Double?) throws {
        #expect(try parse(text).double == double)
    }

    @Test func `minus zero keeps its sign`() throws {
        #expect(try parse("-0").double?.sign == .minus)
    }

    @Test(
        arguments: [
            ("true", true), ("false", false), ("null", nil), ("1", nil), (#""true""#, nil), ("[]", nil),
        ] as [(String, Bool?)])
    func `only true and false are booleans`(text: String, bool: Bool?) throws {
        #expect(try parse(text).bool == bool)
    }

    @Test(arguments: ["null", "true", "1", "[\"a\"]", "{\"a\":\"b\"}"])
    func `what is not a string has no text`(text: String) throws {
        let root = try parse(text)
        #expect(root.string == nil)
        #expect(!root.isString(""))
        #expect(!root.isString("a"))
    }

    @Test(
        arguments: [
            (#""ping""#, true), (#""p\u0069ng""#, true), (#""\u0070\u0069\u006e\u0067""#, true),
            (#""pin""#, false), (#""pings""#, false), (#""Ping""#, false), (#""p\u0069n""#, false),
            (#""""#, false), (#"["ping"]"#, false),
        ])
    func `a string is compared by what it says, however it is spelt`(text: String, isPing: Bool) throws {
        #expect(try parse(text).isString("ping") == isPing)
    }

    @Test func `a string is compared scalar by scalar, not by canonical equivalence`() throws {
        #expect(try parse("\"\u{E9}\"").isString("\u{E9}"))
        #expect(try !parse("\"e\u{301}\"").isString("\u{E9}"))
        #expect(try !parse(#""\u212a""#).isString("K"))
    }

    @Test(
        arguments: [
            (#"{"a":1}"#, "1"), (#"{"b":1,"a":2}"#, "2"), (#"{"\u0061":3}"#, "3"),
            (#"{"b":{"a":1},"a":4}"#, "4"), (#"{"b":["a",1],"a":{"a":5}}"#, #"{"a":5}"#),
            (#"{"x":"a","a":6}"#, "6"), (#"{"a":7,"a":8}"#, "7"), (#"{"aa":1,"a":9}"#, "9"),
            (#"{"A":1}"#, nil), (#"{"b":{"a":1}}"#, nil), ("{}", nil), (#"["a",1]"#, nil), (#""a""#, nil),
        ] as [(String, String?)])
    func `a member is found by name, among this object's own`(text: String, value: String?) throws {
        #expect(try parse(text)["a"]?.text == value)
    }

    @Test func `a name with characters that are escaped is found`() throws {
        let root = try parse(#"{"a\"b":1,"a\\b":2,"\n":3,"\ud83d\ude00":4,"":5,"\u0000":6}"#)
        #expect(root["a\"b"]?.integer == 1)
        #expect(root["a\\b"]?.integer == 2)
        #expect(root["\n"]?.integer == 3)
        #expect(root["😀"]?.integer == 4)
        #expect(root[""]?.integer == 5)
        #expect(root["\0"]?.integer == 6)
    }

    @Test func `members come in the sender's order, with their names read`() throws {
        let root = try parse(#"{"z":1,"\u0061":[2,{"x":3}],"é":{},"z":4}"#)
        #expect(root.members.map(\.key) == ["z", "a", "é", "z"])
        #expect(root.members.map(\.value.text) == ["1", #"[2,{"x":3}]"#, "{}", "4"])
    }

    @Test func `elements come in order, whole`() throws {
        let root = try parse(#"[1,[2,[3]],{"a":[4]},[],"5",null]"#)
        #expect(root.elements.map(\.text) == ["1", "[2,[3]]", #"{"a":[4]}"#, "[]", #""5""#, "null"])
        #expect(root.count == 6)
    }

    @Test(arguments: ["1", #""a""#, "null", "{}", #"{"a":[1,2]}"#, "[]"])
    func `what is not an array, or is empty, has no elements`(text: String) throws {
        #expect(try Array(parse(text).elements).isEmpty)
        #expect(try parse(text).count == 0)
    }

    @Test(arguments: ["1", #""a""#, "null", "[]", #"[{"a":1}]"#, "{}"])
    func `what is not an object, or is empty, has no members`(text: String) throws {
        #expect(try Array(parse(text).members).isEmpty)
    }

    @Test func `a part stays good when the rest is let go`() throws {
        func part() throws -> JSONValue? { try parse(#"{"a":["x",{"b":"y"}]}"#)["a"] }
        #expect(try part()?.elements.map(\.text) == [#""x""#, #"{"b":"y"}"#])
    }

    @Test func `malformed JSON in our own source traps`() async {
        #expect(JSONDocument(literal: #"{"a":1}"#).root["a"]?.integer == 1)
        await #expect(processExitsWith: .failure) { _ = JSONDocument(literal: #"{"a":}"#) }
    }
}
