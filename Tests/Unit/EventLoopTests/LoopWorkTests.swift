import Foundation
import Linux
import Synchronization
import Testing

@testable import EventLoop

struct LoopWorkTests {
    @Test func `actions run in the order in which they were handed in`() throws {
        let loop = try EventLoop(clock: ManualClock())
        var order: [Int] = []
        for number in 0..<50 { loop.later { order.append(number) } }
        #expect(order.isEmpty)
        try loop.runUntilIdle()
        #expect(order == Array(0..<50))
    }

    @Test func `what an action hands in waits for the next turn`() throws {
        let loop = try EventLoop(clock: ManualClock())
        var order: [String] = []
        loop.later {
            order.append("first")
            loop.later { order.append("third") }
        }
        loop.later { order.append("second") }
        try loop.turn(waiting: false)
        #expect(order == ["first", "second"])
        try loop.turn(waiting: false)
        #expect(order == ["first", "second", "third"])
    }

    @Test func `what waits for quiet comes after all that was begun, and what that has begun`() throws {
        let loop = try EventLoop(clock: ManualClock())
        let order = Mutex<[String]>([])
        loop.whenQuiet { order.withLock { $0.append("quiet") } }
        loop.spawn {
            order.withLock { $0.append("task") }
            await Task.yield()
            loop.later { order.withLock { $0.append("of the task") } }
            await Task.yield()
            order.withLock { $0.append("end of the task") }
        }
        loop.later { order.withLock { $0.append("action") } }
        try loop.runUntilIdle()
        #expect(order.withLock { $0.last } == "quiet" && order.withLock { $0.count } == 5)
    }

    // A call is a dozen jobs, one after the other. With a look at the descriptors between any two of them, a call on the
    // bus made twelve system calls that found nothing.
    @Test func `what becomes ready in a turn runs in the same turn`() throws {
        let loop = try EventLoop(clock: ManualClock())
        let steps = Mutex<[String]>([])
        loop.later {
            steps.withLock { $0.append("action") }
            loop.later { steps.withLock { $0.append("next turn") } }
            loop.spawn {
                steps.withLock { $0.append("task") }
                loop.soon { steps.withLock { $0.append("of the task") } }
            }
        }
        try loop.turn(waiting: false)
        #expect(steps.withLock { $0 } == ["action", "task", "of the task"])
    }

    @Test func `work that makes more of it for ever leaves descriptors and timers their turn`() throws {
        let loop = try EventLoop(clock: ManualClock())
        let wakeUp = try EventFD()
        let seen = Mutex<Set<String>>([])
        _ = try loop.watch(wakeUp.fd, .read) { _ in seen.withLock { _ = $0.insert("descriptor") } }
        _ = loop.schedule(after: .zero) { seen.withLock { _ = $0.insert("timer") } }
        wakeUp.signal()
        func goOn() { loop.soon { goOn() } }
        goOn()
        try loop.turn(waiting: false)
        #expect(seen.withLock { $0 } == ["descriptor", "timer"])
    }

    @Test func `tasks begin in the order in which they were spawned`() throws {
        let loop = try EventLoop(clock: ManualClock())
        let order = Mutex<[Int]>([])
        for number in 0..<50 { loop.spawn { order.withLock { $0.append(number) } } }
        try loop.runUntilIdle()
        #expect(order.withLock { $0 } == Array(0..<50))
    }

    @Test func `a turn says whether anything happened`() throws {
        let loop = try EventLoop(clock: ManualClock())
        #expect(try !loop.turn(waiting: false))
        loop.later {}
        #expect(try loop.turn(waiting: false))
        #expect(try !loop.turn(waiting: false))
    }

    @Test func `a loop that is never idle says so`() throws {
        let loop = try EventLoop(clock: ManualClock())
        func again() { loop.later(again) }
        again()
        #expect(throws: EventLoop.NeverIdle.self) { try loop.runUntilIdle() }
    }

    @Test func `work that never ends does not starve descriptors`() throws {
        let loop = try EventLoop(clock: ManualClock())
        let wakeUp = try EventFD()
        wakeUp.signal()
        var isServed = false
        _ = try loop.watch(wakeUp.fd, .read) { _ in isServed = true }
        func again() { loop.later(again) }
        again()
        for _ in 0..<3 { try loop.turn() }
        #expect(isServed)
    }

    @Test func `a job from another thread wakes a waiting loop`() throws {
        let loop = try EventLoop()
        let ranOnLoop = Mutex<Bool?>(nil)
        Thread.detachNewThread {
            usleep(30_000)
            loop.spawn {
                ranOnLoop.withLock { $0 = loop.isIsolatingCurrentContext() }
                loop.stop()
            }
        }
        try run(loop)
        #expect(ranOnLoop.withLock { $0 } == true)
    }

    @Test func `jobs of many threads all arrive, those of one thread in their order`() throws {
        let loop = try EventLoop()
        let arrived = Mutex<[[Int]]>(Array(repeating: [], count: 4))
        let left = Mutex(4 * 250)
        for thread in 0..<4 {
            Thread.detachNewThread {
                for number in 0..<250 {
                    loop.spawn {
                        arrived.withLock { $0[thread].append(number) }
                        let isLast = left.withLock {
                            $0 -= 1
                            return $0 == 0
                        }
                        if isLast { loop.stop() }
                    }
                }
            }
        }
        try run(loop)
        #expect(arrived.withLock { $0 } == Array(repeating: Array(0..<250), count: 4))
    }

    @Test func `it runs until it is stopped, and can be run again`() throws {
        let loop = try EventLoop()
        for _ in 0..<2 {
            var hasRun = false
            loop.later {
                hasRun = true
                loop.stop()
            }
            try run(loop)
            #expect(hasRun)
        }
    }

    // `run` forgot a stop that came before it, and waited for ever.
    @Test func `a stop before the run is a stop`() throws {
        let loop = try EventLoop()
        loop.stop()
        try run(loop)
    }

    @Test func `it belongs to the thread that runs it`() throws {
        let loop = try EventLoop()
        #expect(loop.isIsolatingCurrentContext() == true)
        let outcome = Mutex<(before: Bool?, during: Bool?)>((nil, nil))
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            let before = loop.isIsolatingCurrentContext()
            loop.spawn {
                let during = loop.isIsolatingCurrentContext()
                outcome.withLock { $0 = (before, during) }
                loop.stop()
            }
            try? loop.run()
            done.signal()
        }
        done.wait()
        #expect(outcome.withLock { $0.before } == false)
        #expect(outcome.withLock { $0.during } == true)
        #expect(loop.isIsolatingCurrentContext() == false)
    }

    @Test func `another thread that touches the loop is stopped`() async {
        await #expect(processExitsWith: .failure) {
            let loop = try EventLoop()
            let done = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                _ = loop.schedule(after: .zero) {}
                done.signal()
            }
            done.wait()
        }
        // The same from the loop's own thread.
        await #expect(processExitsWith: .success) {
            let loop = try EventLoop()
            _ = loop.schedule(after: .zero) {}
        }
    }
}
