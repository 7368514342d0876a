/// One call of a tool, from what was asked to what became of it.
package struct AuditCall: Equatable, Sendable {
    /// A permission that it took, and on what: a path that was resolved, a program, a host.
    package struct Need: Equatable, Sendable {
        package var permission: String
        package var object: String

        package init(_ permission: String, _ object: String) {
            (self.permission, self.object) = (permission, object)
        }
    }

    package enum Verdict: String, CaseIterable, Sendable { case allow, ask, deny }

    package enum Outcome: String, CaseIterable, Sendable {
        case succeeded
        /// It ran, and its tool says that it failed.
        case failed
        /// By policy or by a person.
        case denied
        /// It was allowed and did not run: no cell, a limit, no audit.
        case refused
        /// Its client took it back.
        case cancelled
        /// The client was told what to ask its user before it calls again.
        case asked
    }

    package struct Consent: Equatable, Sendable {
        package var who: String
        /// `queue`, `polkit`, `client`, `grant`
        package var how: String

        package init(who: String, how: String) { (self.who, self.how) = (who, how) }
    }

    package struct Resources: Equatable, Sendable {
        package var cpuMicroseconds: UInt64
        package var peakMemoryBytes: UInt64

        package init(cpuMicroseconds: UInt64, peakMemoryBytes: UInt64) {
            (self.cpuMicroseconds, self.peakMemoryBytes) = (cpuMicroseconds, peakMemoryBytes)
        }
    }

    package var tool: String
    package var needs: [Need] = []
    package var arguments: RecordedArguments
    package var verdict: Verdict
    /// Where the rule stands that gave it: `/etc/cloister/policy.d/50-site.yaml:12`
    package var rule: String?
    package var consent: Consent?
    package var outcome: Outcome
    /// Why it did not succeed, in one sentence.
    package var reason: String?
    package var exit: Int32?
    package var signal: Int32?
    /// Of the answer.
    package var bytes: Int
    package var durationMicroseconds: Int64
    package var resources: Resources?
    /// Walls that its cell lacks.
    package var missingWalls: [String] = []

    package init(
        tool: String, arguments: RecordedArguments, verdict: Verdict, outcome: Outcome,
        bytes: Int = 0, durationMicroseconds: Int64 = 0
    ) {
        (self.tool, self.arguments, self.verdict, self.outcome) = (tool, arguments, verdict, outcome)
        (self.bytes, self.durationMicroseconds) = (bytes, durationMicroseconds)
    }

    func describe(to fields: inout some RecordFields) {
        fields.text("tool", tool)
        fields.groups("needs", count: needs.count) { fields, place in
            fields.text("permission", needs[place].permission)
            fields.text("object", needs[place].object)
        }
        fields.text("digest", arguments.digest.description)
        fields.json("arguments", arguments.json)
        fields.text("verdict", verdict.rawValue)
        fields.optional("rule", rule)
        if let consent {
            fields.group("consent") { fields in
                fields.text("who", consent.who)
                fields.text("how", consent.how)
            }
        }
        fields.text("outcome", outcome.rawValue)
        fields.optional("reason", reason)
        fields.optional("exit", exit)
        fields.optional("signal", signal)
        fields.number("bytes", bytes)
        fields.number("duration_us", durationMicroseconds)
        if let resources {
            fields.group("resources") { fields in
                fields.number("cpu_us", resources.cpuMicroseconds)
                fields.number("peak_memory", resources.peakMemoryBytes)
            }
        }
        fields.some("missing_walls", missingWalls)
    }
}
