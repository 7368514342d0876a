import JSON
import TestSupport
import Testing

struct OutlineTests {
    private func member(_ name: StaticString, of text: String) -> String? {
        JSONOutline(Array(text.utf8)[...])?[name].map { String(decoding: $0, as: UTF8.self) }
    }

    @Test(
        arguments: [
            (#"{"a":1}"#, "1"), (#"{"b":1,"a":2}"#, "2"), (#" { "b" : 1 , "a" : 2 } "#, "2"),
            (#"{"b":{"a":1},"a":[{"a":2}]}"#, #"[{"a":2}]"#), (#"{"a":{}}"#, "{}"),
            (#"{"b":"\"a\":1","a":"\\"}"#, #""\\""#), (#"{"b":"}],{[","a":"],}"}"#, #""],}""#),
            (#"{"a":1,"a":2}"#, "1"), (#"{"a":null}"#, "null"), (#"{"a":-1.5e7 }"#, "-1.5e7"),
            (#"{"\"a":1,"a":2}"#, "2"),
        ])
    func `a member is found, and no other`(text: String, value: String) {
        #expect(member("a", of: text) == value)
        #expect(member("aa", of: text) == nil && member("", of: text) == nil)
    }

    @Test(arguments: ["", " ", "1", "[]", #"["a",1]"#, #""a""#, "null"])
    func `what is no object has no outline`(text: String) {
        #expect(JSONOutline(Array(text.utf8)[...]) == nil)
    }

    @Test
    func `in 2,000 random objects each value stands where the document has it, and no part of one is whole`()
        throws
    {
        var random = SeededGenerator(seed: 0x11)
        for _ in 0..<2000 {
            let values = (0..<3).map { _ in
                RandomText.tokens(&random).map { RandomText.whiteSpace(&random) + $0 }.joined()
            }
            let text = "{\"a\":\(values[0]),\"b\" :\(values[1]) , \"c\":\(values[2])}"
            let root = try parse(text)
            for name: StaticString in ["a", "b", "c"] {
                #expect(
                    member(name, of: text) == root[name].map { String(decoding: $0.bytes, as: UTF8.self) })
            }
            let bytes = Array(text.utf8)
            let end = Int.random(in: 0..<bytes.count, using: &random)
            #expect(JSONOutline(bytes[..<end]) == nil)
            #expect(
                JSONOutline((bytes + bytes)[bytes.count...])?["a"].map(Array.init)
                    == root["a"].map { Array($0.bytes) })
        }
    }
}
