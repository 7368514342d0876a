import Patterns

/// Who a client is: what the kernel vouches for, and apart from it what it says of itself. What is not known fits no
/// pattern.
package struct ClientFacts: Hashable, Sendable {
    package enum Transport: String, CaseIterable, Sendable { case socket, bus }

    package var uid: UInt32
    package var user: String?
    package var home: String?
    /// Names and numbers of all its groups.
    package var groups: Set<String> = []
    package var unit: String?
    package var application: String?
    package var executable: String?
    /// SHA-256 of the executable, in hexadecimal.
    package var digest: String?
    package var parent: String?
    package var transport = Transport.socket
    package var label: String?
    /// `cloister-bridge --client`.
    package var bridgeClaim: String?
    /// `clientInfo.name`.
    package var nameClaim: String?

    package init(uid: UInt32, user: String? = nil, home: String? = nil) {
        (self.uid, self.user, self.home) = (uid, user, home)
    }
}

/// Which clients a block is for. What is empty asks for nothing; of what is not, one has to fit.
package struct ClientMatch: Equatable, Sendable {
    var users: Set<String> = []
    var groups: Set<String> = []
    var units: [NamePattern] = []
    var applications: [NamePattern] = []
    var executables: [PathPattern] = []
    var digests: Set<String> = []
    var parents: [PathPattern] = []
    var transports: Set<ClientFacts.Transport> = []
    var labels: [NamePattern] = []
    var bridgeClaims: [NamePattern] = []
    var nameClaims: [NamePattern] = []

    /// Whether it depends on what clients say of themselves.
    var hasClaims: Bool { !bridgeClaims.isEmpty || !nameClaims.isEmpty }

    package func fits(_ facts: ClientFacts) -> Bool {
        (users.isEmpty || users.contains("\(facts.uid)") || facts.user.map(users.contains) ?? false)
            && (groups.isEmpty || !groups.isDisjoint(with: facts.groups))
            && Self.fit(units, facts.unit) && Self.fit(applications, facts.application)
            && fit(executables, facts.executable, facts.home)
            && (digests.isEmpty || facts.digest.map(digests.contains) ?? false)
            && fit(parents, facts.parent, facts.home)
            && (transports.isEmpty || transports.contains(facts.transport))
            && Self.fit(labels, facts.label) && Self.fit(bridgeClaims, facts.bridgeClaim)
            && Self.fit(nameClaims, facts.nameClaim)
    }

    private static func fit(_ patterns: [NamePattern], _ fact: String?) -> Bool {
        patterns.isEmpty || fact.map { fact in patterns.contains { $0.matches(fact) } } ?? false
    }

    private func fit(_ patterns: [PathPattern], _ fact: String?, _ home: String?) -> Bool {
        guard !patterns.isEmpty else { return true }
        guard let path = fact.map({ PathNames($0) }) else { return false }
        return patterns.contains { $0.absolute(home: home)?.matches(path) ?? false }
    }
}
