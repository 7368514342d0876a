// Consent by polkit: its rules, and the person whom the agent in the client's session asks.
//
//   ask ─▶ which polkit is it ─▶ one CheckAuthorization an action, all of which have to say yes ─▶ given, denied or
//                                        │                                                        unanswered
//                                        └── cancelled ─▶ CancelCheckAuthorization
//
// The answer is for this call alone. What polkit remembers by its own `*_keep` is between polkit and the administrator.
// Whoever takes the time asks no longer than they want: cancelling the task takes the question back, and the agent
// closes its dialog.

import Bus
import Linux
import Policy

package final class Polkit: Sendable {
    enum Answer: Equatable, Sendable {
        case given
        /// Somebody, or a rule of polkit's, said no.
        case denied(String)
        /// Nobody could be asked, or nobody could answer.
        case unanswered(String)
    }

    let authority: PolkitAuthority

    package init(_ bus: BusConnection) { authority = PolkitAuthority(bus) }

    func ask(_ question: Question, of client: Client) async -> Answer {
        guard client.credentials.uid != 0 else {
            return .unanswered(
                "A person has to be asked through polkit, which asks nobody about a client of root. An administrator can use via: queue."
            )
        }
        do throws(BusError) {
            let version = try await authority.version()
            var asked: Set<String> = []
            for action in question.needs.map(\.permission.polkitAction) where asked.insert(action).inserted {
                let needs = question.needs.filter { $0.permission.polkitAction == action }
                guard let details = PolkitDetails(question, about: needs) else {
                    return .unanswered(
                        "What a person would have to be asked about is too long to be shown whole. Ask for less at once."
                    )
                }
                let subject: PolkitSubject
                do throws(PolkitSubject.Obstacle) {
                    subject = try PolkitSubject(client, version: version)
                } catch {
                    return .unanswered(Self.sentence(error))
                }
                let answer = Self.answer(
                    try await authority.check(action, subject, details.entries), action)
                guard answer == .given else { return answer }
            }
            return .given
        } catch {
            return .unanswered(Self.sentence(error))
        }
    }

    private static func answer(_ decision: PolkitAuthority.Decision, _ action: String) -> Answer {
        if decision.isAuthorized { return .given }
        if decision.needsAgent {
            return .unanswered(
                "A person has to be asked through polkit, and no agent of polkit's runs in this client's session. Log in to a desktop, or start one: pkttyagent --process PID."
            )
        }
        if decision.isDismissed {
            return .denied(
                "Whoever polkit asked has dismissed the question. Call again when somebody wants to answer."
            )
        }
        return .denied(
            "polkit does not authorize \(action): a rule of its says no, or whoever was asked did not authenticate. An administrator can change polkit's rules."
        )
    }

    // MARK: Why nobody answered

    private static func sentence(_ obstacle: PolkitSubject.Obstacle) -> String {
        switch obstacle {
        case .ended:
            "The process that connected has ended, and polkit cannot be asked about another one. Connect again."
        case .hidden:
            "A person has to be asked through polkit, which before version 124 wants to know when a process began, and /proc hides that from cloisterd. An administrator can lift that (hidepid=, ProtectProc=), or use via: queue."
        }
    }

    private static func sentence(_ error: BusError) -> String {
        let asked = "A person has to be asked through polkit,"
        switch error {
        case .unreachable(let reason):
            return
                "\(asked) and the system bus cannot be reached (\(reason)). An administrator can start it, or use via: queue."
        case .lost:
            return "\(asked) and the system bus went away meanwhile. Call again when it is back."
        case .cancelled: return "The call was taken back."
        case .timedOut: return "\(asked) and polkit does not answer. An administrator can restart polkit."
        case .malformed(let what):
            return "\(asked) and cannot be (\(what)). An administrator can use via: queue."
        case .refused(let name, let message):
            switch name {
            case "org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.Disconnected":
                return "\(asked) and polkit went away meanwhile. Call again when it is back."
            case "org.freedesktop.PolicyKit1.Error.NotAuthorized":
                return
                    "\(asked) and polkit does not take questions from this cloisterd (\(message)). An administrator has to make its user the owner in org.cloister.Cloister1.policy."
            case _ where name.hasPrefix("org.freedesktop.PolicyKit1.Error."):
                return
                    "\(asked) and polkit refuses the question (\(message)). An administrator has to see that org.cloister.Cloister1.policy is installed in /usr/share/polkit-1/actions."
            default:
                return
                    "\(asked) and there is no polkit (\(message)). An administrator can install polkitd, or use via: queue."
            }
        }
    }
}

extension PolkitSubject {
    init(_ client: Client, version: String) throws(Obstacle) {
        if let name = client.busName {
            self = .busName(name)
            return
        }
        guard client.credentials.pidfd != nil, let pidfd = try? client.credentials.pidfd!.duplicate() else {
            throw .ended
        }
        let (pid, uid) = (client.credentials.pid, client.credentials.uid)
        try self.init(process: pidfd, pid: pid, uid: uid, version: version) {
            ProcessFacts.startTime(of: client.credentials.pidfd!, pid)
        }
    }
}
