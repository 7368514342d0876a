import Glibc
import Linux
import TestSupport
import Testing

/// What the daemon tells systemd, and when.
@Suite struct ServiceManagerTests {
    @Test(
        "READY=1, reloads and STOPPING=1 are told to a socket with a path or an abstract name",
        arguments: [false, true], RunningDaemon.Start.allCases)
    func life(abstract: Bool, start: RunningDaemon.Start) throws {
        // That READY=1 came first is what RunningDaemon waits for.
        let daemon = try RunningDaemon(.fixtureDaemon, start, abstractNotify: abstract)
        let client = try daemon.connect()
        try client.initialize()

        let before = SystemClock.monotonic
        daemon.program.kill(SIGHUP)
        let reloading = try daemon.manager.next()
        #expect(reloading.count == 2)
        #expect(reloading.first == "RELOADING=1")
        let time = try #require(reloading.last?.wholeMatch(of: /MONOTONIC_USEC=(\d+)/)).1
        let microseconds = Duration.microseconds(Int(time) ?? 0)
        #expect(before - .microseconds(1) <= microseconds && microseconds <= SystemClock.monotonic)
        let ready = try daemon.manager.next()
        #expect(ready == ["READY=1", "STATUS=Serving 1 client in 0 cells; policy in force"])
        // The reload is of the tools, which an open session is told.
        #expect(try client.receive()["method"]?.string == "notifications/tools/list_changed")
        try client.ping(1)

        try client.send(Lines.call(id: 2, "fixture_sleep", #"{"ms":100}"#))
        try client.ping(3)
        daemon.terminate()
        #expect(try daemon.manager.next() == ["STOPPING=1", "STATUS=Finishing calls in flight"])
        #expect(try client.answer(to: 2).toolText == "slept")
        #expect(try daemon.program.waitForEnd() == .exited(0))
    }

    @Test("The watchdog is patted at half its time, again and again")
    func watchdog() throws {
        let daemon = try RunningDaemon(environment: ["WATCHDOG_USEC": "100000"])
        let start = SystemClock.monotonic
        for _ in 1...5 { #expect(try daemon.manager.next() == ["WATCHDOG=1"]) }
        #expect(SystemClock.monotonic - start > .milliseconds(180))
        #expect(daemon.program.isRunning)
    }

    @Test("A daemon that is stopped by SIGSTOP pats nobody, and goes on afterwards")
    func interruption() throws {
        let daemon = try RunningDaemon(environment: ["WATCHDOG_USEC": "20000"])
        let client = try daemon.connect()
        daemon.program.kill(SIGSTOP)
        try client.send(Lines.initialize(id: 0))
        #expect(throws: TestFault.self) { try client.receive(within: .milliseconds(100)) }
        daemon.program.kill(SIGCONT)
        #expect(try client.answer(to: 0)["result"] != nil)
        #expect(try daemon.manager.next() == ["WATCHDOG=1"])
    }

    @Test(
        "A watchdog for another process, or without a time, is not ours",
        arguments: [
            ["WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"], ["WATCHDOG_USEC": "0"],
            ["WATCHDOG_USEC": "x"], [:],
        ])
    func noWatchdog(environment: [String: String]) throws {
        let daemon = try RunningDaemon(environment: environment)
        #expect(throws: TestFault.self) { try daemon.manager.next(within: .milliseconds(150)) }
        try daemon.connect().initialize()
    }

    @Test("A manager that has gone is none of its business")
    func goneManager() throws {
        let directory = try TemporaryDirectory()
        let daemon = try Launch(Executable.cloisterd.path, ["--standalone", directory.path]).start([
            "NOTIFY_SOCKET": directory.path + "/nobody", "WATCHDOG_USEC": "20000",
        ])
        _ = try daemon.errors.wait(for: "listening on")
        let client = try LineClient(
            try UnixSocket.connect(to: directory.path + "/mcp.sock", waiting: true),
            recordedAs: #function)
        try client.initialize()
        daemon.kill(SIGTERM)
        #expect(try daemon.waitForEnd() == .exited(0))
    }

    @Test("In the journal a line begins with its severity")
    func journal() throws {
        let daemon = try RunningDaemon(environment: ["JOURNAL_STREAM": "1:2"])
        try daemon.log(saying: "<6>listening on \(daemon.socketPath)\n")
    }

    // MARK: Idleness

    @Test("Socket-activated and without clients, it ends after the idle time")
    func idle() throws {
        let daemon = try RunningDaemon(.cloisterd, .activated, options: ["--idle-timeout", "1"])
        let start = SystemClock.monotonic
        #expect(try daemon.program.waitForEnd() == .exited(0))
        #expect(SystemClock.monotonic - start > .milliseconds(500))
        #expect(daemon.program.said.contains("no client for 1.0 seconds"))
    }

    @Test("With a client it stays, however silent, and the time begins anew when the last one is gone")
    func notIdle() throws {
        let daemon = try RunningDaemon(.cloisterd, .activated, options: ["--idle-timeout", "1"])
        do {
            let client = try daemon.connect()
            try client.initialize()
            #expect(throws: TestFault.self) {
                try daemon.program.waitForEnd(within: .milliseconds(1500))
            }
            try client.ping(1)
            client.hangUp()
        }
        let start = SystemClock.monotonic
        #expect(try daemon.program.waitForEnd() == .exited(0))
        #expect(SystemClock.monotonic - start > .milliseconds(500))
    }

    @Test(
        "In standalone, or with an idle time of 0, it stays without anybody",
        arguments: [
            (RunningDaemon.Start.standalone, "1"), (.activated, "0"),
        ])
    func stays(start: RunningDaemon.Start, seconds: String) throws {
        let daemon = try RunningDaemon(.cloisterd, start, options: ["--idle-timeout", seconds])
        #expect(throws: TestFault.self) { try daemon.program.waitForEnd(within: .milliseconds(1500)) }
        try daemon.connect().initialize()
    }
}
