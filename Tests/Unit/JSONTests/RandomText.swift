import TestSupport

/// JSON texts as lists of their tokens, in spellings that a writer of ours would not choose.
enum RandomText {
    static func tokens(_ random: inout SeededGenerator, depth: Int = 5) -> [String] {
        switch Int.random(in: 0..<(depth > 0 ? 9 : 6), using: &random) {
        case 0: [["null", "true", "false"].randomElement(using: &random)!]
        case 1, 2: [number(&random)]
        case 3, 4, 5: [string(&random)]
        case 6, 7: list("[", "]", &random) { tokens(&$0, depth: depth - 1) }
        default: list("{", "}", &random) { [string(&$0), ":"] + tokens(&$0, depth: depth - 1) }
        }
    }

    private static func list(
        _ first: String, _ last: String, _ random: inout SeededGenerator,
        of item: (inout SeededGenerator) -> [String]
    ) -> [String] {
        var tokens = [first]
        for index in 0..<Int.random(in: 0...4, using: &random) {
            tokens += (index == 0 ? [] : [","]) + item(&random)
        }
        return tokens + [last]
    }

    static func number(_ random: inout SeededGenerator) -> String {
        let numbers = [
            "0", "-0", "1.0", "1e400", "9223372036854775808", "-1E-7", "0.30", "12e+09", "-9.99",
        ]
        return numbers.randomElement(using: &random)!
    }

    static func string(_ random: inout SeededGenerator) -> String {
        let pieces = [
            "a", "plain text", " ", "  \u{7F}", "é", "e\u{301}", "€", "😀", "\u{2028}", #"\n"#, #"\/"#,
            #"\""#, #"\\"#, #"\u0000"#, #"\u00e9"#, #"\uD83D\ude00"#, "{", "]", ",", ":",
        ]
        let count = Int.random(in: 0...6, using: &random)
        return "\"" + (0..<count).map { _ in pieces.randomElement(using: &random)! }.joined() + "\""
    }

    static func whiteSpace(_ random: inout SeededGenerator) -> String {
        ["", "", "", " ", "\n", "\t", "\r\n", "   "].randomElement(using: &random)!
    }
}
