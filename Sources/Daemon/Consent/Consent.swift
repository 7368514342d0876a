// How a question reaches a person, and what becomes of the answer.
//
//   asked ──a grant holds──▶ given
//     └──▶ waits in the queue ──cloisterctl approve──▶ given (and a grant, if it is for longer)
//          or for the client  └──deny, no answer in time, the call is over──▶ withheld
//
// A client is asked by a request while its call waits; or, in the modern era, its call ends and is made again: the
// question waits here, and its number travels under a seal. It is answered once, by who was asked.
//
// Every answer is on record, with who gave it. An answer is to exactly the arguments that were shown.

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

    private let loop: EventLoop
    private let auditor: Auditor
    private let store: GrantStore?
    private let seal: Seal
    private let log: Log
    package private(set) var queue: ApprovalQueue
    package private(set) var grants = GrantBook()
    private var waiters: [UInt64: CheckedContinuation<Outcome, Never>] = [:]
    private var timer: TimerID?

    package init(
        on loop: EventLoop, auditor: Auditor, store: GrantStore? = nil,
        limits: ApprovalQueue.Limits = .init(),
        log: Log
    ) throws {
        (self.loop, self.auditor, self.store, self.log) = (loop, auditor, store, log)
        seal = try Seal()
        queue = ApprovalQueue(limits)
        if let store { grants = try store.read() }
    }

    /// Through whom the client of a call is asked, where a rule says so.
    struct Asking {
        let support: ElicitationSupport
        let channel: any CallChannel
    }

    func get(_ question: Question, _ asking: Asking) async -> Outcome {
        if let grant = grants.grant(for: question, at: SystemClock.secondsSince1970) {
            return .given(AuditCall.Consent(who: "uid \(grant.giver)", how: "grant"))
        }
        switch (question.way, asking.support) {
        case (.queue, _):
            return await enqueue(question) { asked in
                log.notice(
                    "question \(asked.number): \(question.tool) of uid \(question.asker.uid) waits for cloisterctl approve \(asked.number)"
                )
                return await answer(to: asked)
            }
        case (.client, .byRequest):
            return await enqueue(question) { asked in await ask(asking.channel, asked) }
        case (.client, .byRetry):
            return await enqueue(question) { asked in
                do throws(SystemError) {
                    return .open(ClientForm.form(question), state: try seal.closed(asked.number))
                } catch {
                    queue.withdraw(asked.number)
                    return .withheld(nil, "The application's user cannot be asked: \(error)")
                }
            }
        case (.client, .none):
            return .unaskable(
                "A rule wants the application's user to be asked, and this application has no way to ask (elicitation)."
            )
        case (.polkit, _):
            return .withheld(
                nil,
                "A rule wants a person to be asked through polkit, which this cloisterd cannot do. An administrator can use via: queue."
            )
        }
    }

    private func enqueue(
        _ question: Question, _ body: (ApprovalQueue.Waiting) async -> Outcome
    ) async -> Outcome {
        do throws(ApprovalQueue.Refusal) {
            let asked = try queue.ask(question, at: loop.now)
            schedule()
            return await body(asked)
        } catch {
            return .withheld(nil, "A person would have to be asked about this, and \(error).")
        }
    }

    /// `asking` begins when the answer is waited for: it may come before anything else happens.
    private func answer(
        to asked: ApprovalQueue.Waiting, _ asking: () -> Void = {}
    ) async -> Outcome {
        await withTaskCancellationHandler {
            await withCheckedContinuation {
                waiters[asked.number] = $0
                asking()
            }
        } onCancel: {
            loop.spawn { self.withdraw(asked.number) }
        }
    }

    // MARK: Through the client

    private func ask(_ channel: any CallChannel, _ asked: ApprovalQueue.Waiting) async -> Outcome {
        let (number, question) = (asked.number, asked.question)
        let outcome = await answer(to: asked) {
            let isAsked = channel.ask(ClientForm.form(question)) { [unowned self] said in
                do throws(ApprovalQueue.Refusal) {
                    _ = try settle(
                        number, digest: question.digest, ClientForm.answer(said), by: question.asker.uid,
                        how: .client)
                } catch {
                    // Such as a grant too many: not what was answered, and not silence either.
                    end(number, .withheld(nil, error.description))
                }
            }
            if !isAsked { end(number, .unaskable("Another question of this call waits for an answer.")) }
        }
        channel.withdrawQuestion()
        return outcome
    }

    /// A call is made again, with an answer of the client to what it was told.
    struct Return {
        /// What of the call is allowed by now.
        let settled: [String]
        let consent: AuditCall.Consent?
        /// Why it is not, if a person said so.
        let refusal: String?
    }

    func readmit(_ retry: RetryInput, digest: String, of holder: Grant.Holder) throws(ProtocolError) -> Return
    {
        guard let number = seal.opened(retry.state) else {
            throw .invalidParams("requestState is not one of this cloisterd's")
        }
        let waiting = queue.waiting.first { $0.number == number }
        guard waiting.map({ Grant.Holder($0.question.asker) == holder }) ?? true else {
            throw .invalidParams("requestState is another client's")
        }
        let said = waiting.flatMap { retry.answer(to: ClientForm.form($0.question)) }
        do throws(ApprovalQueue.Refusal) {
            guard let waiting, let said, said != .malformed else {
                // It will be asked again.
                let asked = try queue.answer(number, digest: digest, at: loop.now)
                return Return(settled: asked.question.settled, consent: nil, refusal: nil)
            }
            let question = waiting.question
            let answer = ClientForm.answer(said)
            let settlement = try settle(number, digest: digest, answer, by: question.asker.uid, how: .client)
            return Return(
                settled: question.settled + (answer == .deny ? [] : question.needs),
                consent: settlement.consent, refusal: answer == .deny ? Self.denial(.client) : nil)
        } catch {
            throw .invalidParams("requestState: \(error)")
        }
    }

    // MARK: Answers

    /// By somebody who may answer. It is said what came of it, or why it could not be taken.
    package func answer(
        _ number: UInt64, digest: String, _ answer: Answer, by uid: UInt32
    ) throws(ApprovalQueue.Refusal) -> String {
        if let way = queue.waiting.first(where: { $0.number == number })?.question.way, way != .queue {
            throw ApprovalQueue.Refusal(
                description: "question \(number) is asked via \(way.rawValue), and answered there alone")
        }
        return try settle(number, digest: digest, answer, by: uid, how: .queue).said
    }

    private struct Settlement {
        let said: String
        let consent: AuditCall.Consent
    }

    /// The question does not wait any more, and who waits for it goes on.
    private func settle(
        _ number: UInt64, digest: String, _ answer: Answer, by uid: UInt32, how way: Rule.Way
    ) throws(ApprovalQueue.Refusal) -> Settlement {
        // Looked at first: a grant that cannot be kept is not given, and the question stands.
        var queue = queue
        let question = try queue.answer(number, digest: digest, at: loop.now).question
        var said = "denied"
        if case .allow(let scope) = answer {
            var book = grants
            do throws(GrantBook.Fault) {
                let grant = try book.add(question, scope, by: uid, at: SystemClock.secondsSince1970)
                try store?.write(book)
                said = grant.map { "allowed, as grant \($0.number)" } ?? "allowed once"
            } catch {
                throw ApprovalQueue.Refusal(description: "\(error)")
            }
            grants = book
        }
        self.queue = queue
        let consent = AuditCall.Consent(who: "uid \(uid)", how: way.rawValue)
        record(question, number, answer, consent)
        let outcome: Outcome =
            answer == .deny ? .withheld(consent, Self.denial(way)) : .given(consent)
        waiters.removeValue(forKey: number)?.resume(returning: outcome)
        return Settlement(said: said, consent: consent)
    }

    private static func denial(_ way: Rule.Way) -> String {
        way == .client ? "The application's user denied it." : "A person denied it."
    }

    package func revoke(_ number: UInt64, by uid: UInt32) throws(GrantBook.Fault) -> Grant? {
        var book = grants
        guard let grant = book.revoke(number) else { return nil }
        try store?.write(book)
        grants = book
        return grant
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

    private func withdraw(_ number: UInt64) { end(number, .withheld(nil, "The call was taken back.")) }

    private func end(_ number: UInt64, _ outcome: Outcome) {
        queue.withdraw(number)
        waiters.removeValue(forKey: number)?.resume(returning: outcome)
    }

    private func schedule() {
        guard timer == nil, let deadline = queue.nextDeadline else { return }
        timer = loop.schedule(after: max(.zero, deadline - loop.now)) { [unowned self] in
            timer = nil
            for expired in queue.expire(at: loop.now) {
                record(
                    expired.question, expired.number, .deny, AuditCall.Consent(who: "nobody", how: "timeout"))
                waiters.removeValue(forKey: expired.number)?.resume(
                    returning: .withheld(
                        AuditCall.Consent(who: "nobody", how: "timeout"),
                        "A person had to be asked, and nobody answered in time."))
            }
            schedule()
        }
    }
}
