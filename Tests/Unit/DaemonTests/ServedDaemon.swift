import EventLoop
import Linux
import TestSupport
import Testing

@testable import Daemon

/// A daemon on a loop that the test turns, with a service manager that listens.
final class ServedDaemon {
    let loop: EventLoop
    let tools = FixtureTools()
    let log = LogLines()
    let manager: NotifySocket
    let daemon: Daemon
    private let directory: TemporaryDirectory
    private var lastSession: UInt64 = 1_000_000

    var path: String { directory.path + "/mcp.sock" }

    /// Signals: none, for they would be blocked for the thread, which goes back to its pool.
    init(
        clock: any LoopClock = ManualClock(), signals: [CInt] = [],
        environment: [String: String] = [:], _ set: (inout Daemon.Settings) -> Void = { _ in }
    ) throws {
        loop = try EventLoop(clock: clock)
        directory = try TemporaryDirectory()
        try directory.open()
        manager = try NotifySocket(at: directory.path + "/notify")
        var environment = environment
        environment["NOTIFY_SOCKET"] = manager.address
        var settings = Daemon.Settings()
        set(&settings)
        daemon = try Daemon(
            on: loop, settings: settings, log: log.log(),
            manager: ServiceManager(environment: { environment[$0] }, process: 100)
        ) { [loop, tools] _ in
            tools.tools(on: loop)
        }
        try daemon.assumeIsolated { try $0.start(signals: signals) }
    }

    /// Serves a socket in a directory of the test's own.
    func listen() throws {
        let listener = Listener(try UnixSocket.listen(at: path, mode: 0o600), on: loop)
        try daemon.assumeIsolated { daemon in
            try daemon.listen(on: listener)
            daemon.becomeReady()
        }
    }

    /// A client that went through the socket.
    func connect() throws -> TestClient {
        let client = try TestClient(connectingTo: path, on: loop)
        try loop.runUntilIdle()
        return client
    }

    /// A client whose stream is in memory.
    func open() throws -> TestClient {
        lastSession += 1
        let (mine, peer) = MemoryStream.pair(on: loop)
        let client = try Client.ourselves(session: lastSession)
        try daemon.assumeIsolated { try $0.open(client, over: mine) }
        return TestClient(.memory(peer), on: loop)
    }

    func stop() { daemon.assumeIsolated { $0.stop() } }

    func setTools(_ names: String...) {
        daemon.assumeIsolated { $0.setTools(names.map { FixtureTools.tool($0) }) }
    }
}

extension NotifySocket {
    /// What has arrived since the last time, one text a datagram.
    func received() -> [String] {
        var datagrams: [String] = []
        while let lines = try? next(within: .zero) { datagrams.append(lines.joined(separator: "\n")) }
        return datagrams
    }
}
