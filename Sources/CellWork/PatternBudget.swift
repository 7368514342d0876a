// A pattern, and how much of the processor's time it may still have.
//
// PCRE2 cannot be stopped within one attempt, and its limits are for one place of the text: so it is given
// little text at first, and more as long as it is quick. A costly pattern thereby gets a step of its own for
// a few lines, and ends when all of them together took too long.

import Linux

final class PatternBudget {
    private static let leastRegion = 4 << 10
    private static let mostRegion = LineSearch.bufferSize
    private static let quick: UInt64 = 2_000_000
    private static let slow: UInt64 = 20_000_000

    /// How many bytes are to be matched at once.
    private(set) var region = leastRegion
    /// In nanoseconds.
    private var left: UInt64

    private let pattern: Pattern

    init(_ pattern: consuming Pattern, nanoseconds: UInt64 = 10_000_000_000) {
        self.pattern = pattern
        left = nanoseconds
    }

    func first(in text: UnsafeRawBufferPointer) -> Pattern.Outcome {
        // Looking at the clock costs more than matching a little text quickly.
        let start = CPUTime.ofThread
        let outcome = unsafe pattern.first(in: text, from: 0)
        let used = CPUTime.ofThread - start
        if used < Self.quick {
            region = min(2 * region, Self.mostRegion)
        } else if used > Self.slow {
            region = max(region / 4, Self.leastRegion)
        }
        guard used <= left else { return .tooCostly }
        left -= used
        return outcome
    }
}
