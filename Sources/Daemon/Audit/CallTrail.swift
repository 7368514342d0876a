import Audit
import Cells
import JSON
import Linux
import MCP
import Policy
import Tools

/// What there is to say about one call, as it goes through the gatekeeper; at its end it is a record.
// Unchecked: touched on the loop's thread only.
final class CallTrail: @unchecked Sendable {
    private let call: ToolCall
    private let client: Client
    private let policy: SessionPolicy
    let stage: CallStage

    let caller: Consent.Caller

    var permit: Permit?
    /// Of a call that is made again.
    var returned: Consent.Return? {
        didSet { consent = returned?.consent }
    }
    /// Where the application's user has to be asked, or nobody can be.
    var question: Consent.Outcome?
    var consent: AuditCall.Consent? {
        get { stage.consent }
        set { stage.consent = newValue }
    }
    /// Set where it did not come to an answer of its tool.
    var outcome: AuditCall.Outcome?
    var cell: GovernedCell?
    var command: GovernedCommand?

    init(
        _ call: ToolCall, of client: Client, by policy: SessionPolicy, over channel: any CallChannel,
        _ stage: CallStage
    ) {
        (self.call, self.client, self.policy, self.stage) = (call, client, policy, stage)
        caller = Consent.Caller(client: client, elicitation: call.elicitation, channel: channel)
    }

    // MARK: What is decided on the way

    func decide(_ permissions: [Permission]) -> Permit {
        let decided = Permit(policy, tool: call.tool, permissions)
        permit = decided
        return decided
    }

    /// On something that comes up while the call is under way.
    func ruling(on need: Need) -> Permit.Ruling {
        Permit.Ruling(need: need, decision: policy.decide(need))
    }

    func refuse(_ reason: String, as outcome: AuditCall.Outcome) -> ToolResult {
        self.outcome = outcome
        return .failure(reason)
    }

    /// Files that a person was asked about and has allowed.
    private(set) var fileConsents: Set<FileRules.Consent> = []
    /// What was allowed earlier in this call.
    private var settled: Set<Need> = []

    func accept(_ consent: AuditCall.Consent, for needs: [Need]) {
        self.consent = consent
        accept(needs)
    }

    /// Of a call that was permitted before, with whatever had to be asked about.
    func acceptAgain(_ permissions: [Permission]) { accept(decide(permissions).questions.map(\.need)) }

    /// What of it was not allowed yet: earlier in this call, or through its client when it was made before.
    func unsettled(_ rulings: [Permit.Ruling]) -> [Need] {
        let returned = returned?.settled ?? []
        let old = rulings.filter {
            settled.contains($0.need) || $0.way == .client && returned.contains($0.need)
        }.map(\.need)
        accept(old)
        return rulings.map(\.need).filter { !old.contains($0) }
    }

    private func accept(_ needs: [Need]) {
        settled.formUnion(needs)
        for need in needs {
            guard case .path(let path) = need.object else { continue }
            let act: FileRules.Act =
                need.permission == .fileRead
                ? .read : need.permission == .fileWrite ? .writeOwn : .writeElsewhere
            fileConsents.insert(FileRules.Consent(act, path))
        }
    }

    private var arguments: [UInt8] {
        call.arguments.map { value in JSONWriter.bytes { $0.value(value) } } ?? Array("{}".utf8)
    }

    /// What an answer is to.
    var digest: String { "\(Digest(of: Array(call.tool.utf8) + [0] + arguments))" }

    /// About exactly these arguments, and what a rule asks about in them.
    func question(about needs: [Need]) -> Question {
        let facts = policy.facts
        let decision = needs.first.map { policy.decide($0) }
        var question = Question(
            asker: Asker(facts), session: client.session,
            claim: facts.bridgeClaim ?? facts.nameClaim, tool: call.tool, arguments: arguments,
            digest: digest, needs: needs,
            rule: decision?.rule?.description ?? "", reason: decision?.reason)
        question.settled = settled.union(returned?.settled ?? [])
        return question
    }

    // MARK: The record

    func record(of result: ToolResult) -> AuditRecord {
        let verdict: AuditCall.Verdict =
            switch permit?.ruling.decision.verdict {
            case .allow: .allow
            case .ask: .ask
            case .deny, nil: .deny
            }
        var record = AuditCall(
            tool: call.tool, arguments: RecordedArguments(call.arguments, secret: policy.client.secrets),
            verdict: verdict, outcome: outcome(of: result),
            bytes: result.size,
            durationMicroseconds: Int64((SystemClock.monotonic - stage.memory.began) / .microseconds(1)))
        record.needs = ((permit?.needs ?? []) + (cell?.resolved ?? [])).map { need in
            AuditCall.Need("\(need.permission)", need.shownObject)
        }
        record.rule = permit?.ruling.decision.rule?.description
        record.consent = consent
        if result.isError, case .text(let text) = result.content.first {
            record.reason = String(text.prefix(500))
        }
        if let end = cell?.end ?? command?.end {
            switch end.cause {
            case .exited(let status): record.exit = Int32(status)
            case .signalled(let signal): record.signal = Int32(signal)
            }
            record.resources = AuditCall.Resources(
                cpuMicroseconds: end.cpuMicroseconds, peakMemoryBytes: end.peakMemoryBytes)
        }
        record.missingWalls = (cell?.report ?? command?.report)?.gaps.map(\.wall.rawValue) ?? []
        return AuditRecord(.call(record), of: AuditClient(client, policy.facts))
    }

    private func outcome(of result: ToolResult) -> AuditCall.Outcome {
        if case .open = question { return .asked }
        if let outcome { return outcome }
        if Task.isCancelled { return .cancelled }
        if command?.wasRefused == true { return .refused }
        return result.isError ? .failed : .succeeded
    }
}

extension AuditClient {
    package init(_ client: Client, _ facts: ClientFacts) {
        self.init(session: client.session, uid: facts.uid, pid: client.credentials.pid)
        (user, executable, unit) = (facts.user, facts.executable, facts.unit)
        (application, label) = (facts.application, facts.label)
        claims = Claims(bridge: facts.bridgeClaim, name: facts.nameClaim)
    }
}

extension ToolResult {
    /// About what it takes on its way to the client.
    fileprivate var size: Int {
        content.reduce(structured?.count ?? 0) { size, each in
            switch each {
            case .text(let text): size + text.utf8.count
            case .image(let base64, _), .audio(let base64, _): size + base64.utf8.count
            case .resource, .resourceLink: size
            }
        }
    }
}
