import Linux
import Testing

@testable import EventLoop

struct LoopTimerTests {
    @Test func `a timer is not early by a nanosecond`() throws {
        let clock = ManualClock()
        let loop = try EventLoop(clock: clock)
        var hasFired = false
        _ = loop.schedule(after: .seconds(1)) { hasFired = true }
        clock.advance(by: .seconds(1) - .nanoseconds(1))
        try loop.runUntilIdle()
        #expect(!hasFired)
        clock.advance(by: .nanoseconds(1))
        try loop.runUntilIdle()
        #expect(hasFired)
    }

    @Test func `a timer fires once`() throws {
        let clock = ManualClock()
        let loop = try EventLoop(clock: clock)
        var count = 0
        _ = loop.schedule(after: .seconds(1)) { count += 1 }
        for _ in 0..<3 {
            clock.advance(by: .seconds(1))
            try loop.runUntilIdle()
        }
        #expect(count == 1)
    }

    @Test func `timers that are due together come in the order of their deadlines`() throws {
        let clock = ManualClock()
        let loop = try EventLoop(clock: clock)
        var order: [Int] = []
        for second in [3, 1, 2] {
            _ = loop.schedule(after: .seconds(second)) { order.append(second) }
        }
        clock.advance(by: .seconds(5))
        try loop.turn(waiting: false)
        #expect(order == [1, 2, 3])
    }

    @Test func `a timer may schedule the next one`() throws {
        let clock = ManualClock()
        let loop = try EventLoop(clock: clock)
        var firedAt: [Duration] = []
        let start = loop.now
        func next() {
            firedAt.append(loop.now - start)
            if firedAt.count < 3 { _ = loop.schedule(after: .seconds(2), next) }
        }
        _ = loop.schedule(after: .seconds(2), next)
        for _ in 0..<10 {
            clock.advance(by: .seconds(1))
            try loop.runUntilIdle()
        }
        #expect(firedAt == [.seconds(2), .seconds(4), .seconds(6)])
    }

    @Test func `a timer may cancel another one that is due in the same turn`() throws {
        let clock = ManualClock()
        let loop = try EventLoop(clock: clock)
        var order: [String] = []
        var second: TimerID?
        _ = loop.schedule(after: .seconds(1)) {
            order.append("first")
            if let second { loop.cancel(second) }
        }
        second = loop.schedule(after: .seconds(1)) { order.append("second") }
        clock.advance(by: .seconds(1))
        try loop.runUntilIdle()
        #expect(order == ["first"])
    }

    @Test func `a timer may cancel itself while it fires`() throws {
        let clock = ManualClock()
        let loop = try EventLoop(clock: clock)
        var timer: TimerID?
        var count = 0
        timer = loop.schedule(after: .seconds(1)) {
            count += 1
            if let timer { loop.cancel(timer) }
        }
        clock.advance(by: .seconds(2))
        try loop.runUntilIdle()
        #expect(count == 1)
    }

    // A timer that always scheduled the next one for this very moment kept its turn from ending: no
    // descriptor and no job was served any more.
    @Test func `timers without delay do not starve descriptors`() throws {
        let loop = try EventLoop(clock: ManualClock())
        let wakeUp = try EventFD()
        var isServed = false
        _ = try loop.watch(wakeUp.fd, .read) { _ in
            wakeUp.clear()
            isServed = true
        }
        var rounds = 0
        func again() {
            rounds += 1
            if rounds == 100 { wakeUp.signal() }
            // Bounded, so that a loop that starves fails here instead of hanging.
            if !isServed, rounds < 10_000 { _ = loop.schedule(after: .zero, again) }
        }
        _ = loop.schedule(after: .zero, again)
        try loop.runUntilIdle()
        #expect(isServed)
        #expect(rounds < 200)
    }

    @Test(arguments: [300, 1_000, 1_500, 20_000])
    func `a real wait ends neither early nor in a spin`(microseconds: Int) throws {
        let loop = try EventLoop()
        let delay = Duration.microseconds(microseconds)
        let start = SystemClock.monotonic
        var firedAfter: Duration?
        _ = loop.schedule(after: delay) { firedAfter = SystemClock.monotonic - start }
        var turns = 0
        while firedAfter == nil {
            try loop.turn()
            turns += 1
        }
        #expect(try #require(firedAfter) >= delay)
        // A wait that is rounded down ends before its deadline and is followed by many empty turns.
        #expect(turns <= 3)
    }
}
