import EventLoop
import JSON
import MCP
import Policy
import Synchronization
import TestSupport
import Testing

@testable import Daemon

/// A session by itself, over a stream in memory, with a clock that stands still.
final class ServedSession {
    let clock = ManualClock()
    let loop: EventLoop
    let tools = FixtureTools()
    let log = LogLines()
    let client: TestClient
    private let session: Session
    private let office: Gatekeeper.Office

    init(
        capacity: Int = 1 << 20, rule: String = "allow: TOOL",
        _ set: (inout Session.Settings) -> Void = { _ in }
    ) throws {
        loop = try EventLoop(clock: clock)
        let (mine, peer) = MemoryStream.pair(on: loop, capacity: capacity)
        client = TestClient(.memory(peer), on: loop)
        var settings = Session.Settings()
        set(&settings)
        let registered = tools.tools(on: loop)
        let server = ServerDescription(name: "test", title: "Test", version: "1", instructions: "None")
        let wentAway = WentAway()
        let client = try Client.ourselves()
        office = try .silent(on: loop, log.log())
        let policy = SessionPolicy(try .of(rule: rule), for: ClientFacts(client))
        session = Session(
            client, over: mine, on: loop, as: server, with: ToolCatalogue(registered.map(\.tool)),
            through: Gatekeeper(registered, office, log: log.log()), by: policy,
            in: CellPlace(nil, for: nil, by: policy, CellPlace.Settings(), on: loop), settings: settings,
            log: log.log()
        ) {
            wentAway.count.withLock { $0 += 1 }
        }
        self.wentAway = wentAway
        try session.assumeIsolated { try $0.start() }
    }

    private final class WentAway: Sendable {
        let count = Mutex(0)
    }

    private let wentAway: WentAway

    /// How often the session has said that it is gone.
    var timesGone: Int { wentAway.count.withLock { $0 } }

    func settle() throws { try loop.runUntilIdle() }

    func advance(by duration: Duration) throws {
        clock.advance(by: duration)
        try settle()
    }

    func beginClosing() { session.assumeIsolated { $0.beginClosing() } }

    /// From here on the session has these tools and no others.
    func setTools(_ names: String...) {
        let registered = names.map { FixtureTools.tool($0) }
        let log = log.log()
        session.assumeIsolated { [office] in
            $0.setTools(ToolCatalogue(registered.map(\.tool)), Gatekeeper(registered, office, log: log))
        }
    }
}

extension PolicySet {
    /// One that allows everybody these permissions.
    static func of(allowing permissions: String) throws -> PolicySet {
        try of(rule: "allow: [\(permissions)]")
    }

    static func of(rule: String) throws -> PolicySet {
        let text = "clients: [{name: all, rules: [{\(rule)}]}]"
        return try PolicySet([PolicyFile.read(Array(text.utf8), named: "test.yaml")])
    }
}

extension Gatekeeper.Office {
    /// One that keeps no records and asks nobody.
    static func silent(on loop: EventLoop, _ log: Log) throws -> Self {
        let auditor = Auditor(nil, on: loop, log: log)
        return Self(auditor, try Consent(on: loop, auditor: auditor, log: log), CallMeter())
    }
}
