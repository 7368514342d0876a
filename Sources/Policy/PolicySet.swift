import Cells
import Patterns
import YAML

/// All policy files together. It does not matter in which order they come.
package struct PolicySet: Equatable, Sendable {
    package static let mostRules = 10_000

    package let clients: [ClientBlock]
    package let audit: AuditSettings
    package let customPermissions: Set<PermissionName>
    package let expectations: [Expectation]

    /// Nothing is allowed to anybody.
    package static let denyingAll = PolicySet()

    private init() { (clients, audit, customPermissions, expectations) = ([], AuditSettings(), [], []) }

    /// Whether any block is for programs with a certain SHA-256.
    package var asksForDigests: Bool { clients.contains { !$0.match.digests.isEmpty } }

    package init(_ files: [PolicyFile]) throws(PolicyFault) {
        var blocks: [String: ClientBlock] = [:]
        var rules = 0
        var audit: (settings: AuditSettings, file: String)?
        for file in files.sorted(by: { $0.name < $1.name }) {
            for block in file.clients {
                if let other = blocks.updateValue(block, forKey: block.name) {
                    throw Self.fault(
                        block.reference, "the name \(block.name) is taken, by the block at \(other.reference)"
                    )
                }
                rules += block.rules.count
                guard rules <= Self.mostRules else {
                    throw Self.fault(
                        block.reference, "there are more than \(Self.mostRules) rules in all files")
                }
            }
            if let settings = file.audit {
                if let other = audit {
                    throw PolicyFault(
                        file.name, settings.place, "audit is set already, in \(other.file); one file sets it")
                }
                audit = (settings, file.name)
            }
        }
        clients = blocks.values.sorted { $0.name < $1.name }
        self.audit = audit?.settings ?? AuditSettings()
        customPermissions = files.reduce(into: []) { $0.formUnion($1.custom) }
        expectations = files.flatMap(\.expectations)
        try checkCustom()
    }

    private func checkCustom() throws(PolicyFault) {
        for block in clients {
            for rule in block.rules {
                for case .custom(let name) in rule.permissions
                where !customPermissions.contains(.custom(name)) {
                    throw Self.fault(
                        rule.reference, "\(name) is not declared; list it under custom: in a file")
                }
            }
        }
    }

    private static func fault(_ place: RuleReference, _ problem: String) -> PolicyFault {
        PolicyFault(place.file, TextPlace(line: place.line, column: 1), problem)
    }

    /// What of it concerns this client.
    package func policy(for facts: ClientFacts) -> ClientPolicy {
        ClientPolicy(facts, clients.filter { $0.match.fits(facts) })
    }

    /// Those expectations that do not hold.
    package func brokenExpectations(at now: Moment) -> [PolicyFault] {
        expectations.compactMap { expectation in
            let decision = policy(for: expectation.facts).decide(
                expectation.need, at: expectation.moment ?? now)
            guard decision.verdict.word != expectation.verdict.rawValue else { return nil }
            let why = decision.rule.map { "by the rule at \($0)" } ?? "because no rule says anything"
            return PolicyFault(
                expectation.file, expectation.place,
                "\(expectation.need) is expected to be \(expectation.verdict.rawValue), and is \(decision.verdict.word), \(why)"
            )
        }
    }
}
