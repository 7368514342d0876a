import Testing

@testable import Tools

struct Base64Tests {
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
    func `it is that of RFC 4648`(plain: String, text: String) {
        #expect(Base64.encode(Array(plain.utf8)) == text)
        #expect(Base64.decode(text.utf8) == Array(plain.utf8))
    }

    @Test func `all bytes come back`() {
        let bytes = (0...255).map { UInt8($0) }
        for length in 250...256 {
            let part = Array(bytes.suffix(length))
            #expect(Base64.decode(Base64.encode(part).utf8) == part)
            #expect(Base64.encode(part).utf8.count == Base64.length(ofBytes: length))
        }
    }

    @Test func `line breaks are passed over`() {
        #expect(Base64.decode("Zm9v\r\nYmFy\n".utf8) == Array("foobar".utf8))
    }

    @Test(arguments: [
        "Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "=", "Zg==Zg==", "Zm9v====", "Zm9v!", "Zm 9v", "Zm9_",
    ])
    func `what is not base64 is refused`(text: String) {
        #expect(Base64.decode(text.utf8) == nil)
    }
}

struct TimestampTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (-1, "1969-12-31T23:59:59Z"),
            (951_782_400_000_000_000, "2000-02-29T00:00:00Z"),
            (1_709_251_199_999_999_999, "2024-02-29T23:59:59Z"),
            (1_709_251_200_000_000_000, "2024-03-01T00:00:00Z"),
            (4_107_542_400_000_000_000, "2100-03-01T00:00:00Z"),
            (Int64.min, "1677-09-21T00:12:43Z"), (Int64.max, "2262-04-11T23:47:16Z"),
        ] as [(Int64, String)])
    func `a moment is written in UTC`(nanoseconds: Int64, text: String) {
        #expect(Timestamp.text(nanoseconds: nanoseconds) == text)
    }
}

struct FoundTextTests {
    @Test(
        arguments: [
            [0, 1, 2, 3], [0xFF, 0xFE, 0, 0, 0x61, 0, 0, 0], [0x80, 0x81, 0x82, 0x83],
            [0x61, 0x62, 0x01, 0xFF], [0x7F, 0x45, 0x4C, 0x46, 0],
        ] as [[UInt8]])
    func `what is not text is not`(bytes: [UInt8]) {
        #expect(FoundText(finding: bytes) == nil)
    }

    /// One bad byte made a whole log Latin-1, and every other accent in it two letters.
    @Test func `text with some damage stays what it was`() {
        let found = FoundText(finding: Array("né à la fin".utf8) + [0xFF])
        #expect(found?.text == "né à la fin\u{FFFD}")
        #expect(found?.isLossy == true)
        #expect(found?.encoding == .utf8)
    }

    @Test func `nothing is text`() {
        #expect(FoundText(finding: [])?.text == "")
    }

    @Test(arguments: [
        ("abc", 0), ("é", 0), ("€", 0), ("\u{1F600}", 0),
    ])
    func `a whole character at the end is not open`(text: String, open: Int) {
        let bytes = Array(text.utf8)
        #expect(bytes.openCharacterLength == 0)
        for length in 1..<max(bytes.count, 1) where bytes[0] >= 0xC0 {
            #expect(Array(bytes.prefix(length)).openCharacterLength == length)
            #expect(Array(bytes.dropFirst(length)).continuedCharacterLength == bytes.count - length)
        }
    }

    @Test func `bytes that never begin a character are not open`() {
        #expect([UInt8](repeating: 0x80, count: 5).openCharacterLength == 0)
        #expect([UInt8](repeating: 0x80, count: 5).continuedCharacterLength == 0)
        #expect([0xFF].openCharacterLength == 0)
        #expect([UInt8]().openCharacterLength == 0)
    }
}

struct FileModeTests {
    @Test(
        arguments: [
            (0o644, "644", "rw-r--r--"), (0o4755, "4755", "rwsr-xr-x"), (0o2660, "2660", "rw-rwS---"),
            (0o1777, "1777", "rwxrwxrwt"), (0, "000", "---------"), (0o1000, "1000", "--------T"),
        ] as [(UInt16, String, String)])
    func `permission bits are shown in octal and as ls shows them`(
        mode: UInt16, octal: String, letters: String
    ) {
        #expect(FileMode.octal(mode) == octal)
        #expect(FileMode.letters(mode) == letters)
    }
}

struct SignalNameTests {
    @Test func `signals have the names that people know`() {
        for (number, name) in [(1, "HUP"), (9, "KILL"), (10, "USR1"), (15, "TERM"), (31, "SYS")] {
            #expect(SignalName.of(UInt8(number)) == "SIG" + name)
            #expect(SignalName.number(name) == UInt8(number))
            #expect(SignalName.number("SIG" + name) == UInt8(number))
        }
        #expect(SignalName.of(40) == "signal 40")
        #expect(SignalName.number("NOPE") == nil)
    }
}

struct PatchNamesTests {
    @Test(arguments: [
        ("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n", ["x"]),
        ("--- x\t2024-01-01\n+++ x\t2024-01-02\r\n", ["x"]),
        ("--- a/old\n+++ /dev/null\n", ["old"]),
        ("--- /dev/null\n+++ b/d/new\n", ["d/new"]),
        ("diff --git a/x b/x\nindex 1..2\n--- a/x\n+++ b/x\n--- a/y\n+++ b/y\n", ["x", "y"]),
        ("--- \"a/t\\303\\251\\t\\\"\"\n+++ \"b/t\\303\\251\\t\\\"\"\n", ["té\t\""]),
        ("--- /etc/x\n+++ /etc/x\n", ["/etc/x"]),
        ("--- a/../../etc/x\n+++ b/../../etc/x\n", ["../../etc/x"]),
        // A deleted line of SQL before an added one: more than is needed, never less.
        ("--- a/x\n+++ b/x\n@@ -1 +1 @@\n--- note\n+++ other\n", ["x", "other"]),
        ("no patch", []), ("--- a/x", []), ("", []),
    ])
    func `the files of a patch are found`(patch: String, files: [String]) throws {
        #expect(try PatchNames.files(of: Array(patch.utf8)) == files)
    }

    @Test func `a name that is not UTF-8 is refused`() {
        #expect(throws: Arguments.Fault("argument \"patch\": the name in its line 1 is not UTF-8")) {
            _ = try PatchNames.files(of: Array("--- ".utf8) + [0xFF] + Array("\n+++ b\n".utf8))
        }
    }
}
