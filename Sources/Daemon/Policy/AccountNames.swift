import Linux

/// Names of users and groups, looked up at most every few seconds: a lookup reads files, and a desktop's clients are all
/// of one user.
// Unchecked: touched on the loop's thread only.
package final class AccountNames: @unchecked Sendable {
    private struct Known<Value> {
        let value: Value?
        let since: Duration
    }

    private var users: [UInt32: Known<Accounts.User>] = [:]
    private var groups: [UInt32: Known<String>] = [:]
    private static let patience: Duration = .seconds(5)
    private static let most = 1000

    package init() {}

    package func user(_ uid: UInt32) -> Accounts.User? { Self.look(uid, in: &users) { Accounts.user($0) } }
    package func group(_ gid: UInt32) -> String? { Self.look(gid, in: &groups) { Accounts.groupName($0) } }

    private static func look<Value>(
        _ number: UInt32, in known: inout [UInt32: Known<Value>], _ find: (UInt32) -> Value?
    ) -> Value? {
        let now = SystemClock.monotonic
        if let found = known[number], now - found.since < patience { return found.value }
        if known.count >= most { known = [:] }
        let value = find(number)
        known[number] = Known(value: value, since: now)
        return value
    }
}
