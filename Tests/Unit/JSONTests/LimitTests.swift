import JSON
import Testing

struct LimitTests {
    @Test(arguments: [("[", "]"), (#"{"k":"#, "}")])
    func `128 levels are accepted, and the container of the 129th is where it is refused`(
        open: String, close: String
    ) {
        func nested(_ depth: Int) -> String {
            String(repeating: open, count: depth - 1) + "[]" + String(repeating: close, count: depth - 1)
        }
        #expect(refusal(of: nested(128)) == nil)
        #expect(refusal(of: nested(129)) == JSONError(.tooDeep, at: 128 * open.utf8.count))
        #expect(
            refusal(of: String(repeating: open, count: 129))
                == JSONError(.tooDeep, at: 128 * open.utf8.count))
    }

    @Test(
        arguments: [
            (0, "1", nil), (0, "[]", 0), (0, " {}", 1), (1, "[[]]", 1), (2, "[[]]", nil),
            (2, #"{"a":[1],"b":[2],"c":{"d":3}}"#, nil), (2, "[[],[],[[]]]", 8),
            (3, #"[{"a":[]},{"a":[{}]}]"#, 16),
        ] as [(Int, String, Int?)])
    func `depth is what is open, not what has been`(depth: Int, text: String, offset: Int?) {
        #expect(
            refusal(of: text, limits: JSONLimits(depth: depth))
                == offset.map { JSONError(.tooDeep, at: $0) })
    }

    @Test(arguments: ["12345", "[1,2]", " \n\t 1", #""abc""#])
    func `a text of as many bytes as the limit is accepted, one more is not`(text: String) {
        #expect(refusal(of: text, limits: JSONLimits(bytes: 5)) == nil)
        for longer in [text + " ", text + "\u{0}", text + "garbage"] {
            #expect(refusal(of: longer, limits: JSONLimits(bytes: 5)) == JSONError(.tooLarge, at: 5))
        }
    }

    @Test(
        arguments: [
            (1, "1", nil), (1, "[]", nil), (1, "[1]", 1), (3, "[1,2]", nil), (3, "[1,2,3]", 5),
            (3, #"{"a":1}"#, nil), (2, #"{"a":1}"#, 5), (3, #"{"a":1,"b":2}"#, 7), (3, "[[],{}]", nil),
            (3, "[[],{},null]", 7), (2, "[1, true]", 4), (0, "null", 0),
        ] as [(Int, String, Int?)])
    func `values are limited, and a key counts as one`(values: Int, text: String, offset: Int?) {
        #expect(
            refusal(of: text, limits: JSONLimits(values: values))
                == offset.map { JSONError(.tooManyValues, at: $0) })
    }

    @Test func `the standard limits are 128 levels, 64 MiB and a million values`() {
        #expect(JSONLimits.standard == JSONLimits(depth: 128, bytes: 64 << 20, values: 1 << 20))
        let values = { (count: Int) in "[" + String(repeating: "1,", count: count - 2) + "1]" }
        #expect(refusal(of: values(1 << 20)) == nil)
        #expect(refusal(of: values(1 << 20 + 1)) == JSONError(.tooManyValues, at: 2 << 20 - 1))
    }

    /// A stack has 8 MB at most: with a call for each level, or a value that frees its parts one in the
    /// other, this would overflow it.
    @Test(arguments: [("[", "]"), (#"{"k": "#, "}")])
    func `no nesting deepens our own stack, in reading, writing, reaching in and letting go`(
        open: String, close: String
    ) throws {
        let depth = 250_000
        let text = String(repeating: open, count: depth) + "0" + String(repeating: close, count: depth)
        let root = try parse(text, limits: JSONLimits(depth: depth, values: 2 * depth + 1))
        let compact = text.utf8.filter { $0 != 0x20 }
        #expect(JSONWriter.bytes { $0.value(root) } == compact)
        #expect(root.count + Array(root.members).count == 1)
    }
}
