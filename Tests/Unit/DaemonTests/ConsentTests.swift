import EventLoop
import Linux
import MCP
import Policy
import Synchronization
import TestSupport
import Testing

@testable import Daemon

/// Answers that arrive, and those that may not.
@Suite struct ConsentTests {
    private let loop: EventLoop
    private let clock = ManualClock()
    private let directory: TemporaryDirectory
    private let consent: Consent

    init() throws {
        loop = try EventLoop(clock: clock)
        directory = try TemporaryDirectory()
        let log = LogLines().log()
        consent = try Consent(
            on: loop, auditor: Auditor(nil, on: loop, log: log), store: GrantStore(directory: directory.path),
            log: log)
    }

    private func ask(_ way: Rule.Way = .queue, _ outcome: @escaping @Sendable (Consent.Outcome) -> Void)
        throws
    {
        let caller = Consent.Caller(
            client: try Client.ourselves(), elicitation: .none, channel: NoChannel())
        loop.spawn { [consent] in
            outcome(await consent.get(ApprovalQueueTests.question(), by: way, of: caller))
        }
        try loop.runUntilIdle()
    }

    // An answer with another digest was refused, and its grant was written down all the same: it held from the next
    // start on.
    @Test("What is refused as an answer leaves no grant behind")
    func wrongDigest() throws {
        try ask { _ in Issue.record("nobody answered") }
        #expect(throws: ApprovalQueue.Refusal.self) {
            try consent.answer(1, digest: "another", .allow(.always), by: 0)
        }
        #expect(consent.queue.waiting.count == 1)
        #expect(try GrantStore(directory: directory.path).read().grants == [])
    }

    @Test(
        "A way that there is not is denied, and the sentence says why",
        arguments: [
            (
                Rule.Way.polkit,
                "through polkit, which this cloisterd cannot do. An administrator can use via: queue"
            ),
            (.client, "this application has no way to ask (elicitation)"),
        ])
    func noWay(way: Rule.Way, sentence: String) throws {
        let reasons = Reasons()
        try ask(way) { reasons.add($0) }
        #expect(reasons.all.count == 1)
        #expect(reasons.all.first?.contains(sentence) == true)
        #expect(consent.queue.waiting.isEmpty)
    }

    @Test("What was allowed through the queue for good is not allowed where polkit has to be asked")
    func grantsAreOfTheQueue() throws {
        let reasons = Reasons()
        try ask { reasons.add($0) }
        _ = try consent.answer(1, digest: "d1", .allow(.always), by: 0)
        try loop.runUntilIdle()
        try ask { reasons.add($0) }
        try ask(.polkit) { reasons.add($0) }
        #expect(reasons.all.count == 3)
        #expect(reasons.all.prefix(2) == ["queue", "grant"])
        #expect(reasons.all.last?.contains("polkit") == true)
    }

    /// How each was given, or why it was withheld.
    private final class Reasons: Sendable {
        private let said = Mutex<[String]>([])
        var all: [String] { said.withLock { $0 } }

        func add(_ outcome: Consent.Outcome) {
            said.withLock {
                switch outcome {
                case .given(let consent): $0.append(consent.how)
                case .withheld(_, let reason), .unaskable(let reason): $0.append(reason)
                case .open: $0.append("open")
                }
            }
        }
    }
}

/// Of a client that cannot be asked.
struct NoChannel: CallChannel {
    func progress(_ progress: Double, of total: Double?, message: String?) {}
    func log(_ level: LogLevel, logger: String, data: [UInt8]) {}
    func ask(_ form: Form, onAnswer: @escaping @Sendable (FormAnswer) -> Void) -> Bool { false }
    func withdrawQuestion() {}
}
