import Glibc
import Linux
import TestSupport
import Testing

@testable import Daemon

struct ServiceManagerTests {
    private func manager(_ environment: [String: String], process: Int = 100) -> ServiceManager {
        ServiceManager(environment: { environment[$0] }, process: process)
    }

    // MARK: Notifications

    @Test(arguments: [false, true])
    func `what it is told arrives as datagrams, at a path or at an abstract name`(
        isAbstract: Bool
    ) throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/notify"
        let socket = try NotifySocket(at: isAbstract ? "@" + path : path)
        let manager = manager(["NOTIFY_SOCKET": socket.address])
        #expect(socket.received() == [])
        manager.ready(status: "Serving 0 clients")
        manager.status("Serving 1 client")
        manager.patWatchdog()
        manager.reloading(at: .seconds(5) + .microseconds(7) + .nanoseconds(999))
        manager.stopping()
        #expect(
            socket.received() == [
                "READY=1\nSTATUS=Serving 0 clients", "STATUS=Serving 1 client", "WATCHDOG=1",
                "RELOADING=1\nMONOTONIC_USEC=5000007",
                "STOPPING=1\nSTATUS=Finishing calls in flight",
            ])
    }

    @Test(arguments: [nil, "", "/nowhere/at/all", "@cloister-nobody-listens", "relative"])
    func `a manager that does not listen is none of our business`(name: String?) {
        manager(name.map { ["NOTIFY_SOCKET": $0] } ?? [:]).ready(status: "x")
    }

    // A queue of ten datagrams was full, and READY=1 was lost: a start that systemd never heard of.
    @Test func `a manager that is busy for a moment hears that we are ready`() throws {
        let directory = try TemporaryDirectory()
        let socket = try NotifySocket(at: directory.path + "/notify")
        let other = try UnixSocket.connect(to: socket.address, .datagram)
        var queued = 0
        while try UnixSocket.send(other, [0x78].span) != nil { queued += 1 }
        let hearing = Beside { [queued] in
            usleep(100_000)
            return try (0...queued).map { _ in try socket.next() }
        }
        manager(["NOTIFY_SOCKET": socket.address]).ready(status: "x")
        #expect(try hearing.value().last == ["READY=1", "STATUS=x"])
    }

    // MARK: Descriptors

    @Test(arguments: [
        (["LISTEN_PID": "100", "LISTEN_FDS": "1"], [""]),
        (
            ["LISTEN_PID": "100", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "cloisterd.socket:s0"],
            ["cloisterd.socket", "s0"]
        ),
        (["LISTEN_PID": "100", "LISTEN_FDS": "3", "LISTEN_FDNAMES": "a::b"], ["a", "", "b"]),
        // Names that are not as many: nobody knows whose they are.
        (["LISTEN_PID": "100", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a"], ["", ""]),
        (["LISTEN_PID": "100", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b:c"], ["", ""]),
        // Meant for another process: a parent's environment, inherited.
        (["LISTEN_PID": "101", "LISTEN_FDS": "1"], []),
        (["LISTEN_PID": "1", "LISTEN_FDS": "1"], []),
        (["LISTEN_FDS": "1"], []),
        (["LISTEN_PID": "100"], []),
        (["LISTEN_PID": "100", "LISTEN_FDS": "0"], []),
        (["LISTEN_PID": "100", "LISTEN_FDS": "-1"], []),
        (["LISTEN_PID": "100", "LISTEN_FDS": "65537"], []),
        (["LISTEN_PID": "100", "LISTEN_FDS": "99999999999999999999"], []),
        (["LISTEN_PID": "100", "LISTEN_FDS": "one"], []),
        (["LISTEN_PID": "100", "LISTEN_FDS": ""], []),
        (["LISTEN_PID": " 100", "LISTEN_FDS": "1"], []),
        (["LISTEN_PID": "", "LISTEN_FDS": "1"], []),
        ([:], []),
    ])
    func `descriptors are ours when they were passed to this very process`(
        environment: [String: String], names: [String]
    ) {
        let passed = ServiceManager.passedDescriptors(
            environment: { environment[$0] }, process: 100)
        #expect(passed == names)
    }

    @Test func `as many can come as a daemon with all its clients has left`() {
        let environment = ["LISTEN_PID": "100", "LISTEN_FDS": "20000"]
        let passed = ServiceManager.passedDescriptors(environment: { environment[$0] }, process: 100)
        #expect(passed.count == 20_000)
    }

    @Test func `what it is to keep goes with the message, under its name`() throws {
        let directory = try TemporaryDirectory()
        let socket = try NotifySocket(at: directory.path + "/notify")
        let manager = manager(["NOTIFY_SOCKET": socket.address])
        var table = DescriptorTable()
        try table.add(try MemoryFile.sealed("kept", Array("what it holds".utf8)))
        try table.add(try MemoryFile.create("other"))
        let isKept = manager.keep(table, as: "s5")
        #expect(isKept)
        manager.drop("s5")
        let (lines, contents) = try socket.nextWithFiles()
        #expect(lines == ["FDSTORE=1", "FDNAME=s5"])
        #expect(contents == [Array("what it holds".utf8), []])
        #expect(socket.received() == ["FDSTOREREMOVE=1\nFDNAME=s5"])
    }

    @Test func `without a manager nothing is kept`() {
        let isKept = manager([:]).keep(DescriptorTable(), as: "s5")
        #expect(!isKept)
    }

    // MARK: Watchdog

    @Test(
        arguments: [
            (["WATCHDOG_USEC": "30000000"], .seconds(15)),
            (["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "100"], .seconds(15)),
            (["WATCHDOG_USEC": "3"], .milliseconds(1)),
            (["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "101"], nil),
            (["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "x"], nil),
            (["WATCHDOG_USEC": "0"], nil),
            (["WATCHDOG_USEC": "-5"], nil),
            (["WATCHDOG_USEC": "soon"], nil),
            (["WATCHDOG_PID": "100"], nil),
            ([:], nil),
        ] as [([String: String], Duration?)])
    func `the watchdog is patted twice in its time, if it is ours`(
        environment: [String: String], interval: Duration?
    ) {
        #expect(manager(environment).watchdogInterval == interval)
    }
}
