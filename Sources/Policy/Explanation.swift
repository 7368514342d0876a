import Patterns

/// A decision with all that led to it: what an administrator asks when a call was refused, or was not.
package struct Explanation: Equatable, Sendable {
    package struct Voice: Equatable, Sendable {
        package let rule: RuleReference
        package let effect: String
        /// What became of it, or why it says nothing.
        package let remark: String
    }

    package static let mostVoices = 20

    package let need: Need
    package let decision: Decision
    /// The blocks that the client fits.
    package let blocks: [String]
    package let lost: [Voice]
    /// Rules that speak of it and are not in force, or not for this client.
    package let silent: [Voice]
    package let advice: String
}

extension PolicySet {
    package func explain(_ need: Need, for facts: ClientFacts, at moment: Moment) -> Explanation {
        let policy = policy(for: facts)
        let decision = policy.decide(need, at: moment)
        let (lost, resting) = policy.voices(on: need, besides: decision, at: moment)
        let strangers = clients.filter { !$0.match.fits(facts) }.flatMap { block in
            // As if it were for this client: which of its rules would speak?
            ClientPolicy(facts, [block]).voices(on: need, besides: nil, at: moment).spoken.map {
                Explanation.Voice(
                    rule: $0.rule, effect: $0.effect,
                    remark: "\(block.name) is for others: \(block.match.misfit(facts) ?? "another client")")
            }
        }
        return Explanation(
            need: need, decision: decision, blocks: policy.blocks,
            lost: Array(lost.prefix(Explanation.mostVoices)),
            silent: Array((resting + strangers).prefix(Explanation.mostVoices)),
            advice: Self.advice(need, decision, policy))
    }

    private static func advice(_ need: Need, _ decision: Decision, _ policy: ClientPolicy) -> String {
        switch (decision.verdict, decision.rule) {
        case (.allow, let rule):
            return
                "A deny for it in any file would forbid it; the allow stands at \(rule.map { "\($0)" } ?? "")."
        case (.ask, let rule):
            return
                "An allow does not help, for ask is stricter: change the rule at \(rule.map { "\($0)" } ?? "")."
        case (.deny, let rule?): return "No allow helps, for deny is stricter: change the rule at \(rule)."
        case (.deny, nil) where policy.blocks.isEmpty:
            return "No block fits this client. Add one whose match does, with `- allow: \(need.permission)`."
        case (.deny, nil):
            return
                "No rule speaks of it. Add `- allow: \(need.permission)` with the right \(need.permission.objectKey) to \(policy.blocks.joined(separator: " or "))."
        }
    }
}

extension ClientPolicy {
    /// Rules that speak of a need and did not decide it, and those that would at another time.
    fileprivate func voices(
        on need: Need, besides decision: Decision?, at moment: Moment
    ) -> (spoken: [Explanation.Voice], resting: [Explanation.Voice]) {
        let path: PathNames? = if case .path(let bytes) = need.object { PathNames(bytes) } else { nil }
        var (spoken, resting): ([Explanation.Voice], [Explanation.Voice]) = ([], [])
        for compiled in rules[need.permission] ?? [] where compiled.speaks(of: need.object, path) {
            let rule = compiled.rule
            if rule.reference == decision?.rule { continue }
            let effect = rule.effect.verdict.word
            guard compiled.isInForce(at: moment) else {
                let expired = rule.expires.map { $0 <= moment.seconds } ?? false
                resting.append(
                    .init(
                        rule: rule.reference, effect: effect,
                        remark: expired ? "it has expired" : "it is not its time"))
                continue
            }
            let winner = decision?.verdict.word ?? effect
            spoken.append(
                .init(
                    rule: rule.reference, effect: effect,
                    remark: winner == effect ? "it says the same" : "\(winner) is stricter than \(effect)"))
        }
        return (spoken, resting)
    }
}

extension ClientMatch {
    /// The first thing that does not fit, for people.
    func misfit(_ facts: ClientFacts) -> String? {
        func without(_ change: (inout ClientMatch) -> Void) -> Bool {
            var alone = ClientMatch()
            change(&alone)
            return !alone.fits(facts)
        }
        let checks: [(String, String?, (inout ClientMatch) -> Void)] = [
            ("user", facts.user ?? "\(facts.uid)", { $0.users = users }),
            ("group", facts.groups.sorted().joined(separator: ", "), { $0.groups = groups }),
            ("unit", facts.unit, { $0.units = units }),
            ("application", facts.application, { $0.applications = applications }),
            ("executable", facts.executable, { $0.executables = executables }),
            ("sha256", facts.digest, { $0.digests = digests }),
            ("parent", facts.parent, { $0.parents = parents }),
            ("transport", facts.transport.rawValue, { $0.transports = transports }),
            ("label", facts.label, { $0.labels = labels }),
            ("the bridge's claim", facts.bridgeClaim, { $0.bridgeClaims = bridgeClaims }),
            ("the client's own name", facts.nameClaim, { $0.nameClaims = nameClaims }),
        ]
        for (name, fact, change) in checks where without(change) {
            return "\(name) is \(fact.flatMap { $0.isEmpty ? nil : $0 } ?? "not known")"
        }
        return nil
    }
}
