// One thread, one epoll: everything in the daemon happens here, one thing after the other.
//
//   turn = run what is ready → wait for descriptors or the next deadline → call their watchers → timers
//
// The loop is a Swift executor. Actors that name it as theirs, and tasks that prefer it, run as jobs of
// a turn; so an actor's state, a watcher and a timer never run at the same time, and hopping between
// actors of one loop costs nothing.
//
// Invariants: everything but `enqueue` happens on the loop's own thread (checked). Watchers and
// actions are therefore ordinary closures that may touch what their creator, on the same loop, may touch.
// A job that arrives from another thread goes through the inbox, the only place with a lock.
//
// A watcher may unwatch any descriptor, itself included, while events are being handed out: tokens are
// never reused, and an event for a token that is gone is dropped.

import Glibc
import Linux
import Synchronization

// Unchecked: all state is confined to the loop's thread, but for `inbox` (a Mutex) and `wakeUp`.
package final class EventLoop: SerialExecutor, TaskExecutor, @unchecked Sendable {
    package typealias Watcher = (Epoll.Readiness) -> Void

    /// Names one watched descriptor, until it is unwatched.
    package struct Watch: Hashable, Sendable {
        let token: UInt64
    }

    private enum Work {
        case job(UnownedJob)
        case action(() -> Void)
    }

    package let clock: any LoopClock
    private let epoll: Epoll
    private var watchers: [UInt64: Watcher] = [:]
    private var lastToken: UInt64 = 0
    private var timers = TimerQueue()
    private var ready: [Work] = []
    /// What was handed in for the next turn while this one runs.
    private var deferred: [Work] = []
    private var isRunningReady = false
    private var onQuiet: (() -> Void)?
    private var thread: pthread_t
    private var isStopping = false

    private let inbox = Mutex<[UnownedJob]>([])
    private let wakeUp: EventFD
    private static let wakeUpToken: UInt64 = 0

    /// Belongs to the thread that makes it, until another one calls `run`.
    package init(clock: any LoopClock = MonotonicClock()) throws(SystemError) {
        self.clock = clock
        thread = pthread_self()
        epoll = try Epoll()
        wakeUp = try EventFD()
        try epoll.add(wakeUp.fd, .read, token: Self.wakeUpToken)
    }

    package var now: Duration { clock.now }

    // MARK: Running

    /// Runs until `stop` is called; not at all, if it was called before.
    package func run() throws(SystemError) {
        thread = pthread_self()
        while !isStopping { _ = try turn() }
        isStopping = false
    }

    package func stop() {
        isStopping = true
        wakeUp.signal()
    }

    /// Once, when no work is left that anything before has begun.
    package func whenQuiet(_ action: @escaping () -> Void) {
        onQuiet = action
        wakeUp.signal()
    }

    package struct NeverIdle: Error {}

    /// Runs until nothing is left to do at this moment: for tests, with a manual clock. Where there is always
    /// something left, that is an error and not a hang.
    package func runUntilIdle() throws {
        for _ in 0..<100_000 where try !turn(waiting: false) { return }
        throw NeverIdle()
    }

    /// One round. True when anything happened.
    @discardableResult
    package func turn(waiting: Bool = true) throws(SystemError) -> Bool {
        precondition(isCurrentThread, "a loop is turned by its own thread")
        var happened = runReady()
        if ready.isEmpty, let action = onQuiet.take() { action() }
        let milliseconds = waiting ? waitingTime() : 0
        try epoll.wait(milliseconds: milliseconds) { token, readiness in
            happened = true
            dispatch(token, readiness)
        }
        // As with work: what a timer schedules waits for the next turn, even if it is due at once.
        let newest = timers.newest
        while let action = timers.popDue(at: clock.now, upTo: newest) {
            happened = true
            action()
        }
        return happened || !ready.isEmpty
    }

    /// How often in a turn that is run which became ready meanwhile: a call is a dozen jobs, each of which makes the
    /// next one ready, and looks at the descriptors between them cost more than the jobs. After that they have their turn,
    /// so that work cannot starve them.
    private static let roundsOfTurn = 16

    private func runReady() -> Bool {
        guard !ready.isEmpty else { return false }
        isRunningReady = true
        var rounds = 0
        while !ready.isEmpty, rounds < Self.roundsOfTurn {
            rounds += 1
            var batch: [Work] = []
            swap(&batch, &ready)
            for work in batch { run(work) }
        }
        isRunningReady = false
        ready += deferred
        deferred.removeAll()
        return true
    }

    private func run(_ work: Work) {
        switch work {
        case .job(let job):
            unsafe job.runSynchronously(
                isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
        case .action(let action):
            action()
        }
    }

    private func dispatch(_ token: UInt64, _ readiness: Epoll.Readiness) {
        if token == Self.wakeUpToken {
            wakeUp.clear()
            let jobs = inbox.withLock { inbox in
                defer { inbox.removeAll() }
                return inbox
            }
            ready.append(contentsOf: jobs.map { .job($0) })
        } else {
            watchers[token]?(readiness)
        }
    }

    /// Milliseconds to the next deadline, rounded up so that a timer is never early.
    private func waitingTime() -> CInt {
        if !ready.isEmpty || isStopping { return 0 }
        guard clock.runsByItself else { return -1 }
        return SystemClock.patience(until: timers.nextDeadline(), from: clock.now)
    }

    // MARK: Work

    /// Runs the action in the next turn.
    package func later(_ action: @escaping () -> Void) {
        assertOnLoop()
        if isRunningReady { deferred.append(.action(action)) } else { ready.append(.action(action)) }
    }

    /// Runs the action when what runs now is done; in this turn, if there is still time.
    package func soon(_ action: @escaping () -> Void) {
        assertOnLoop()
        ready.append(.action(action))
    }

    package func schedule(
        after delay: Duration, _ action: @escaping () -> Void
    ) -> TimerID {
        assertOnLoop()
        return timers.schedule(at: clock.now + delay, action)
    }

    package func cancel(_ timer: TimerID) {
        assertOnLoop()
        timers.cancel(timer)
    }

    /// Starts a task of this loop.
    @discardableResult
    package func spawn(_ work: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        Task(executorPreference: self, operation: work)
    }

    // MARK: Descriptors

    package func watch(
        _ fd: borrowing OwnedFD, _ interest: Epoll.Interest, _ watcher: @escaping Watcher
    ) throws(SystemError) -> Watch {
        assertOnLoop()
        lastToken += 1
        try epoll.add(fd, interest, token: lastToken)
        watchers[lastToken] = watcher
        return Watch(token: lastToken)
    }

    package func update(
        _ watch: Watch, of fd: borrowing OwnedFD, _ interest: Epoll.Interest
    ) throws(SystemError) {
        assertOnLoop()
        try epoll.modify(fd, interest, token: watch.token)
    }

    package func unwatch(_ watch: Watch, of fd: borrowing OwnedFD) {
        assertOnLoop()
        guard watchers.removeValue(forKey: watch.token) != nil else { return }
        try? epoll.remove(fd)
    }

    // MARK: Executor

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isCurrentThread {
            ready.append(.job(job))
        } else {
            inbox.withLock { $0.append(job) }
            wakeUp.signal()
        }
    }

    package func checkIsolated() { assertOnLoop() }

    package func isIsolatingCurrentContext() -> Bool? { isCurrentThread }

    private var isCurrentThread: Bool { pthread_equal(thread, pthread_self()) != 0 }

    private func assertOnLoop() {
        precondition(isCurrentThread, "this belongs to the loop's thread")
    }
}
