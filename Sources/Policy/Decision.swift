/// What policy says to a need.
package struct Decision: Equatable, Sendable {
    package enum Verdict: Equatable, Sendable {
        case allow
        case ask(Rule.Way)
        case deny

        package var word: String {
            switch self {
            case .allow: "allow"
            case .ask: "ask"
            case .deny: "deny"
            }
        }
    }

    package let verdict: Verdict
    /// The rule that gave it; `nil` where no rule says anything, which is a denial.
    package let rule: RuleReference?
    package let reason: String?
    /// Of an allowed program: whether only named ones are, and so a name has to mean what the system means by it.
    package let isRestricted: Bool
    /// When it has to be made again; `nil` when it holds as long as the policy does.
    package let validUntil: Int?
}

extension Rule.Effect {
    /// deny > ask > allow; among questions the way that is harder to answer in a client's stead.
    var strictness: Int {
        switch self {
        case .allow: 0
        case .ask(let way): 1 + Rule.Way.allCases.firstIndex(of: way)!
        case .deny: 10
        }
    }

    var verdict: Decision.Verdict {
        switch self {
        case .allow: .allow
        case .ask(let way): .ask(way)
        case .deny: .deny
        }
    }
}
