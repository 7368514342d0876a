import Policy

/// Something that a person has to decide: a client wants a call that a rule asks about.
package struct Question: Equatable, Sendable {
    /// Who wants it, as far as the kernel vouches for it; a grant is for the same one again.
    package struct Asker: Hashable, Sendable {
        package var uid: UInt32
        package var session: UInt64
        package var executable: String?
        package var unit: String?
        package var application: String?

        package init(
            uid: UInt32, session: UInt64, executable: String? = nil, unit: String? = nil,
            application: String? = nil
        ) {
            (self.uid, self.session) = (uid, session)
            (self.executable, self.unit, self.application) = (executable, unit, application)
        }
    }

    package var asker: Asker
    /// What the client says of itself; shown apart, because nobody vouches for it.
    package var claim: String?
    package var tool: String
    /// As compact JSON, exactly as they were sent.
    package var arguments: [UInt8]
    /// Of the tool's name and those bytes. An answer is to this and to nothing else.
    package var digest: String
    /// What of it a rule asks about, such as `FILE_WRITE_GLOBAL /home/alice/notes`.
    package var needs: [Need]
    /// Where the rule stands, and what it says to people.
    package var rule: String
    package var reason: String?
    /// What of the same call was allowed before: a client that makes it again brings one answer after the other.
    package var settled: Set<Need> = []

    package init(
        asker: Asker, claim: String? = nil, tool: String, arguments: [UInt8], digest: String,
        needs: [Need], rule: String, reason: String? = nil
    ) {
        (self.asker, self.claim, self.tool) = (asker, claim, tool)
        (self.arguments, self.digest) = (arguments, digest)
        (self.needs, self.rule, self.reason) = (needs, rule, reason)
    }
}

/// What a person said.
package enum Answer: Equatable, Sendable {
    case deny
    case allow(Scope)

    package enum Scope: Equatable, Sendable {
        /// This call alone.
        case once
        /// The same call, as long as the session lasts.
        case session
        /// The same call of the same client, for so many seconds.
        case time(Int)
        case always
    }
}
