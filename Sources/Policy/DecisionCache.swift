/// Decisions of one client's policy that were made before. It never says anything else than the policy would: a
/// decision that depends on time is kept for as long as it holds, and the cache goes with the policy.
package struct DecisionCache: Sendable {
    package static let most = 4096

    package let policy: ClientPolicy
    private var decisions: [Need: (decision: Decision, from: Int)] = [:]

    package init(_ policy: ClientPolicy) { self.policy = policy }

    package mutating func decide(_ need: Need, at moment: Moment) -> Decision {
        // A clock that was set back makes it undone, too.
        if let known = decisions[need], moment.seconds >= known.from,
            known.decision.validUntil.map({ moment.seconds < $0 }) ?? true
        {
            return known.decision
        }
        let decision = policy.decide(need, at: moment)
        // Whoever asks for everything once is not to fill the memory, and has no use for a cache.
        if decisions.count >= Self.most { decisions.removeAll(keepingCapacity: true) }
        decisions[need] = (decision, moment.seconds)
        return decision
    }
}
