import Policy

/// Something that a person has to decide: a client wants a call that a rule asks about.
package struct Question: Equatable, Sendable {
    package var asker: Asker
    package var session: UInt64
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
        asker: Asker, session: UInt64, claim: String? = nil, tool: String, arguments: [UInt8],
        digest: String, needs: [Need], rule: String, reason: String? = nil
    ) {
        (self.asker, self.session, self.claim, self.tool) = (asker, session, claim, tool)
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
