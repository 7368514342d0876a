import Audit
import Cells
import CommandLine
import JSON
import Linux
import Policy

/// What administrators ask a daemon for, and tell it to do: through the control socket or the bus. Whether they may is
/// decided there.
// Unchecked: used on the loop's thread only.
struct Administration: @unchecked Sendable {
    typealias Refusal = ControlServer.Refusal

    /// Whose clients, cells, questions and grants are meant.
    enum Sight: Equatable, Sendable {
        case all
        case own(UInt32)

        func shows(_ uid: UInt32) -> Bool { self == .all || self == .own(uid) }
    }

    let consent: Consent
    let auditor: Auditor
    let policy: PolicyStore
    let mayLack: WallSet
    let sessions: () -> [Session]
    let session: (UInt64) -> Session?
    let modules: () -> [ModuleDescription]
    let readAgain: () -> Void
    let now: () -> Duration

    func answer(_ request: JSONValue, by uid: UInt32) throws(Refusal) -> [UInt8] {
        guard let act = request["do"]?.string else { throw Refusal("\"do\" says what is wanted") }
        switch act {
        case "status": return status()
        case "clients": return clients(.all)
        case "cells": return cells(.all)
        case "grants": return grants(.all)
        case "approvals": return approvals(.all)
        case "modules": return moduleList()
        case "answer": return try answer(question: request, by: uid)
        case "revoke": return try revoke(request, by: uid)
        case "reload":
            reload(by: uid)
            return status()
        default: throw Refusal("nobody here knows how to \(act)")
        }
    }

    func clients(_ sight: Sight) -> [UInt8] {
        list("clients", sessions().filter { sight.shows($0.uid) }) { $0.description.write(to: &$1) }
    }

    func cells(_ sight: Sight) -> [UInt8] {
        let cells = sessions().filter { sight.shows($0.uid) }.compactMap(\.cellDescription)
        return list("cells", cells) { $0.write(to: &$1) }
    }

    func grants(_ sight: Sight) -> [UInt8] {
        list("grants", consent.grants.grants.filter { sight.shows($0.holder.uid) }) { grant, json in
            json.object { grant.write(to: &$0) }
        }
    }

    /// Everybody's.
    func moduleList() -> [UInt8] {
        list("modules", modules()) { $0.write(to: &$1) }
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

    func status() -> [UInt8] {
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

    func approvals(_ sight: Sight) -> [UInt8] {
        let waiting = consent.queue.waiting.filter { sight.shows($0.question.asker.uid) }
        return list("approvals", waiting) { waiting, json in
            let question = waiting.question
            json.object { json in
                json.member("number", waiting.number)
                json.member("via", waiting.way.rawValue)
                json.member("uid", question.asker.uid)
                json.member("session", question.session)
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
        let word = request["answer"]?.string ?? ""
        let said = try give(
            try Self.answer(word, seconds: request["seconds"]?.integer ?? 0), to: number, digest: digest,
            by: uid)
        return members { $0.member("said", said) }
    }

    /// An answer as people say one.
    static func answer(_ word: String, seconds: Int64) throws(Refusal) -> Answer {
        switch word {
        case "deny": return .deny
        case "once": return .allow(.once)
        case "session": return .allow(.session)
        case "always": return .allow(.always)
        case "time":
            guard (1...31_536_000).contains(seconds) else {
                throw Refusal("an answer for a time has seconds, at most a year of them")
            }
            return .allow(.time(Int(seconds)))
        default: throw Refusal("an answer is deny, once, session, time or always")
        }
    }

    /// What came of it.
    func give(
        _ answer: Answer, to number: UInt64, digest: String, by uid: UInt32
    ) throws(Refusal) -> String {
        do throws(ApprovalQueue.Refusal) {
            return try consent.answer(number, digest: digest, answer, by: uid)
        } catch {
            throw Refusal(error.description)
        }
    }

    private func revoke(_ request: JSONValue, by uid: UInt32) throws(Refusal) -> [UInt8] {
        guard let number = request["number"]?.integer.flatMap({ UInt64(exactly: $0) }) else {
            throw Refusal("which grant is to be revoked is said by its number")
        }
        try revoke(number, by: uid)
        return []
    }

    func revoke(_ number: UInt64, by uid: UInt32) throws(Refusal) {
        do throws(GrantBook.Fault) {
            guard let grant = try consent.revoke(number, by: uid) else {
                throw GrantBook.Fault(description: "there is no grant \(number)")
            }
            record(
                uid, "revoke",
                "grant \(number) of uid \(grant.holder.uid): \(grant.needs.joined(separator: ", "))")
        } catch {
            throw Refusal(error.description)
        }
    }

    func reload(by uid: UInt32) {
        record(uid, "reload", nil)
        readAgain()
    }

    func record(_ uid: UInt32, _ act: String, _ object: String?, refusal: String? = nil) {
        auditor.note(
            AuditRecord(
                .admin(AuditAct(who: "uid \(uid)", act: act, object: object, refusal: refusal))))
    }
}
