import Policy

/// Who asks, and who holds what was allowed: as far as the kernel vouches for it. It is the same one when it is the same
/// user's and what the kernel says of its program has not changed.
package struct Asker: Hashable, Sendable {
    package var uid: UInt32
    package var executable: String?
    package var unit: String?
    package var application: String?

    package init(
        uid: UInt32, executable: String? = nil, unit: String? = nil, application: String? = nil
    ) {
        (self.uid, self.executable, self.unit, self.application) = (uid, executable, unit, application)
    }

    package init(_ facts: ClientFacts) {
        self.init(
            uid: facts.uid, executable: facts.executable, unit: facts.unit, application: facts.application)
    }
}
