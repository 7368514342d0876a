// Questions to the application's own user.
//
// A legacy client is asked by a request of ours, while its call waits. A modern one is told what to ask, its call ends,
// and is made again with the answer: meanwhile the question waits in the queue like every other, and its number travels
// under a seal. It is answered once, for the same client and the same arguments.

import Audit
import Linux
import MCP
import Policy

extension Consent {
    func ask(_ channel: any CallChannel, _ asked: ApprovalQueue.Waiting) {
        let isAsked = channel.ask(ClientForm.form(asked.question)) { [unowned self] said in
            guard queue.waiting.contains(asked) else { return }
            do throws(ApprovalQueue.Refusal) {
                try settle(asked, ClientForm.answer(said), by: asked.question.asker.uid)
            } catch {
                // Such as a grant too many: not what was answered, and not silence either.
                end(asked.number, .withheld(nil, error.description))
            }
        }
        if !isAsked { end(asked.number, .unaskable("Another question of this call waits for an answer.")) }
    }

    func open(_ asked: ApprovalQueue.Waiting) -> Outcome {
        do throws(SystemError) {
            return .open(ClientForm.form(asked.question), state: try seal.closed(asked.number))
        } catch {
            end(asked.number, .withheld(nil, ""))
            return .withheld(nil, "The application's user cannot be asked: \(error)")
        }
    }

    /// A call that is made again, with what its client's user said.
    struct Return {
        /// What of the call is allowed by now.
        let settled: Set<Need>
        let consent: AuditCall.Consent?
        /// Why it is not, if a person said so.
        let refusal: String?
    }

    func readmit(
        _ retry: RetryInput, digest: String, of holder: Asker
    ) throws(ProtocolError) -> Return {
        guard let number = seal.opened(retry.state) else {
            throw .invalidParams("requestState is not one of this cloisterd's")
        }
        do throws(ApprovalQueue.Refusal) {
            let asked = try queue.standing(number, digest: digest, by: .client, at: loop.now)
            let question = asked.question
            guard question.asker == holder else {
                throw ApprovalQueue.Refusal(description: "it is another client's")
            }
            guard let said = retry.answer(to: ClientForm.form(question)), said != .malformed else {
                // It will be asked again.
                end(number, .withheld(nil, ""))
                return Return(settled: question.settled, consent: nil, refusal: nil)
            }
            let answer = ClientForm.answer(said)
            let consent = try settle(asked, answer, by: question.asker.uid).consent
            return answer == .deny
                ? Return(settled: question.settled, consent: consent, refusal: Self.denial(.client))
                : Return(settled: question.settled.union(question.needs), consent: consent, refusal: nil)
        } catch {
            throw .invalidParams("requestState: \(error)")
        }
    }
}
