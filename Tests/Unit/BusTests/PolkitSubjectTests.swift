import Testing

@testable import Bus

/// Whom polkit is asked about.
@Suite struct PolkitSubjectTests {
    @Test(
        "A process is named by its descriptor where polkit takes one",
        arguments: [
            ("124", true), ("126", true), ("125.1", true), ("123", false), ("122", false), ("0.105", false),
            ("0.124", false), ("", false), ("newest", false), ("-124", false),
        ])
    func version(text: String, takesDescriptors: Bool) {
        #expect(PolkitSubject.takesDescriptors(version: text) == takesDescriptors)
    }
}
