import Linux
import Policy

/// How often clients call, against what policy lets them: for each rate a bucket that fills with time and that every
/// call takes one from. All sessions of one client share theirs.
// Unchecked: touched on the loop's thread only.
package final class CallMeter: @unchecked Sendable {
    private struct Key: Hashable {
        let holder: Asker
        let tool: String?
        let rate: CallRate
    }

    private struct Bucket {
        var left: Double
        var at: Duration
    }

    static let mostBuckets = 10_000

    private var buckets: [Key: Bucket] = [:]
    private let now: @Sendable () -> Duration

    package init(now: @escaping @Sendable () -> Duration = { SystemClock.monotonic }) { self.now = now }

    /// Why this call comes too early; `nil` when it does not, and is counted.
    func obstacle(_ tool: String, _ policy: SessionPolicy) -> String? {
        let rates = policy.client.rates
        guard !rates.calls.isEmpty || !rates.tools.isEmpty else { return nil }
        let holder = Asker(policy.facts)
        let keys =
            rates.calls.map { Key(holder: holder, tool: nil, rate: $0) }
            + (rates.tools[tool] ?? []).map { Key(holder: holder, tool: tool, rate: $0) }
        let moment = now()
        for key in keys { refill(key, at: moment) }
        if let empty = keys.first(where: { buckets[$0]!.left < 1 }) {
            let rate = empty.rate
            let what = empty.tool.map { "calls of \($0)" } ?? "calls"
            return
                "There were more than \(rate.count) \(what) in \(rate.seconds) s, which is what policy gives this client. Wait a moment."
        }
        for key in keys { buckets[key]!.left -= 1 }
        return nil
    }

    private func refill(_ key: Key, at moment: Duration) {
        let most = Double(key.rate.count)
        guard let bucket = buckets[key] else {
            if buckets.count >= Self.mostBuckets { forgetFull(at: moment) }
            buckets[key] = Bucket(left: most, at: moment)
            return
        }
        let gained = (moment - bucket.at) / .seconds(1) * most / Double(key.rate.seconds)
        buckets[key] = Bucket(left: min(most, bucket.left + gained), at: moment)
    }

    /// A bucket that has had the time to fill says nothing that a new one would not.
    private func forgetFull(at moment: Duration) {
        buckets = buckets.filter { key, bucket in moment - bucket.at < .seconds(key.rate.seconds) }
    }
}
