import Testing

@testable import Cells

@Suite struct ShellWordsTests {
    @Test(
        "Words are shown as a shell would take them",
        arguments: [
            (["ls", "-l", "/a_b", "x=1", "50%"], "ls -l /a_b x=1 50%"),
            (["a b", "", "$x", "it's", "~"], #"'a b' '' '$x' 'it'\''s' '~'"#),
            (["naïve", "日本"], "'naïve' '日本'"),
            (
                ["a\nb\tc\\'", "\u{1B}[2J", "\u{202E}txt", "\u{7F}"],
                #"$'a\nb\tc\\\'' $'\U0000001b[2J' $'\U0000202etxt' $'\U0000007f'"#
            ),
            (["a\u{A0}b", "\u{E000}"], #"$'a\U000000a0b' $'\U0000e000'"#),
        ])
    func quoting(words: [String], shown: String) {
        #expect(ShellWords.quoted(words) == shown)
    }

    @Test("Different commands never look the same")
    func different() {
        let words = [["a", "b"], ["a b"], ["'a b'"], ["a", "", "b"], ["a\nb"], ["a\\nb"], ["a$'\\n'b"]]
        #expect(Set(words.map { ShellWords.quoted($0) }).count == words.count)
    }
}
