// How a question reaches a person, and what becomes of the answer.
//
//   asked ──a grant holds──▶ given
//     └──▶ waits in the queue ──cloisterctl approve──▶ given (and a grant, if it is for longer)
//                 └──deny, no answer in time, the call is over──▶ withheld
//
// Every answer is on record, with who gave it. An answer is to exactly the arguments that were shown.

import Audit
import EventLoop
import Linux
import Policy

// Unchecked: touched on the loop's thread only.
package final class Consent: @unchecked Sendable {
    package enum Outcome: Sendable {
        case given(AuditCall.Consent)
        case withheld(AuditCall.Consent?, String)
    }

    private let loop: EventLoop
    private let auditor: Auditor
    private let store: GrantStore?
    private let log: Log
    package private(set) var queue: ApprovalQueue
    package private(set) var grants = GrantBook()
    private var waiters: [UInt64: CheckedContinuation<Outcome, Never>] = [:]
    private var timer: TimerID?

    package init(
        on loop: EventLoop, auditor: Auditor, store: GrantStore? = nil,
        limits: ApprovalQueue.Limits = .init(),
        log: Log
    ) throws(GrantBook.Fault) {
        (self.loop, self.auditor, self.store, self.log) = (loop, auditor, store, log)
        queue = ApprovalQueue(limits)
        if let store { grants = try store.read() }
    }

    func get(_ question: Question, by way: Rule.Way) async -> Outcome {
        if let grant = grants.grant(for: question, at: SystemClock.secondsSince1970) {
            return .given(AuditCall.Consent(who: "uid \(grant.giver)", how: "grant"))
        }
        guard way == .queue else {
            return .withheld(
                nil,
                "A rule wants a person to be asked through \(way.rawValue), which this cloisterd cannot do. An administrator can use via: queue."
            )
        }
        let asked: ApprovalQueue.Waiting
        do throws(ApprovalQueue.Refusal) {
            asked = try queue.ask(question, at: loop.now)
        } catch {
            return .withheld(nil, "A person would have to be asked about this, and \(error).")
        }
        log.notice(
            "question \(asked.number): \(question.tool) of uid \(question.asker.uid) waits for cloisterctl approve \(asked.number)"
        )
        schedule()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { waiters[asked.number] = $0 }
        } onCancel: {
            loop.spawn { self.withdraw(asked.number) }
        }
    }

    // MARK: Answers

    /// By somebody who may answer. It is said what came of it, or why it could not be taken.
    package func answer(
        _ number: UInt64, digest: String, _ answer: Answer, by uid: UInt32
    ) throws(ApprovalQueue.Refusal) -> String {
        guard let waiting = queue.waiting.first(where: { $0.number == number }) else {
            _ = try queue.answer(number, digest: digest, at: loop.now)
            return ""
        }
        // A grant that cannot be kept is not given, and the question stands.
        var said = "denied"
        if case .allow(let scope) = answer {
            var book = grants
            do throws(GrantBook.Fault) {
                let grant = try book.add(waiting.question, scope, by: uid, at: SystemClock.secondsSince1970)
                try store?.write(book)
                said = grant.map { "allowed, as grant \($0.number)" } ?? "allowed once"
            } catch {
                throw ApprovalQueue.Refusal(description: "\(error)")
            }
            _ = try queue.answer(number, digest: digest, at: loop.now)
            grants = book
        } else {
            _ = try queue.answer(number, digest: digest, at: loop.now)
        }
        let consent = AuditCall.Consent(who: "uid \(uid)", how: "queue")
        record(waiting.question, number, answer, consent)
        let outcome: Outcome =
            answer == .deny ? .withheld(consent, "A person denied it.") : .given(consent)
        waiters.removeValue(forKey: number)?.resume(returning: outcome)
        return said
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

    private func withdraw(_ number: UInt64) {
        queue.withdraw(number)
        waiters.removeValue(forKey: number)?.resume(returning: .withheld(nil, "The call was taken back."))
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
