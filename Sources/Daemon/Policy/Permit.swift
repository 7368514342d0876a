import Policy
import Tools

/// What policy says to a whole call: the strictest of what it says to the tool and to everything that its arguments
/// need.
package struct Permit: Sendable {
    package struct Ruling: Sendable {
        package let need: Need
        package let decision: Decision

        /// How a person has to be asked, if one has to be.
        var way: Rule.Way? {
            guard case .ask(let way) = decision.verdict else { return nil }
            // What runs as root is asked through polkit by celld, whatever a rule says; nobody is asked twice.
            return need.permission == .codeExecutionSudo && way == .polkit ? nil : way
        }
    }

    /// What decided: of several denials the first.
    package let ruling: Ruling
    /// All that a person has to be asked about.
    package let questions: [Ruling]
    package let needs: [Need]
    private let refused: String?

    package init(_ policy: SessionPolicy, tool: String, _ permissions: [Permission]) {
        needs = [Need.tool(tool)] + permissions.map { Need($0) }
        let rulings = needs.map { Ruling(need: $0, decision: policy.decide($0)) }
        questions = rulings.filter { $0.way != nil }
        if let denied = rulings.first(where: { $0.decision.verdict == .deny }) {
            (ruling, refused) = (denied, Self.sentence(denied, policy.client))
        } else if let place = zip(permissions, rulings.dropFirst()).first(where: {
            $0.setsEnvironment && $1.decision.isRestricted
        }) {
            ruling = place.1
            refused = """
                \(place.1.need) is allowed as a named program only (\(Self.place(place.1.decision))), and such a call \
                cannot set variables of its own, by which a program can be made to run others.
                """
        } else {
            (ruling, refused) = (questions.first ?? rulings[0], nil)
        }
    }

    /// One sentence for the client: what was refused, which rule refused it, and what would change it.
    package var refusal: String? { refused }

    private static func sentence(_ ruling: Ruling, _ client: ClientPolicy) -> String {
        let decision = ruling.decision
        guard decision.rule != nil else {
            let blocks =
                client.blocks.isEmpty ? "no block of the policy fits this client" : "no rule speaks of it"
            return """
                \(ruling.need) is not permitted: \(blocks). An administrator can allow it with a rule in \
                /etc/cloister/policy.d (cloisterctl policy explain says more).
                """
        }
        let reason = decision.reason.map { ": \($0)" } ?? ""
        return """
            \(ruling.need) is not permitted\(reason) (denied by \(place(decision))). An administrator can change that \
            rule.
            """
    }

    private static func place(_ decision: Decision) -> String {
        decision.rule.map { "the rule at \($0)" } ?? "no rule"
    }
}
