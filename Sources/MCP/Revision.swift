/// A released revision of the protocol, oldest first. They are compared by their place in this list,
/// never as strings.
package enum Revision: String, CaseIterable, Sendable {
    case v2024_11_05 = "2024-11-05"
    case v2025_03_26 = "2025-03-26"
    case v2025_06_18 = "2025-06-18"
    case v2025_11_25 = "2025-11-25"
    case v2026_07_28 = "2026-07-28"

    /// Legacy revisions begin with a handshake (`initialize`); modern ones say everything in each request.
    package enum Era: Sendable { case legacy, modern }

    package var era: Era { self == .v2026_07_28 ? .modern : .legacy }

    /// What a client is offered that asks for a revision nobody knows.
    package static let newestLegacy = Revision.v2025_11_25
    package static let newestFirst = Array(allCases.reversed())

    private var age: Int { Self.newestFirst.firstIndex(of: self) ?? 0 }

    package func isAtLeast(_ other: Revision) -> Bool { age <= other.age }
}
