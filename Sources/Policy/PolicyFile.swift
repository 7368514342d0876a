import Cells
import Patterns
import YAML

/// A policy file, read: what it says, and where. Nothing in it depends on the order in which it stands.
package struct PolicyFile: Equatable, Sendable {
    package let name: String
    package var clients: [ClientBlock] = []
    package var audit: AuditSettings?
    package var custom: Set<PermissionName> = []
    package var expectations: [Expectation] = []

    init(name: String) { self.name = name }
}

/// Where something is said, for people.
package struct RuleReference: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let file: String
    package let line: Int
    /// The block that it stands in.
    package let block: String

    package var description: String { "\(file):\(line)" }

    package static func < (one: Self, other: Self) -> Bool {
        (one.file, one.line, one.block) < (other.file, other.line, other.block)
    }
}

/// What holds for the clients that fit.
package struct ClientBlock: Equatable, Sendable {
    package var reference: RuleReference
    package var match = ClientMatch()
    package var rules: [Rule] = []
    package var limits = ClientLimits()
    package var rates = CallRates()
    package var isEphemeral: Bool?
    package var environment: [String: String] = [:]
    package var secrets: Set<String> = []

    package var name: String { reference.block }
}

package struct Rule: Equatable, Sendable {
    package enum Effect: Equatable, Sendable {
        case allow
        case ask(Way)
        case deny
    }

    /// How a question reaches a person; the later ones are stricter.
    package enum Way: String, CaseIterable, Comparable, Sendable {
        case client, queue, polkit

        package static func < (one: Self, other: Self) -> Bool { one.strictness < other.strictness }
        private var strictness: Int { Self.allCases.firstIndex(of: self)! }
    }

    package enum Objects: Equatable, Sendable {
        case any
        case paths([PathPattern])
        case commands([ArgumentPattern])
        case names([NamePattern])
    }

    package var reference: RuleReference
    package var effect: Effect
    package var permissions: Set<PermissionName>
    package var objects = Objects.any
    /// What was written, for people.
    package var objectTexts: [String] = []
    package var isRestricted = false
    package var windows: [TimeWindow] = []
    /// Seconds since 1970; from then on it says nothing.
    package var expires: Int?
    package var reason: String?
}

package struct AuditSettings: Equatable, Sendable {
    package enum Sync: String, CaseIterable, Sendable { case never, interval, always }

    /// Whether a call is refused when its record cannot be written.
    package var isRequired = true
    package var sync = Sync.never
    package var rotateBytes: UInt64 = 64 << 20
    package var keptFiles = 10
    package var place: TextPlace?

    package init() {}
}
