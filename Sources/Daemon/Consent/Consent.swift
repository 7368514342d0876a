// How a question reaches a person, and what becomes of the answer.
//
//   asked ──queue: a grant holds───────────────────────▶ given
//     ├──queue: waits ──cloisterctl approve────────────▶ given (and a grant, if it is for longer)
//     ├──polkit: its rules, or the agent of a session──▶ given, for this call alone
//     ├──client: what its application's user says──────▶ given (and for its session, if that is said)
//     └──denied, no answer in time, the call is over───▶ withheld
//
// Whatever its way, a question has its place in the queue, and so the same limits and the same time. Every answer is on
// record, with who gave it. An answer is to exactly the arguments that were shown.

import Audit
import EventLoop
import Linux
import MCP
import Policy

// Unchecked: touched on the loop's thread only.
package final class Consent: @unchecked Sendable {
    package enum Outcome: Sendable {
        case given(AuditCall.Consent)
        case withheld(AuditCall.Consent?, String)
        /// There is no way to ask.
        case unaskable(String)
        /// The call is to be made again, with the answer to this and with this state.
        case open(Form, state: String)
    }

    /// Whose call it is, and how that application can be asked.
    struct Caller: Sendable {
        let client: Client
        let elicitation: ElicitationSupport
        let channel: any CallChannel
    }

    let loop: EventLoop
    private let auditor: Auditor
    private let store: GrantStore?
    private let polkit: Polkit?
    private let log: Log
    let seal: Seal
    package private(set) var queue: ApprovalQueue {
        didSet { onChange() }
    }
    package private(set) var grants = GrantBook() {
        didSet { onChange() }
    }
    /// Questions or grants have come or gone.
    var onChange: () -> Void = {}
    private var waiters: [UInt64: CheckedContinuation<Outcome, Never>] = [:]
    /// Conversations with polkit, which end with their questions.
    private var conversations: [UInt64: Task<Void, Never>] = [:]
    private var timer: TimerID?

    package init(
        on loop: EventLoop, auditor: Auditor, store: GrantStore? = nil, polkit: Polkit? = nil,
        limits: ApprovalQueue.Limits = .init(), log: Log
    ) throws {
        seal = try Seal()
        (self.loop, self.auditor, self.log) = (loop, auditor, log)
        (self.store, self.polkit) = (store, polkit)
        queue = ApprovalQueue(limits)
        if let store { grants = try store.read() }
    }

    func get(_ question: Question, by way: Rule.Way, of caller: Caller) async -> Outcome {
        // What was allowed here is not allowed where a rule wants to hear it from polkit.
        if way != .polkit, let grant = grants.grant(for: question, at: SystemClock.secondsSince1970) {
            return .given(AuditCall.Consent(who: "uid \(grant.giver)", how: "grant"))
        }
        if way == .polkit, polkit == nil {
            return .withheld(
                nil,
                "A rule wants a person to be asked through polkit, which this cloisterd cannot do. An administrator can use via: queue."
            )
        }
        if way == .client, caller.elicitation == .none {
            return .unaskable(
                "A rule wants the application's user to be asked, and this application has no way to ask (elicitation)."
            )
        }
        let asked: ApprovalQueue.Waiting
        do throws(ApprovalQueue.Refusal) {
            asked = try queue.ask(question, by: way, at: loop.now)
        } catch {
            return .withheld(nil, "A person would have to be asked about this, and \(error).")
        }
        schedule()
        if way == .client, caller.elicitation == .byRetry { return open(asked) }
        defer { if way == .client { caller.channel.withdrawQuestion() } }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // First: the answer may come before anything else happens.
                waiters[asked.number] = continuation
                begin(asked, of: caller)
            }
        } onCancel: {
            loop.spawn { self.end(asked.number, .withheld(nil, "The call was taken back.")) }
        }
    }

    private func begin(_ asked: ApprovalQueue.Waiting, of caller: Caller) {
        let what = "question \(asked.number): \(asked.question.tool) of uid \(asked.question.asker.uid)"
        switch asked.way {
        case .queue: log.notice("\(what) waits for cloisterctl approve \(asked.number)")
        case .client: ask(caller.channel, asked)
        case .polkit:
            log.notice("\(what) is asked through polkit")
            conversations[asked.number] = loop.spawn {
                guard let answer = await self.polkit?.ask(asked.question, of: caller.client) else { return }
                self.take(answer, to: asked, of: caller.client)
            }
        }
    }

    /// Once, and never again: what comes later is to nobody.
    func end(_ number: UInt64, _ outcome: Outcome) {
        queue.withdraw(number)
        conversations.removeValue(forKey: number)?.cancel()
        waiters.removeValue(forKey: number)?.resume(returning: outcome)
    }

    // MARK: Answers

    /// By somebody who may answer. It is said what came of it, or why it could not be taken.
    package func answer(
        _ number: UInt64, digest: String, _ answer: Answer, by uid: UInt32
    ) throws(ApprovalQueue.Refusal) -> String {
        try settle(try queue.standing(number, digest: digest, at: loop.now), answer, by: uid).said
    }

    /// The question does not wait any more, and who waits for it goes on.
    @discardableResult
    func settle(
        _ asked: ApprovalQueue.Waiting, _ answer: Answer, by uid: UInt32
    ) throws(ApprovalQueue.Refusal) -> (said: String, consent: AuditCall.Consent) {
        let consent = AuditCall.Consent(who: "uid \(uid)", how: asked.way.rawValue)
        guard case .allow(let scope) = answer else {
            record(asked.question, asked.number, answer, consent)
            end(asked.number, .withheld(consent, Self.denial(asked.way)))
            return ("denied", consent)
        }
        // A grant that cannot be kept is not given, and the question stands.
        var book = grants
        let grant: Grant?
        do throws(GrantBook.Fault) {
            grant = try book.add(asked.question, scope, by: uid, at: SystemClock.secondsSince1970)
            try store?.write(book)
        } catch {
            throw ApprovalQueue.Refusal(description: "\(error)")
        }
        grants = book
        record(asked.question, asked.number, answer, consent)
        end(asked.number, .given(consent))
        return (grant.map { "allowed, as grant \($0.number)" } ?? "allowed once", consent)
    }

    static func denial(_ way: Rule.Way) -> String {
        way == .client ? "The application's user denied it." : "A person denied it."
    }

    /// Of polkit, to a question that still stands.
    private func take(_ answer: Polkit.Answer, to asked: ApprovalQueue.Waiting, of client: Client) {
        guard waiters[asked.number] != nil else { return }
        // polkit does not tell who authenticated: it is the client's user, or an administrator at their session.
        let somebody = AuditCall.Consent(who: "uid \(client.credentials.uid)", how: "polkit")
        let nobody = AuditCall.Consent(who: "nobody", how: "polkit")
        let (consent, outcome): (AuditCall.Consent, Outcome) =
            switch answer {
            case .given: (somebody, .given(somebody))
            case .denied(let reason): (somebody, .withheld(somebody, reason))
            case .unanswered(let reason): (nobody, .withheld(nobody, reason))
            }
        record(asked.question, asked.number, answer == .given ? .allow(.once) : .deny, consent)
        end(asked.number, outcome)
    }

    package func revoke(_ number: UInt64, by uid: UInt32) throws(GrantBook.Fault) -> Grant? {
        var book = grants
        guard let grant = book.revoke(number) else { return nil }
        try store?.write(book)
        grants = book
        return grant
    }

    func grants(of session: UInt64) -> [[UInt8]] { grants.encoded(of: session) }

    /// What a person answered to a process before us, for as long as the session lasts.
    func resume(_ kept: [[UInt8]], of session: UInt64) {
        for grant in kept { grants.resume(grant, of: session) }
    }

    func sessionEnded(_ session: UInt64) { grants.sessionEnded(session) }

    private func record(
        _ question: Question, _ number: UInt64, _ answer: Answer, _ consent: AuditCall.Consent
    ) {
        let (verdict, scope): (AuditCall.Verdict, String) =
            switch answer {
            case .deny: (.deny, "once")
            case .allow(.once): (.allow, "once")
            case .allow(.session): (.allow, "session")
            case .allow(.time(let seconds)): (.allow, "\(seconds) s")
            case .allow(.always): (.allow, "always")
            }
        auditor.note(
            AuditRecord(
                .consent(
                    AuditConsent(
                        question: "\(number)", tool: question.tool, digest: question.digest, verdict: verdict,
                        who: consent.who, how: consent.how, scope: scope))))
    }

    // MARK: Questions that end by themselves

    private func schedule() {
        guard timer == nil, let deadline = queue.nextDeadline else { return }
        timer = loop.schedule(after: max(.zero, deadline - loop.now)) { [unowned self] in
            timer = nil
            let nobody = AuditCall.Consent(who: "nobody", how: "timeout")
            for expired in queue.expire(at: loop.now) {
                record(expired.question, expired.number, .deny, nobody)
                end(
                    expired.number,
                    .withheld(nobody, "A person had to be asked, and nobody answered in time."))
            }
            schedule()
        }
    }

    /// Nobody is asked for a daemon that ends.
    package func close() { polkit?.authority.close() }
}
