import Linux
import Testing

/// What the machine must have for a test to mean anything.
enum Requirement {
    /// Where tests must run (CLOISTER_MUST_RUN), one that cannot has failed.
    static func need(_ isMet: Bool, _ reason: Comment) throws {
        if isMet { return }
        if Process.environment("CLOISTER_MUST_RUN") == "1" { Issue.record(reason) }
        try Test.cancel(reason)
    }
}
