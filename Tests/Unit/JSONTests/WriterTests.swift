import JSON
import TestSupport
import Testing

struct WriterTests {
    @Test(
        arguments: [
            ("", ""), ("plain", "plain"), ("\"", #"\""#), ("\\", #"\\"#), ("/", "/"), ("\u{8}", #"\b"#),
            ("\t", #"\t"#), ("\n", #"\n"#), ("\u{C}", #"\f"#), ("\r", #"\r"#), ("\u{0}", #"\u0000"#),
            ("\u{1}", #"\u0001"#), ("\u{B}", #"\u000b"#), ("\u{1A}", #"\u001a"#), ("\u{1F}", #"\u001f"#),
            (" ", " "), ("\u{7F}", "\u{7F}"), ("é", "é"), ("😀", "😀"), ("\u{2028}", "\u{2028}"),
            ("\u{10FFFF}", "\u{10FFFF}"), ("\"\"", #"\"\""#), ("a\nb\nc", #"a\nb\nc"#),
            ("\n\na", #"\n\na"#), ("a\u{0}", #"a\u0000"#), ("\\u0041", #"\\u0041"#),
            ("\r\n", #"\r\n"#), ("e\u{301}\n", "e\u{301}\\n"),
        ])
    func `a string is escaped where it must be, and nowhere else`(string: String, escaped: String) {
        #expect(JSONWriter.bytes { $0.string(string) } == Array("\"\(escaped)\"".utf8))
    }

    @Test func `every ASCII character comes back, alone and in a row`() throws {
        let all = (UInt8(0)..<0x80).map { String(UnicodeScalar($0)) }
        for string in all + [all.joined(), all.reversed().joined()] {
            let text = written { $0.string(string) }
            #expect(text.utf8.allSatisfy { $0 >= 0x20 })
            #expect(try parse(text).string == string)
        }
    }

    /// Eight bytes are looked at in one, and 2048 at a time: every place in both, against byte by byte.
    @Test(arguments: [0, 1, 7, 8, 9, 16, 63, 2047, 2048, 2049, 5000])
    func `it does not matter where in a text a byte stands that must be escaped`(count: Int) throws {
        var random = SeededGenerator(seed: count)
        let choices: [[String]] = [
            ["a", "é", "\u{7F}", "!", "#", "[", "]", "\u{80}"],
            ["a", "\n", "\"", "\\", "\u{1F}", " ", "\u{0}"], ["\u{1}"],
        ]
        for _ in 0..<50 {
            let often = choices[Int.random(in: 0..<choices.count, using: &random)]
            var string = (0..<count).map { _ in often.randomElement(using: &random)! }.joined()
            if Bool.random(using: &random) { string += "\n" }
            var expected = "\""
            for scalar in string.unicodeScalars {
                switch scalar {
                case "\"", "\\": expected += "\\\(scalar)"
                case "\n": expected += "\\n"
                case "\u{0}": expected += "\\u0000"
                case "\u{1}": expected += "\\u0001"
                case "\u{1F}": expected += "\\u001f"
                default: expected.unicodeScalars.append(scalar)
                }
            }
            #expect(written { $0.string(string) } == expected + "\"")
        }
    }

    @Test(
        arguments: [
            (written { $0.null() }, "null"), (written { $0.bool(true) }, "true"),
            (written { $0.bool(false) }, "false"), (written { $0.integer(0) }, "0"),
            (written { $0.integer(Int64.min) }, "-9223372036854775808"),
            (written { $0.integer(UInt64.max) }, "18446744073709551615"),
            (written { $0.integer(UInt8(7)) }, "7"), (written { $0.double(0.1) }, "0.1"),
            (written { $0.double(-0.0) }, "-0.0"), (written { $0.double(3) }, "3.0"),
            (written { $0.written(Array("[1]".utf8)) }, "[1]"),
        ])
    func `values are written in their shortest form`(text: String, expected: String) {
        #expect(text == expected)
    }

    @Test(
        arguments: [
            1e16, 1e-7, 123_456_789.125, .greatestFiniteMagnitude, .leastNonzeroMagnitude, -1e300, 1.0 / 3,
        ])
    func `a double comes back exactly`(double: Double) throws {
        #expect(try parse(written { $0.double(double) }).double == double)
    }

    @Test func `what JSON has no number for is our own bug, and traps`() async {
        await #expect(processExitsWith: .failure) { _ = JSONWriter.bytes { $0.double(.infinity) } }
        await #expect(processExitsWith: .failure) { _ = JSONWriter.bytes { $0.double(.nan) } }
    }

    @Test func `commas stand between values, wherever containers begin and end`() {
        let text = written {
            $0.array {
                $0.array { _ in }
                $0.object { _ in }
                $0.array {
                    $0.integer(1)
                    $0.object { $0.member("a", "b") }
                    $0.null()
                    $0.array { $0.array { $0.bool(true) } }
                }
                $0.string("x")
                $0.double(1.5)
                $0.written(Array("{}".utf8))
                $0.object {
                    $0.member("a", 1)
                    $0.object("b")
                    $0.array("c") { _ in }
                    $0.object("d") { $0.member("e", 2.5) }
                    $0.key("f")
                    $0.null()
                    $0.member("g", false)
                }
                $0.bool(false)
            }
        }
        #expect(
            text
                == #"[[],{},[1,{"a":"b"},null,[[true]]],"x",1.5,{},"#
                + #"{"a":1,"b":{},"c":[],"d":{"e":2.5},"f":null,"g":false},false]"#)
    }

    @Test func `a member without a value is left out, its comma too`() {
        let text = written {
            $0.object {
                $0.optionalMember("a", nil)
                $0.optionalMember("b", "x")
                $0.optionalMember("c", nil)
                $0.optionalMember("d", "y")
                $0.optionalMember("e", nil)
            }
        }
        #expect(text == #"{"b":"x","d":"y"}"#)
    }

    @Test func `a writer continues what it is given, without a comma`() {
        var writer = JSONWriter(into: Array("{}\n".utf8))
        writer.object { $0.member("a", 1) }
        #expect(writer.finish() == Array("{}\n{\"a\":1}".utf8))
    }

    @Test func `2,000 random trees are read back as they were written`() throws {
        var random = SeededGenerator(seed: 0x20)
        for _ in 0..<2000 {
            let tree = RandomTree(&random)
            let document = try JSONDocument(JSONWriter.bytes { tree.write(to: &$0) })
            #expect(document.isCompact)
            #expect(RandomTree(document.root) == tree)
        }
    }
}

/// A value as our own code would write it: names are ours, strings are anybody's.
indirect enum RandomTree: Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    case double(Double)
    case string([UInt8])
    case array([RandomTree])
    case object([Int: RandomTree])

    private static let names: [StaticString] = ["a", "id", "method", "_meta", "é", "a.b/c", ""]

    init(_ random: inout SeededGenerator, depth: Int = 6) {
        switch Int.random(in: 0..<(depth > 0 ? 9 : 5), using: &random) {
        case 0: self = .null
        case 1: self = .bool(.random(using: &random))
        case 2:
            self = .integer(
                .random(in: .min ... .max, using: &random) >> Int64.random(in: 0...63, using: &random))
        // Never a whole number, so that it is told from an integer.
        case 3: self = .double(Double.random(in: -1...1, using: &random) * 1e-3)
        case 4: self = .string(Self.string(&random))
        case 5, 6:
            self = .array(
                (0..<Int.random(in: 0...5, using: &random)).map { _ in Self(&random, depth: depth - 1) })
        default:
            let names = Self.names.indices.filter { _ in Bool.random(using: &random) }
            self = .object(
                Dictionary(uniqueKeysWithValues: names.map { ($0, Self(&random, depth: depth - 1)) }))
        }
    }

    private static func string(_ random: inout SeededGenerator) -> [UInt8] {
        let planes: [ClosedRange<UInt32>] = [0...0x1F, 0x20...0x7F, 0x22...0x22, 0x5C...0x5C, 0x80...0x7FF]
        let more: [ClosedRange<UInt32>] = [0x800...0xD7FF, 0xE000...0xFFFF, 0x10000...0x10FFFF]
        var string = ""
        for _ in 0..<Int.random(in: 0...24, using: &random) {
            let range = (planes + more).randomElement(using: &random)!
            string.unicodeScalars.append(UnicodeScalar(UInt32.random(in: range, using: &random))!)
        }
        return Array(string.utf8)
    }

    func write(to writer: inout JSONWriter) {
        switch self {
        case .null: writer.null()
        case .bool(let bool): writer.bool(bool)
        case .integer(let integer): writer.integer(integer)
        case .double(let double): writer.double(double)
        case .string(let utf8): writer.string(String(decoding: utf8, as: UTF8.self))
        case .array(let elements): writer.array { for each in elements { each.write(to: &$0) } }
        case .object(let members):
            writer.object {
                for (name, value) in members.sorted(by: { $0.key < $1.key }) {
                    $0.key(Self.names[name])
                    value.write(to: &$0)
                }
            }
        }
    }

    init(_ value: JSONValue) {
        switch value.kind {
        case .null: self = .null
        case .true, .false: self = .bool(value.bool!)
        case .number: self = value.integer.map { .integer($0) } ?? .double(value.double!)
        case .string: self = .string(Array(value.string!.utf8))
        case .array: self = .array(value.elements.map { Self($0) })
        case .object:
            self = .object(
                Dictionary(
                    uniqueKeysWithValues: value.members.map { member in
                        (Self.names.firstIndex { $0.description == member.key }!, Self(member.value))
                    }))
        }
    }
}
