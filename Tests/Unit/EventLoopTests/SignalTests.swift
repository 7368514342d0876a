import Glibc
import Linux
import Testing

@testable import EventLoop

/// The signals go to this test's own thread: to the process, any thread of another test could take them.
struct SignalTests {
    /// Undoes the blocking at the end: the thread goes back to the pool.
    private func restoringSignalMask(_ body: () throws -> Void) rethrows {
        var mask = sigset_t()
        unsafe pthread_sigmask(SIG_BLOCK, nil, &mask)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &mask, nil) }
        try body()
    }

    @Test func `a signal becomes an event of the loop`() throws {
        try restoringSignalMask {
            let loop = try EventLoop(clock: ManualClock())
            var seen: [CInt] = []
            let source = try SignalSource([SIGUSR1, SIGWINCH], on: loop) { seen.append($0) }
            try loop.runUntilIdle()
            #expect(seen == [])
            pthread_kill(pthread_self(), SIGUSR1)
            try loop.runUntilIdle()
            #expect(seen == [SIGUSR1])
            pthread_kill(pthread_self(), SIGWINCH)
            try loop.runUntilIdle()
            #expect(seen == [SIGUSR1, SIGWINCH])
            source.stop()
        }
    }

    @Test func `signals that wait together all come in one turn`() throws {
        try restoringSignalMask {
            let loop = try EventLoop(clock: ManualClock())
            // Real-time signals queue: each comes as often as it was sent.
            let signal = __libc_current_sigrtmin() + 3
            var count = 0
            let source = try SignalSource([signal], on: loop) { _ in count += 1 }
            for _ in 0..<5 { pthread_kill(pthread_self(), signal) }
            try loop.turn(waiting: false)
            #expect(count == 5)
            source.stop()
        }
    }

    @Test func `a signal wakes a waiting loop`() throws {
        try restoringSignalMask {
            let loop = try EventLoop()
            let source = try SignalSource([SIGUSR1], on: loop) { _ in loop.stop() }
            _ = loop.schedule(after: .milliseconds(20)) { pthread_kill(pthread_self(), SIGUSR1) }
            try run(loop)
            source.stop()
        }
    }

    @Test func `after its end nothing is reported`() throws {
        try restoringSignalMask {
            let loop = try EventLoop(clock: ManualClock())
            var count = 0
            let source = try SignalSource([SIGUSR1], on: loop) { _ in count += 1 }
            source.stop()
            pthread_kill(pthread_self(), SIGUSR1)
            try loop.runUntilIdle()
            #expect(count == 0)
            // Taken, so that it does not come when the mask is restored.
            #expect(try SignalFD([SIGUSR1]).next() == SIGUSR1)
        }
    }
}
