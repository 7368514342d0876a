import Glibc
import JSON
import Testing

// Sixteen times the input may take sixteen times the time: a quadratic step would take 256 times. Time is
// this thread's own on the processor, the best of several, so that a busy machine does not matter; and the
// line is drawn at 64, far from both.

@Suite(.serialized)
struct LinearityTests {
    struct Shape: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let make: @Sendable (Int) -> String

        init(_ description: String, _ make: @escaping @Sendable (Int) -> String) {
            (testDescription, self.make) = (description, make)
        }
    }

    private static let unlimited = JSONLimits(depth: .max, values: .max)

    static let shapes = [
        Shape("many keys") { n in "{" + (0..<n).map { #""key\#($0)":0,"# }.joined() + #""":0}"# },
        Shape("many keys of one length and beginning, escaped") { n in
            "{" + (0..<n).map { #""\u0061aaaaaaaaaaaaaaaa\#(1_000_000 + $0)":0,"# }.joined() + #""":0}"#
        },
        Shape("many small objects with escaped keys") { n in
            let object = "{" + (0..<8).map { #""\u006b\#($0)":0"# }.joined(separator: ",") + "}"
            return "[" + (0..<n / 8).map { _ in object + "," }.joined() + "0]"
        },
        Shape("eight long keys") { n in
            let long = String(repeating: "a", count: n / 2)
            return "{" + (0..<8).map { #""\#(long)\#($0)":0"# }.joined(separator: ",") + "}"
        },
        Shape("nested arrays") { n in
            String(repeating: "[", count: n) + String(repeating: "]", count: n)
        },
        Shape("nested objects, each with members before and behind") { n in
            String(repeating: #"{"a":0,"b": "#, count: n) + "0" + String(repeating: #","c":0}"#, count: n)
        },
        Shape("a long string of escapes") { n in
            "\"" + String(repeating: #"\n\ud83d\ude00"#, count: n) + "\""
        },
        Shape("a long string that is not ASCII") { n in "\"" + String(repeating: "é😀", count: n) + "\"" },
        Shape("a long number") { n in String(repeating: "7", count: n) },
        Shape("white space") { n in "[" + String(repeating: " 1 ,", count: n) + "1]" },
    ]

    @Test(arguments: shapes)
    func `sixteen times the text takes no more than sixteen times the time, roughly`(shape: Shape) throws {
        let (small, large) = (Array(shape.make(250).utf8), Array(shape.make(4000).utf8))
        #expect(large.count > 12 * small.count)
        let ratio = try Self.seconds(large, repeats: 3) / Self.seconds(small, repeats: 8)
        #expect(ratio < 64, "\(large.count / small.count) times the text took \(ratio) times the time")
    }

    @Test func `the clock can tell: a quadratic walk is noticed`() {
        func quadratic(_ count: Int) -> Double {
            let bytes = [UInt8](repeating: 1, count: count)
            return Self.best(of: 3) {
                var sum = 0
                for end in bytes.indices { for byte in bytes[..<end] { sum &+= Int(byte) } }
                return sum
            }
        }
        #expect(quadratic(3200) / quadratic(200) > 64)
    }

    /// Reads, looks at every value, and writes.
    private static func seconds(_ text: [UInt8], repeats: Int) throws -> Double {
        #expect(refusal(of: text, limits: unlimited) == nil)
        return best(of: repeats) {
            guard let root = try? JSONDocument(text, limits: unlimited).root else { return 0 }
            _ = root.string
            _ = root["missing"]
            for element in root.elements { _ = element["missing"] }
            return JSONWriter.bytes { $0.value(root) }.count
        }
    }

    private static func best(of repeats: Int, _ work: () -> Int) -> Double {
        (0..<repeats).map { _ in
            let before = processorSeconds()
            withExtendedLifetime(work()) {}
            return processorSeconds() - before
        }.min() ?? 0
    }

    private static func processorSeconds() -> Double {
        var time = timespec()
        guard unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0 else {
            preconditionFailure("no processor clock")
        }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
