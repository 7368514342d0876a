import Foundation
import Linux

/// One of this package's programs, as it was built beside the tests, or where CLOISTER_BIN says.
package enum Executable: String, Sendable, CaseIterable {
    case cloisterd
    case bridge = "cloister-bridge"
    case cloisterctl
    /// cloisterd with tools for tests.
    case fixtureDaemon = "fixture-daemon"
    /// Puts itself behind a wall, and tries something.
    case walled
    /// Writes audit records.
    case auditWriter = "audit-writer"

    package var path: String {
        let environment = ProcessInfo.processInfo.environment
        return (environment["CLOISTER_BIN"] ?? Self.besideTests) + "/" + rawValue
    }

    private static var besideTests: String {
        let tests = (try? File.readLink("/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: tests).deletingLastPathComponent().path
    }
}
