import Foundation
import Glibc
import Linux
import Synchronization

/// The end of a test's patience. Everything that waits takes one, and none of them is a measurement: it is
/// long enough for a machine that does many other things.
package struct Deadline: Sendable {
    private let end: Duration

    package static let patience: Duration = .seconds(30)

    package init(in duration: Duration = Self.patience) {
        end = SystemClock.monotonic + duration
    }

    package var left: Duration { max(.zero, end - SystemClock.monotonic) }
    package var hasPassed: Bool { left == .zero }

    fileprivate var milliseconds: CInt {
        CInt(clamping: Int64((left / .milliseconds(1)).rounded(.up)))
    }

    /// What is possible of the events, or nothing when the time is up.
    package func poll(_ fd: borrowing OwnedFD, _ events: PollSet.Readiness) -> PollSet.Readiness {
        while true {
            var entry = pollfd(fd: CInt(fd.number), events: events.rawValue, revents: 0)
            let count = unsafe Glibc.poll(&entry, 1, milliseconds)
            if count > 0 { return PollSet.Readiness(rawValue: entry.revents) }
            if count == 0, hasPassed { return [] }
        }
    }

    /// For the few things that nobody announces: a number in /proc, a file's length.
    package func wait(for what: String, _ condition: () throws -> Bool) throws {
        while try !condition() {
            if hasPassed { throw TestFault("in vain waited for \(what)") }
            usleep(2000)
        }
    }
}

/// Something that blocks, beside the test, on a thread of its own: the pool that runs the tests has one
/// thread a processor, and none to spare.
package final class Beside<Value: Sendable>: @unchecked Sendable {
    // Unchecked: written once before `done` is signalled, read after.
    private var result: Result<Value, any Error>?
    private let done = DispatchSemaphore(value: 0)

    package init(_ work: @escaping @Sendable () throws -> Value) {
        Thread.detachNewThread { [self] in
            result = Result { try work() }
            done.signal()
        }
    }

    package func value(within patience: Duration = Deadline.patience * 2) throws -> Value {
        let nanoseconds = Int(patience / .nanoseconds(1))
        guard done.wait(timeout: .now() + .nanoseconds(nanoseconds)) == .success else {
            throw TestFault("what ran beside the test did not end")
        }
        defer { done.signal() }
        guard let result else { throw TestFault("no result") }
        return try result.get()
    }
}

/// For what must not happen: there is no event to wait for.
package func letTimePass(_ duration: Duration) {
    usleep(UInt32(duration / .microseconds(1)))
}

/// Tells a thread beside the test that it is enough.
package final class Flag: Sendable {
    private let value = Atomic(false)
    package init() {}
    package var isUp: Bool { value.load(ordering: .relaxed) }
    package func raise() { value.store(true, ordering: .relaxed) }
}
