import JSON

// One thing that happened, as the daemon says it. When it is written, the log gives it a time and the chain its
// place:
//
//   {"seq":7,"time":"2026-11-21T08:00:00.000000Z","kind":"call","client":{…},…,"prev":"…","hash":"…"}
//            └──────────────── members, made here ────────────────────────┘
//
// A record has no field that some records of its kind leave empty: what is not known is left out.

package struct AuditRecord: Equatable, Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        case start, stop, session, call, consent, policy, admin, checkpoint
    }

    package enum Event: Equatable, Sendable {
        case start(AuditStart)
        case stop(AuditStop)
        case session(AuditSession)
        case call(AuditCall)
        case consent(AuditConsent)
        case policy(AuditPolicy)
        case admin(AuditAct)
        case checkpoint(AuditCheckpoint)
    }

    package var client: AuditClient?
    package var event: Event

    package init(_ event: Event, of client: AuditClient? = nil) {
        (self.event, self.client) = (event, client)
    }

    package var kind: Kind {
        switch event {
        case .start: .start
        case .stop: .stop
        case .session: .session
        case .call: .call
        case .consent: .consent
        case .policy: .policy
        case .admin: .admin
        case .checkpoint: .checkpoint
        }
    }

    func describe(to fields: inout some RecordFields) {
        client?.describe(to: &fields)
        switch event {
        case .start(let start): start.describe(to: &fields)
        case .stop(let stop): stop.describe(to: &fields)
        case .session(let session): session.describe(to: &fields)
        case .call(let call): call.describe(to: &fields)
        case .consent(let consent): consent.describe(to: &fields)
        case .policy(let policy): policy.describe(to: &fields)
        case .admin(let act): act.describe(to: &fields)
        case .checkpoint(let checkpoint): checkpoint.describe(to: &fields)
        }
    }

    /// From `"time"` to the last of its own, without the braces.
    package func members(at time: AuditTime) -> [UInt8] {
        var fields = JSONFields(writer: JSONWriter())
        fields.text("time", time.description)
        fields.text("kind", kind.rawValue)
        describe(to: &fields)
        return fields.writer.finish()
    }
}
