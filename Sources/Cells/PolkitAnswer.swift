/// What `cloister-authorize` tells celld by its exit status. No answer is a number that a program ends with when it has
/// done nothing, or failed, or was another program: 0, 1, 126, 127.
package enum PolkitAnswer: Int32, CaseIterable, Sendable {
    case allowed = 40
    case denied
    /// Somebody would have to prove who they are, and no agent is there to ask them.
    case nobodyToAsk
    case dismissed
    /// The client has ended: there is nobody to ask about.
    case clientIsGone
}
