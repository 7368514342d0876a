import Dispatch
import Foundation
import Glibc
import Synchronization
import Testing

@testable import EventLoop

/// Tasks and actors of a loop.
struct LoopTaskTests {
    private actor Counter {
        private nonisolated let loop: EventLoop
        private(set) var count = 0

        init(on loop: EventLoop) { self.loop = loop }

        nonisolated var unownedExecutor: UnownedSerialExecutor {
            unsafe loop.asUnownedSerialExecutor()
        }

        /// The thread that it ran on.
        func increase() -> pthread_t {
            count += 1
            return pthread_self()
        }

        func increase(through other: Counter, times: Int) async -> [pthread_t] {
            var threads: [pthread_t] = []
            for _ in 0..<times {
                threads.append(increase())
                threads.append(await other.increase())
            }
            return threads
        }
    }

    /// Where a task has been.
    private final class Trail: Sendable {
        let threads = Mutex<[pthread_t]>([])

        func note() { threads.withLock { $0.append(pthread_self()) } }

        func walk() async {
            note()
            await Task.yield()
            note()
        }
    }

    @Test func `a spawned task runs on the loop's thread, when the loop is turned`() throws {
        let loop = try EventLoop(clock: ManualClock())
        let thread = Mutex<pthread_t?>(nil)
        loop.spawn { thread.withLock { $0 = pthread_self() } }
        #expect(thread.withLock { $0 } == nil)
        try loop.runUntilIdle()
        #expect(thread.withLock { $0 } == pthread_self())
    }

    @Test func `a task stays on the loop through what it awaits`() throws {
        let loop = try EventLoop(clock: ManualClock())
        let trail = Trail()
        loop.spawn {
            await trail.walk()
            async let one: Void = trail.walk()
            await withTaskGroup { group in
                for _ in 0..<3 { group.addTask { await trail.walk() } }
            }
            await one
            trail.note()
        }
        try loop.runUntilIdle()
        #expect(trail.threads.withLock { $0 } == Array(repeating: pthread_self(), count: 11))
    }

    @Test func `an actor of the loop runs on its thread, whoever calls`() throws {
        let loop = try EventLoop()
        let counter = Counter(on: loop)
        let threads = Mutex<[pthread_t]>([])
        Thread.detachNewThread {
            guard let elsewhere = try? EventLoop() else { return }
            elsewhere.spawn {
                let (before, there) = (pthread_self(), await counter.increase())
                threads.withLock { $0 = [before, there, pthread_self()] }
                elsewhere.stop()
                loop.spawn { loop.stop() }
            }
            try? elsewhere.run()
        }
        try run(loop)
        let seen = threads.withLock { $0 }
        try #require(seen.count == 3)
        #expect(seen[0] != pthread_self())
        #expect(seen[1] == pthread_self())
        #expect(seen[2] == seen[0])
    }

    @Test func `hopping between actors of one loop leaves neither its thread nor its turn`() throws {
        let loop = try EventLoop(clock: ManualClock())
        let (one, other) = (Counter(on: loop), Counter(on: loop))
        let threads = Mutex<[pthread_t]>([])
        loop.spawn {
            let ran = await one.increase(through: other, times: 100)
            threads.withLock { $0 = ran }
        }
        var turns = 0
        while try loop.turn(waiting: false) { turns += 1 }
        #expect(threads.withLock { $0 } == Array(repeating: pthread_self(), count: 200))
        // To the first actor and back is a job each; were every hop one, there would be hundreds.
        #expect(turns < 6)
    }

    @Test func `isolation may be assumed on the loop's thread`() throws {
        let loop = try EventLoop(clock: ManualClock())
        let counter = Counter(on: loop)
        #expect(loop.isIsolatingCurrentContext() == true)
        #expect(counter.assumeIsolated { $0.increase() } == pthread_self())
        var seen = 0
        loop.later { seen = counter.assumeIsolated { $0.count } }
        try loop.runUntilIdle()
        #expect(seen == 1)
    }

    @Test func `isolation may not be assumed on any other thread`() async {
        await #expect(processExitsWith: .failure) {
            let loop = try EventLoop()
            let counter = Counter(on: loop)
            let done = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                counter.assumeIsolated { _ = $0.increase() }
                done.signal()
            }
            done.wait()
        }
    }

    @Test func `another thread is told that it is not isolated`() throws {
        let loop = try EventLoop()
        let answer = Mutex<Bool?>(nil)
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            answer.withLock { $0 = loop.isIsolatingCurrentContext() }
            done.signal()
        }
        done.wait()
        #expect(answer.withLock { $0 } == false)
    }
}
