import Testing

@testable import Tools

struct PermissionTests {
    @Test(arguments: [
        ("/etc/passwd", "/etc/passwd"),
        ("a/b", "/workspace/a/b"),
        (".", "/workspace"),
        ("", "/workspace"),
        ("/", "/"),
        ("/a//b/./c/", "/a/b/c"),
        ("a/../b", "/workspace/b"),
        ("../etc", "/etc"),
        ("/../../x", "/x"),
        ("a/..b/...", "/workspace/a/..b/..."),
    ])
    func `a path is shown absolute and without dots`(path: String, object: String) {
        #expect(Permission.path(.read, path) == Permission(.read, object))
    }

    /// A slash and an accent behind it are one character to Swift, and were no separator: so the permission that
    /// was asked for was of another file than the kernel opened.
    @Test(arguments: [
        ("a/\u{301}b/../../secret", "/workspace/secret"),
        ("/\u{301}etc/../secret", "/secret"),
        ("a/\u{338}/../b", "/workspace/a/b"),
        ("..\u{301}/b", "/workspace/..\u{301}/b"),
    ])
    func `an accent behind a slash does not hide it`(path: String, object: String) {
        #expect(Permission.path(.write, path) == Permission(.write, object))
    }

    @Test func `it says what it is`() {
        #expect(Permission(.run, "/bin/sh").description == "run /bin/sh")
    }
}
