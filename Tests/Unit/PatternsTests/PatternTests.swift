import Testing

@testable import Patterns

@Suite struct NamePatternTests {
    @Test(
        "A name is matched by bytes",
        arguments: [
            ("abc", "abc", true), ("abc", "abd", false), ("abc", "ab", false), ("", "", true),
            ("", "a", false),
            ("*", "", true), ("*", "anything", true), ("a*", "a", true), ("a*c", "abbbc", true),
            ("a*c", "abbb", false), ("*.c", "x.c", true), ("*.c", "x.cc", false), ("a?c", "abc", true),
            ("a?c", "ac", false), ("?", "é", false), ("??", "é", true), ("[a-c]x", "bx", true),
            ("[a-c]x", "dx", false), ("[!a-c]x", "dx", true), ("[!a-c]x", "bx", false), ("[]]", "]", true),
            ("[a-]", "-", true), ("\\*", "*", true), ("\\*", "a", false), ("a**b", "ab", true),
            ("*a*b*", "xxaxxbxx", true), ("*a*b*", "xxbxxaxx", false),
        ])
    func matching(pattern: String, text: String, matches: Bool) throws {
        #expect(try NamePattern(pattern.utf8).matches(text) == matches)
    }

    @Test("What is no pattern is refused", arguments: ["[", "[a", "[]", "[b-a]", "\\"])
    func faults(pattern: String) {
        #expect(throws: NamePattern.Fault.self) { try NamePattern(pattern.utf8) }
    }

    @Test("A pattern that is meant to explode does not")
    func hostile() throws {
        let pattern = try NamePattern(String(repeating: "*a", count: 200).utf8)
        #expect(!pattern.matches(String(repeating: "a", count: 4000) + "b"))
        #expect(pattern.matches(String(repeating: "a", count: 4000)))
    }
}

@Suite struct PathPatternTests {
    @Test(
        "A path is matched name by name",
        arguments: [
            ("/a/b", "/a/b", true), ("/a/b", "/a", false), ("/a/b", "/a/b/c", false),
            ("/a/b/", "/a//b", true),
            ("/", "/", true), ("/", "/a", false), ("/**", "/", true), ("/**", "/a/b/c", true),
            ("/a/**", "/a", true), ("/a/**", "/a/b", true), ("/a/**", "/ab", false), ("/a/*", "/a", false),
            ("/a/*", "/a/b", true), ("/a/*", "/a/b/c", false), ("/a/*.txt", "/a/x.txt", true),
            ("/a/*.txt", "/a/b/x.txt", false), ("/**/*.txt", "/a/b/x.txt", true),
            ("/**/*.txt", "/x.txt", true),
            ("/**/.env", "/a/.env", true), ("/**/.git/**", "/a/b/.git/config", true),
            ("/**/.git/**", "/a/b/.gitignore", false), ("/a/**/b/**/c", "/a/x/b/y/z/c", true),
            ("/a/**/b/**/c", "/a/x/y/z/c", false), ("/a/**/b", "/a/b", true), ("/{a,b}/c", "/b/c", true),
            ("/{a,b}/c", "/c/c", false), ("/{a,b/{c,d}}/e", "/b/d/e", true), ("/{a,}x", "/x", true),
            ("/a\\{b", "/a{b", true), ("/a/**/**/b", "/a/b", true),
        ])
    func matching(pattern: String, path: String, matches: Bool) throws {
        let patterns = try PathPattern.patterns(pattern)
        #expect(patterns.contains { $0.matches(PathNames(path)) } == matches)
    }

    @Test(
        "What is no pattern is refused",
        arguments: [
            "", "a/b", "./a", "/a/../b", "/a/./b", "~bob/x", "/{a", "/a}", "/[", "/a\0b",
            "/" + String(repeating: "{a,b}", count: 7), "/" + String(repeating: "a", count: 4096),
        ])
    func faults(pattern: String) {
        #expect(throws: PathPattern.Fault.self) { try PathPattern.patterns(pattern) }
    }

    @Test("A home is put in the place of ~, and nobody's home is the root")
    func home() throws {
        let pattern = try #require(try PathPattern.patterns("~/src/**").first)
        let absolute = try #require(pattern.absolute(home: "/home/al*ce/"))
        #expect(absolute.matches(PathNames("/home/al*ce/src/x")))
        #expect(!absolute.matches(PathNames("/home/alice/src/x")))
        #expect(absolute.tree == "/home/al*ce/src")
        for home in [nil, "", "/", "relative"] { #expect(pattern.absolute(home: home) == nil) }
    }

    @Test(
        "A tree is a directory with all that is below",
        arguments: [
            ("/srv/data/**", "/srv/data"), ("/srv/data", nil), ("/srv/*/**", nil), ("/**", nil),
            ("/srv/**/x/**", nil), ("/srv/a b/**", "/srv/a b"), ("/srv/\\*/**", "/srv/*"),
        ] as [(String, String?)])
    func trees(pattern: String, tree: String?) throws {
        #expect(try PathPattern.patterns(pattern).first?.tree == tree)
    }

    @Test("A pattern that is meant to explode does not")
    func hostile() throws {
        let pattern = try #require(
            try PathPattern.patterns("/" + String(repeating: "**/a/", count: 200) + "b").first)
        #expect(!pattern.matches(PathNames(String(repeating: "/a", count: 2000))))
    }
}
