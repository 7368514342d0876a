import Audit
import Cells
import CommandLine
import JSON
import Linux
import Policy

/// What administrators ask a daemon for, and tell it to do.
struct Administration {
    typealias Refusal = ControlServer.Refusal

    let consent: Consent
    let auditor: Auditor
    let policy: PolicyStore
    let mayLack: WallSet
    let sessions: () -> [Session]
    let reload: () -> Void
    let now: () -> Duration

    func answer(_ request: JSONValue, by uid: UInt32) throws(Refusal) -> [UInt8] {
        guard let act = request["do"]?.string else { throw Refusal("\"do\" says what is wanted") }
        switch act {
        case "status": return status()
        case "clients": return list("clients", sessions()) { $0.describe(to: &$1) }
        case "cells": return list("cells", sessions()) { $0.describeCell(to: &$1) }
        case "grants":
            return list("grants", consent.grants.grants) { grant, json in
                json.object { grant.write(to: &$0) }
            }
        case "approvals": return approvals()
        case "answer": return try answer(question: request, by: uid)
        case "revoke": return try revoke(request, by: uid)
        case "reload":
            record(uid, "reload", nil)
            reload()
            return status()
        default: throw Refusal("nobody here knows how to \(act)")
        }
    }

    private func list<Element>(
        _ name: StaticString, _ elements: [Element], _ write: (Element, inout JSONWriter) -> Void
    ) -> [UInt8] {
        members { json in
            json.array(name) { list in for element in elements { write(element, &list) } }
        }
    }

    /// The inside of an object.
    private func members(_ write: (inout JSONWriter) -> Void) -> [UInt8] {
        Array(JSONWriter.bytes { $0.object(write) }.dropFirst().dropLast())
    }

    private func status() -> [UInt8] {
        let sessions = sessions()
        return members { json in
            json.member("version", Release.version)
            json.member("pid", Process.id)
            json.member("clients", sessions.count)
            json.member("cells", sessions.count { $0.hasCell })
            json.member("approvals", consent.queue.waiting.count)
            json.member("grants", consent.grants.grants.count)
            json.array("may_lack") { list in for wall in mayLack.walls { list.string(wall.rawValue) } }
            json.object("policy") { json in
                json.member("generation", policy.generation)
                json.array("files") { list in for file in policy.files { list.string(file) } }
                json.array("faults") { list in for fault in policy.faults { list.string("\(fault)") } }
            }
            json.object("audit") { json in
                json.member("is_on", auditor.isOn)
                json.member("is_writable", auditor.isWritable)
                if let counts = auditor.counts {
                    json.member("written", counts.written)
                    json.member("failures", counts.failures)
                    json.member("lost", counts.lost)
                }
            }
        }
    }

    private func approvals() -> [UInt8] {
        list("approvals", consent.queue.waiting) { waiting, json in
            let question = waiting.question
            json.object { json in
                json.member("number", waiting.number)
                json.member("via", waiting.way.rawValue)
                json.member("uid", question.asker.uid)
                json.member("session", question.asker.session)
                json.optionalMember("executable", question.asker.executable)
                json.optionalMember("application", question.asker.application)
                json.optionalMember("claim", question.claim)
                json.member("tool", question.tool)
                json.key("arguments")
                json.written(question.arguments)
                json.array("needs") { list in for need in question.needs { list.string("\(need)") } }
                json.member("rule", question.rule)
                json.optionalMember("reason", question.reason)
                json.member("digest", question.digest)
                json.member("seconds_left", max(0, Int((waiting.deadline - now()) / .seconds(1))))
            }
        }
    }

    private func answer(question request: JSONValue, by uid: UInt32) throws(Refusal) -> [UInt8] {
        guard let number = request["number"]?.integer.flatMap({ UInt64(exactly: $0) }),
            let digest = request["digest"]?.string
        else { throw Refusal("an answer has a number and a digest") }
        let answer: Answer
        switch request["answer"]?.string {
        case "deny": answer = .deny
        case "once": answer = .allow(.once)
        case "session": answer = .allow(.session)
        case "always": answer = .allow(.always)
        case "time":
            guard let seconds = request["seconds"]?.integer, (1...31_536_000).contains(seconds) else {
                throw Refusal("an answer for a time has seconds, at most a year of them")
            }
            answer = .allow(.time(Int(seconds)))
        default: throw Refusal("an answer is deny, once, session, time or always")
        }
        do throws(ApprovalQueue.Refusal) {
            let said = try consent.answer(number, digest: digest, answer, by: uid)
            return members { $0.member("said", said) }
        } catch {
            throw Refusal(error.description)
        }
    }

    private func revoke(_ request: JSONValue, by uid: UInt32) throws(Refusal) -> [UInt8] {
        guard let number = request["number"]?.integer.flatMap({ UInt64(exactly: $0) }) else {
            throw Refusal("which grant is to be revoked is said by its number")
        }
        do throws(GrantBook.Fault) {
            guard let grant = try consent.revoke(number, by: uid) else {
                throw GrantBook.Fault(description: "there is no grant \(number)")
            }
            record(
                uid, "revoke",
                "grant \(number) of uid \(grant.holder.uid): \(grant.needs.joined(separator: ", "))")
            return []
        } catch {
            throw Refusal(error.description)
        }
    }

    private func record(_ uid: UInt32, _ act: String, _ object: String?) {
        auditor.note(AuditRecord(.admin(AuditAct(who: "uid \(uid)", act: act, object: object))))
    }
}
