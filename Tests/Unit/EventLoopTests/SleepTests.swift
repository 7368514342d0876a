import Foundation
import Linux
import Synchronization
import Testing

@testable import EventLoop

struct SleepTests {
    private enum Outcome { case waiting, slept, cancelled }

    private final class Sleeper: Sendable {
        let outcome = Mutex(Outcome.waiting)

        func sleep(on loop: EventLoop, for duration: Duration) async {
            do throws(CancellationError) {
                try await loop.sleep(for: duration)
                outcome.withLock { $0 = .slept }
            } catch {
                outcome.withLock { $0 = .cancelled }
            }
        }

        var now: Outcome { outcome.withLock { $0 } }
    }

    private let clock = ManualClock()

    @Test func `it lasts as long as it was asked to`() throws {
        let loop = try EventLoop(clock: clock)
        let sleeper = Sleeper()
        loop.spawn { await sleeper.sleep(on: loop, for: .seconds(1)) }
        try loop.runUntilIdle()
        clock.advance(by: .milliseconds(999))
        try loop.runUntilIdle()
        #expect(sleeper.now == .waiting)
        clock.advance(by: .milliseconds(1))
        try loop.runUntilIdle()
        #expect(sleeper.now == .slept)
    }

    @Test func `cancelling ends it at once`() throws {
        let loop = try EventLoop(clock: clock)
        let sleeper = Sleeper()
        let task = loop.spawn { await sleeper.sleep(on: loop, for: .seconds(1)) }
        try loop.runUntilIdle()
        task.cancel()
        try loop.runUntilIdle()
        #expect(sleeper.now == .cancelled)
        // Its timer is gone: it would resume the task a second time, which traps.
        clock.advance(by: .seconds(2))
        try loop.runUntilIdle()
    }

    @Test func `a task that was cancelled before does not sleep`() throws {
        let loop = try EventLoop(clock: clock)
        let sleeper = Sleeper()
        let task = loop.spawn { await sleeper.sleep(on: loop, for: .seconds(1)) }
        task.cancel()
        try loop.runUntilIdle()
        #expect(sleeper.now == .cancelled)
    }

    @Test func `cancelling in the moment of its end wakes it once`() throws {
        let loop = try EventLoop(clock: clock)
        let sleeper = Sleeper()
        let task = loop.spawn { await sleeper.sleep(on: loop, for: .seconds(1)) }
        try loop.runUntilIdle()
        clock.advance(by: .seconds(1))
        // The timer fires in this turn; its task goes on in the next one.
        try loop.turn(waiting: false)
        task.cancel()
        try loop.runUntilIdle()
        #expect(sleeper.now == .cancelled)
    }

    @Test func `cancelling after its end changes nothing`() throws {
        let loop = try EventLoop(clock: clock)
        let sleeper = Sleeper()
        let task = loop.spawn { await sleeper.sleep(on: loop, for: .seconds(1)) }
        try loop.runUntilIdle()
        clock.advance(by: .seconds(1))
        try loop.runUntilIdle()
        task.cancel()
        try loop.runUntilIdle()
        #expect(sleeper.now == .slept)
    }

    @Test func `another thread may cancel it`() throws {
        let loop = try EventLoop()
        let sleeper = Sleeper()
        let task = loop.spawn {
            await sleeper.sleep(on: loop, for: .seconds(600))
            loop.stop()
        }
        Thread.detachNewThread {
            usleep(10_000)
            task.cancel()
        }
        try run(loop)
        #expect(sleeper.now == .cancelled)
    }

    // A task that a tool starts without the loop's preference runs elsewhere: here, on another loop.
    @Test func `a task that does not run on the loop may sleep on it`() throws {
        let loop = try EventLoop()
        let sleeper = Sleeper()
        Thread.detachNewThread {
            guard let other = try? EventLoop() else { return }
            other.spawn {
                await sleeper.sleep(on: loop, for: .milliseconds(1))
                loop.spawn { loop.stop() }
                other.stop()
            }
            try? other.run()
        }
        try run(loop)
        #expect(sleeper.now == .slept)
    }

    @Test func `many sleep at the same time`() throws {
        let loop = try EventLoop(clock: clock)
        let order = Mutex<[Int]>([])
        for second in (1...100).reversed() {
            loop.spawn {
                try? await loop.sleep(for: .seconds(second))
                order.withLock { $0.append(second) }
            }
        }
        try loop.runUntilIdle()
        for _ in 1...100 {
            clock.advance(by: .seconds(1))
            try loop.runUntilIdle()
        }
        #expect(order.withLock { $0 } == Array(1...100))
    }
}
