import EventLoop
import Glibc
import Linux
import TestSupport
import Testing

@testable import Daemon

/// Who is served, who is not, and how the daemon ends.
struct DaemonTests {
    // MARK: Serving

    @Test func `clients of its socket are served`() throws {
        let served = try ServedDaemon()
        try served.listen()
        let (one, other) = (try served.connect(), try served.connect())
        try one.initialize()
        try other.initialize()
        try one.hold(1, "a")
        try other.request(1, "ping")
        #expect(try other.receive() == ["1: result"])
        served.tools.release("a")
        #expect(try one.receive() == ["1: a"])
        #expect(served.log.all.filter { $0.contains("opened") }.count == 2)
    }

    @Test func `sessions of other clients go on when one goes`() throws {
        let served = try ServedDaemon()
        try served.listen()
        let (one, other) = (try served.connect(), try served.connect())
        try one.initialize()
        try other.initialize()
        try one.hold(1, "a")
        try other.hold(1, "b")
        _ = try one.receive()
        one.close()
        try served.loop.runUntilIdle()
        served.tools.release("b")
        #expect(try other.receive() == ["1: b"])
        #expect(served.tools.events == ["began a", "began b", "cancelled a", "ended b"])
    }

    @Test func `other tools are every session's tools, and each is told in its way`() throws {
        let served = try ServedDaemon()
        let (legacy, unready, modern) = (try served.open(), try served.open(), try served.open())
        try legacy.initialize()
        try unready.initialize(andBeReady: false)
        try modern.request(
            9, "subscriptions/listen",
            #"{"notifications":{"toolsListChanged":true},\#(TestClient.envelope)}"#)
        #expect(try modern.receive() == ["notifications/subscriptions/acknowledged 9"])
        served.setTools("new")
        #expect(try legacy.receive() == ["notifications/tools/list_changed"])
        #expect(try unready.receive() == [])
        #expect(try modern.receive() == ["notifications/tools/list_changed 9"])
        for client in [legacy, unready] {
            try client.request(1, "tools/list")
            #expect(try client.receive() == ["1: tools new"])
        }
        // And whoever comes later sees them without being told.
        let late = try served.open()
        try late.initialize()
        try late.request(1, "tools/list")
        #expect(try late.receive() == ["1: tools new"])
    }

    // MARK: Limits

    @Test(arguments: [
        (2, 1024, "cloisterd has 2 sessions, which is its limit"),
        (4096, 2, "this user has 2 sessions, which is the limit"),
    ])
    func `who is too many is refused with one line that says why, until somebody goes`(
        inAll: Int, ofUser: Int, reason: String
    ) throws {
        let served = try ServedDaemon {
            ($0.mostSessions, $0.mostSessionsOfUser) = (inAll, ofUser)
        }
        try served.listen()
        let clients = [try served.connect(), try served.connect()]
        for client in clients { try client.initialize() }
        for _ in 0..<2 {
            let refused = try served.connect()
            #expect(try refused.receive() == ["null: error -32603 \(reason)"])
            #expect(try refused.isAtEnd)
        }
        #expect(served.log.all.filter { $0.hasPrefix("<4>") && $0.contains(reason) }.count == 2)
        // Those who are there are not touched by it.
        try clients[1].request(1, "ping")
        #expect(try clients[1].receive() == ["1: result"])

        clients[0].close()
        try served.loop.runUntilIdle()
        let next = try served.connect()
        try next.initialize()
        #expect(try served.connect().receive() == ["null: error -32603 \(reason)"])
    }

    /// In a process of its own, which becomes two users in turn. As root: nobody else can.
    @Test(.enabled(if: geteuid() == 0 || mustRun, "needs root, to be two users"))
    func `one user's sessions take no other user's place`() async {
        await #expect(processExitsWith: .success) {
            let served = try ServedDaemon { $0.mostSessionsOfUser = 2 }
            try served.listen()
            try #require(unsafe chmod(served.path, 0o666) == 0)
            let refusal = "null: error -32603 this user has 2 sessions, which is the limit"

            let root = try served.connect()
            try root.initialize()
            try #require(seteuid(65534) == 0)
            let nobody = [try served.connect(), try served.connect()]
            for client in nobody { try client.initialize() }
            #expect(try served.connect().receive() == [refusal])
            try #require(seteuid(0) == 0)
            let second = try served.connect()
            try second.initialize()
            #expect(try served.connect().receive() == [refusal])
        }
    }

    /// In a process of its own: as root it becomes somebody else to connect.
    @Test func `a daemon that can act for one user only serves that one`() async {
        await #expect(processExitsWith: .success) {
            let isRoot = geteuid() == 0
            let only: uid_t = isRoot ? 1 : geteuid() + 1
            let served = try ServedDaemon { $0.onlyUser = only }
            try served.listen()
            try #require(unsafe chmod(served.path, 0o666) == 0)
            if isRoot { try #require(seteuid(65534) == 0) }
            let stranger = try served.connect()
            #expect(
                try stranger.receive() == [
                    "null: error -32603 this cloisterd runs as uid \(only) and serves nobody else"
                ])
            #expect(try stranger.isAtEnd)
            guard isRoot else { return }
            for uid in [uid_t(0), only] {
                try #require(seteuid(0) == 0)
                try #require(seteuid(uid) == 0)
                try served.connect().initialize()
            }
            try #require(seteuid(0) == 0)
        }
    }

    // MARK: The end

    @Test func `it ends when the last session is gone, and not before`() throws {
        let served = try ServedDaemon(clock: MonotonicClock())
        try served.listen()
        let (one, other) = (try served.connect(), try served.connect())
        try one.initialize()
        try other.initialize()
        try one.hold(1, "a")
        try other.hold(1, "b")
        _ = try one.receive()
        var hasReleased = false
        _ = served.loop.schedule(after: .milliseconds(5)) { served.stop() }
        _ = served.loop.schedule(after: .milliseconds(30)) { served.tools.release("a") }
        _ = served.loop.schedule(after: .milliseconds(60)) {
            hasReleased = true
            served.tools.release("b")
        }
        try run(served.loop)
        #expect(hasReleased)
        #expect(try one.receive() == ["1: a"])
        #expect(try other.receive() == ["1: b"])
        #expect(try one.isAtEnd)
        #expect(try other.isAtEnd)
    }

    @Test func `it ends when the closing time is up, whoever is left`() throws {
        let served = try ServedDaemon(clock: MonotonicClock()) {
            $0.session.closingTime = .milliseconds(50)
        }
        try served.listen()
        let client = try served.connect()
        try client.initialize()
        try client.hold(1, "a")
        _ = try client.receive()
        let start = served.loop.now
        served.stop()
        try run(served.loop)
        #expect(served.loop.now - start >= .milliseconds(50))
        #expect(try client.receive() == [])
        #expect(try client.isAtEnd)
        #expect(served.tools.events == ["began a", "cancelled a"])
    }

    @Test func `without a session it ends at once`() throws {
        let served = try ServedDaemon(clock: MonotonicClock())
        try served.listen()
        served.stop()
        try run(served.loop)
        #expect(served.manager.received().last?.hasPrefix("STOPPING=1\n") == true)
    }

    @Test func `while it stops it accepts nobody, and refuses new calls`() throws {
        let served = try ServedDaemon()
        try served.listen()
        let client = try served.connect()
        try client.initialize()
        try client.hold(1, "a")
        _ = try client.receive()
        served.stop()
        try Deadline().wait(for: "the end of the socket") { (try? served.connect()) == nil }
        try client.hold(2, "b")
        #expect(try client.receive() == ["2: error -32603 cloisterd is closing this session"])
        #expect(served.tools.events == ["began a"])
        served.tools.release("a")
        _ = try client.receive()
    }

    @Test func `asked twice it leaves at once`() throws {
        let served = try ServedDaemon(clock: MonotonicClock())
        try served.listen()
        let client = try served.connect()
        try client.initialize()
        try client.hold(1, "a")
        _ = try client.receive()
        served.stop()
        served.stop()
        try run(served.loop, atMost: .seconds(2))
        #expect(served.tools.events == ["began a"])
        #expect(served.log.all.contains { $0.contains("asked twice to stop: leaving 1 sessions") })
        served.tools.release("a")
    }

    // MARK: Idleness

    private func hasStopped(_ served: ServedDaemon) throws -> Bool {
        try served.loop.runUntilIdle()
        return served.manager.received().contains { $0.hasPrefix("STOPPING=1") }
    }

    @Test func `without clients for the idle time it ends`() throws {
        let clock = ManualClock()
        let served = try ServedDaemon(clock: clock) { $0.idleTime = .seconds(120) }
        try served.listen()
        clock.advance(by: .seconds(120) - .nanoseconds(1))
        #expect(try !hasStopped(served))
        clock.advance(by: .nanoseconds(1))
        #expect(try hasStopped(served))
        try run(served.loop)
    }

    @Test func `a client keeps it from being idle, and the last one's end begins the time anew`() throws {
        let clock = ManualClock()
        let served = try ServedDaemon(clock: clock) { $0.idleTime = .seconds(120) }
        try served.listen()
        clock.advance(by: .seconds(100))
        let (one, other) = (try served.connect(), try served.connect())
        clock.advance(by: .seconds(1000))
        #expect(try !hasStopped(served))
        one.close()
        try served.loop.runUntilIdle()
        clock.advance(by: .seconds(1000))
        #expect(try !hasStopped(served))
        other.close()
        try served.loop.runUntilIdle()
        clock.advance(by: .seconds(119))
        #expect(try !hasStopped(served))
        clock.advance(by: .seconds(1))
        #expect(try hasStopped(served))
    }

    @Test func `without an idle time it waits for ever`() throws {
        let clock = ManualClock()
        let served = try ServedDaemon(clock: clock)
        try served.listen()
        clock.advance(by: .seconds(1_000_000))
        #expect(try !hasStopped(served))
    }

    // MARK: Service manager and signals

    @Test func `the service manager is told that it is ready, and that it stops`() throws {
        let served = try ServedDaemon()
        #expect(served.manager.received() == [])
        try served.listen()
        #expect(
            served.manager.received() == ["READY=1\nSTATUS=Serving 0 clients in 0 cells; policy in force"])
        served.stop()
        #expect(served.manager.received() == ["STOPPING=1\nSTATUS=Finishing calls in flight"])
    }

    @Test func `the watchdog is patted at the start and then twice in its time`() throws {
        let clock = ManualClock()
        let served = try ServedDaemon(clock: clock, environment: ["WATCHDOG_USEC": "10000000"])
        #expect(served.manager.received() == ["WATCHDOG=1"])
        var pats = 0
        for _ in 0..<20 {
            clock.advance(by: .seconds(1))
            try served.loop.runUntilIdle()
            pats += served.manager.received().count
        }
        #expect(pats == 4)
    }

    @Test func `SIGHUP reads the tools again, SIGTERM stops`() throws {
        var mask = sigset_t()
        unsafe pthread_sigmask(SIG_BLOCK, nil, &mask)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &mask, nil) }

        let clock = ManualClock()
        let served = try ServedDaemon(clock: clock, signals: [SIGHUP, SIGTERM])
        try served.listen()
        let client = try served.connect()
        try client.initialize()
        served.setTools("new")
        _ = try client.receive()
        _ = served.manager.received()

        // To this thread alone: another one might not have them blocked.
        pthread_kill(pthread_self(), SIGHUP)
        #expect(try client.receive() == ["notifications/tools/list_changed"])
        try client.request(1, "tools/list")
        #expect(try client.receive() == ["1: tools big hold report sleep stubborn"])
        let now = Int(clock.now / .microseconds(1))
        #expect(
            served.manager.received() == [
                "RELOADING=1\nMONOTONIC_USEC=\(now)",
                "READY=1\nSTATUS=Serving 1 client in 0 cells; policy in force",
            ])

        pthread_kill(pthread_self(), SIGTERM)
        _ = try client.receive()
        #expect(try client.isAtEnd)
        #expect(served.manager.received().map { $0.hasPrefix("STOPPING=1") } == [true])
    }
}
