import Linux

/// Where a loop takes its time from.
package protocol LoopClock: Sendable {
    var now: Duration { get }
    /// False when waiting in the kernel does not make this clock go forward.
    var runsByItself: Bool { get }
}

package struct MonotonicClock: LoopClock {
    package init() {}
    package var now: Duration { SystemClock.monotonic }
    package var runsByItself: Bool { true }
}

/// A clock that stands still until a test moves it.
// Unchecked: one test drives its loop, and the loop's clock, from one thread.
package final class ManualClock: LoopClock, @unchecked Sendable {
    package private(set) var now: Duration = .seconds(1000)
    package var runsByItself: Bool { false }
    package init() {}
    package func advance(by duration: Duration) { now += duration }
}
