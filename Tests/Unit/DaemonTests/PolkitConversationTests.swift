import Bus
import EventLoop
import Glibc
import Linux
import Synchronization
import TestSupport
import Testing

@testable import Daemon

/// What polkit is told over a real bus, by a daemon whose clock the test moves.
@Suite struct PolkitConversationTests {
    private let clock = ManualClock()
    private let loop: EventLoop
    private let directory: TemporaryDirectory
    private let bus: RunningBus
    private let consent: Consent
    private let application: Application
    private let said = Said()

    private final class Said: Sendable {
        let reasons = Mutex<[String]>([])
    }

    /// A process of a user who is not root, connected.
    private final class Application {
        let bridge: RunningProgram
        let client: Client
        private let input: OwnedFD
        private let socket: OwnedFD

        init(in directory: TemporaryDirectory) throws {
            let path = directory.path + "/mcp.sock"
            let listening = try UnixSocket.listen(at: path, mode: 0o666)
            let pipe = try Linux.Pipe()
            let launch = Launch(try directory.copy(of: .bridge), ["--socket", path])
            bridge = try (Process.userID == 0 ? launch.asUser(65_534) : launch)
                .start(descriptors: [0: pipe.reading.number])
            input = try pipe.writing.duplicate()
            guard Deadline().poll(listening, .read).contains(.read),
                let connection = try UnixSocket.accept(listening)
            else { throw TestFault("nobody connected") }
            client = Client(try PeerCredentials(of: connection), session: 1)
            socket = connection
        }
    }

    init() throws {
        loop = try EventLoop(clock: clock)
        directory = try TemporaryDirectory()
        try directory.open()
        bus = try RunningBus(in: directory)
        let log = LogLines().log()
        let address = try BusAddress(RunningBus.address(in: directory))
        consent = try Consent(
            on: loop, auditor: Auditor(nil, on: loop, log: log),
            polkit: Polkit(BusConnection(to: address, on: loop)), log: log)
        application = try Application(in: directory)
    }

    private func ask() {
        let caller = Consent.Caller(
            client: application.client, elicitation: .none, channel: NoChannel())
        loop.spawn { [consent, said] in
            let outcome = await consent.get(ApprovalQueueTests.question(), by: .polkit, of: caller)
            guard case .withheld(_, let reason) = outcome else { return }
            said.reasons.withLock { $0.append(reason) }
        }
    }

    private func turn(until what: String, _ condition: () -> Bool) throws {
        let deadline = Deadline()
        while !condition() {
            if deadline.hasPassed {
                throw TestFault("in vain waited for \(what): \(said.reasons.withLock { $0 })")
            }
            try loop.turn(waiting: false)
            usleep(1000)
        }
    }

    @Test("From version 124 on a process is named by its descriptor, before by number, start and user")
    func subjects() throws {
        let address = RunningBus.address(in: directory)
        let uid = Int32(bitPattern: application.client.credentials.uid)
        for version in ["126", "122"] {
            let authority = try StandInAuthority(version: version, at: address)
            ask()
            try turn(until: "the question") { !authority.subjects.isEmpty }
            let isNew = version == "126"
            #expect(
                authority.subjects == [
                    StandInAuthority.Subject(
                        kind: "unix-process", keys: isNew ? ["pidfd", "uid"] : ["pid", "start-time", "uid"],
                        process: isNew ? application.bridge.pid : nil, uid: uid)
                ])
            try authority.leave()
            try turn(until: "the answer") { said.reasons.withLock { !$0.isEmpty } }
            #expect(said.reasons.withLock { $0.first }?.contains("polkit went away") == true)
            said.reasons.withLock { $0 = [] }
        }
        try bus.end()
    }

    @Test("When the time is up, polkit is told so, and the call is denied")
    func timeIsUp() throws {
        let authority = try StandInAuthority(version: "126", at: RunningBus.address(in: directory))
        ask()
        try turn(until: "the question") { !authority.subjects.isEmpty }
        clock.advance(by: .seconds(119))
        try loop.turn(waiting: false)
        #expect(consent.queue.waiting.count == 1)
        clock.advance(by: .seconds(1))
        try turn(until: "the cancellation") { authority.withdrawn == ["cloister-1"] }
        #expect(said.reasons.withLock { $0 } == ["A person had to be asked, and nobody answered in time."])
        #expect(consent.queue.waiting.isEmpty)
        try authority.leave()
        try bus.end()
    }

    @Test("A daemon that ends takes its questions back")
    func ending() throws {
        let authority = try StandInAuthority(version: "126", at: RunningBus.address(in: directory))
        ask()
        ask()
        try turn(until: "the questions") { authority.subjects.count == 2 }
        // The loop does not turn any more.
        consent.close()
        try Deadline().wait(for: "the cancellations") {
            authority.withdrawn.sorted() == ["cloister-1", "cloister-2"]
        }
        try authority.leave()
        try bus.end()
    }
}
