import Cells
import Linux
import Policy

/// What policy says to the client of one session. It changes when the policy does, and when the client says more of
/// itself.
// Unchecked: touched on the loop's thread only.
package final class SessionPolicy: @unchecked Sendable {
    private var set: PolicySet
    private var cache: DecisionCache
    private var files: (rules: FileRules, from: Int, validUntil: Int?)?
    private let now: @Sendable () -> Moment
    /// What is known of the client, or what policy says to it, is not what it was.
    var onChange: () -> Void = {}

    package init(
        _ set: PolicySet, for facts: ClientFacts, now: @escaping @Sendable () -> Moment = { .now }
    ) {
        (self.set, self.now) = (set, now)
        cache = DecisionCache(set.policy(for: facts))
    }

    package var client: ClientPolicy { cache.policy }
    package var facts: ClientFacts { client.facts }
    package var moment: Moment { now() }

    /// `digest` is its program's, where it has become known.
    package func adopt(_ set: PolicySet, digest: String? = nil) {
        self.set = set
        var facts = facts
        if let digest { facts.digest = digest }
        decideAnew(facts)
    }

    private func decideAnew(_ facts: ClientFacts) {
        cache = DecisionCache(set.policy(for: facts))
        files = nil
        onChange()
    }

    /// For the cell, as they are at this moment.
    package var fileRules: FileRules {
        let moment = now()
        if let files, moment.seconds >= files.from, files.validUntil.map({ moment.seconds < $0 }) ?? true {
            return files.rules
        }
        let made = client.fileRules(at: moment)
        files = (made.rules, moment.seconds, made.validUntil)
        return made.rules
    }

    package func claim(bridge: String) { claim { $0.bridgeClaim = bridge } }
    package func claim(name: String) { claim { $0.nameClaim = name } }

    private func claim(_ change: (inout ClientFacts) -> Void) {
        var facts = facts
        change(&facts)
        if facts != self.facts { decideAnew(facts) }
    }

    package func decide(_ need: Need) -> Decision { cache.decide(need, at: now()) }

    /// Whether a rule allows any of it, or asks about it.
    func gives(_ permission: PermissionName) -> Bool { client.gives(permission, at: now()) }

    package func maySee(tool: String) -> Bool { decide(.tool(tool)).verdict != .deny }
}

extension Moment {
    package static var now: Moment {
        Moment(seconds: SystemClock.secondsSince1970, utcOffset: SystemClock.utcOffsetSeconds)
    }
}
