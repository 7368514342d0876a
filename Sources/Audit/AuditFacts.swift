/// What people ask a record first, of a record to be written and of one that was read.
package protocol AuditFacts {
    var kindName: String { get }
    func fact(_ fact: AuditFact) -> String?
}

package enum AuditFact: Sendable {
    case session, uid, user, executable, application
    case tool, object, verdict, outcome, reason, exit
    case change, act, who, version, count, missing
}

extension AuditFacts {
    /// Whom it is about: `alice /usr/bin/claude`
    package var clientText: String {
        let user = fact(.user) ?? fact(.uid).map { "uid \($0)" }
        let program = fact(.application) ?? fact(.executable)
        return [user, program].compactMap { $0 }.joined(separator: " ")
    }

    /// What happened, in a few words.
    package var summary: String {
        switch kindName {
        case "call":
            var words = [fact(.tool) ?? "?"]
            if let object = fact(.object) { words.append(object) }
            words.append(fact(.verdict) == fact(.outcome) ? "" : "\(fact(.verdict) ?? "?"),")
            words.append(fact(.outcome) ?? "?")
            if let exit = fact(.exit), exit != "0" { words.append("(exit \(exit))") }
            let text = words.filter { !$0.isEmpty }.joined(separator: " ")
            return fact(.reason).map { "\(text): \($0)" } ?? text
        case "consent":
            return "\(fact(.who) ?? "?") answered \(fact(.verdict) ?? "?") for \(fact(.tool) ?? "?")"
        case "admin":
            let text = [fact(.who), fact(.act), fact(.object)].compactMap { $0 }.joined(separator: " ")
            return fact(.reason).map { "\(text), refused: \($0)" } ?? text
        case "session", "policy":
            let text = "\(kindName) \(fact(.change) ?? "?")"
            return fact(.reason).map { "\(text): \($0)" } ?? text
        case "start":
            let text = "started, version \(fact(.version) ?? "?")"
            return fact(.missing).map { "\(text); \($0) signed records are missing" } ?? text
        case "stop": return "stopped: \(fact(.reason) ?? "?")"
        case "checkpoint": return "\(fact(.count) ?? "?") records signed"
        default: return kindName
        }
    }

    /// Of syslog.
    package var priority: Int {
        // Somebody cut them off, or the disk lost them.
        if fact(.missing) != nil { return 2 }
        return switch (kindName, fact(.verdict), fact(.outcome), fact(.change)) {
        case ("checkpoint", _, _, _): 7
        case (_, _, "refused", _), (_, _, _, "refused"): 4
        case (_, "deny", _, _), (_, _, "denied", _): 5
        case ("consent", _, _, _), ("admin", _, _, _), ("start", _, _, _), ("stop", _, _, _): 5
        default: 6
        }
    }
}

extension AuditRecord: AuditFacts {
    package var kindName: String { kind.rawValue }

    package func fact(_ fact: AuditFact) -> String? {
        switch fact {
        case .session: client.map { String($0.session) }
        case .uid: client.map { String($0.uid) }
        case .user: client?.user
        case .executable: client?.executable
        case .application: client?.application
        default: event.fact(fact)
        }
    }
}

extension AuditRecord.Event {
    fileprivate func fact(_ fact: AuditFact) -> String? {
        switch self {
        case .start(let start):
            switch fact {
            case .version: start.version
            case .missing where start.missingRecords > 0: String(start.missingRecords)
            default: nil
            }
        case .stop(let stop): fact == .reason ? stop.reason : nil
        case .checkpoint(let checkpoint): fact == .count ? String(checkpoint.count) : nil
        case .session(let session):
            switch fact {
            case .change: session.change.rawValue
            case .reason: session.reason
            default: nil
            }
        case .policy(let policy):
            switch fact {
            case .change: policy.change.rawValue
            case .reason: policy.faults.first
            default: nil
            }
        case .admin(let act):
            switch fact {
            case .who: act.who
            case .act: act.act
            case .object: act.object
            case .outcome: act.refusal.map { _ in "refused" }
            case .reason: act.refusal
            default: nil
            }
        case .consent(let consent):
            switch fact {
            case .tool: consent.tool
            case .verdict: consent.verdict.rawValue
            case .who: consent.who
            default: nil
            }
        case .call(let call): call.fact(fact)
        }
    }
}

extension AuditCall {
    fileprivate func fact(_ fact: AuditFact) -> String? {
        switch fact {
        case .tool: tool
        case .object: needs.last?.object
        case .verdict: verdict.rawValue
        case .outcome: outcome.rawValue
        case .reason: reason
        case .exit: exit.map { String($0) }
        case .who: consent?.who
        default: nil
        }
    }
}
