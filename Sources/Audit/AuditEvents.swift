// The records beside calls: the daemon itself, its clients' coming and going, answers of people, policy, and what
// administrators do.

package struct AuditStart: Equatable, Sendable {
    package var version: String
    /// Walls that cells may lack, because somebody said so.
    package var mayLack: [String] = []
    /// Bytes of a record that the last daemon was killed in the middle of. Filled in by the log.
    package internal(set) var tornBytes = 0
    /// Records that were signed as written and are not there any more. Filled in by the log.
    package internal(set) var missingRecords: UInt64 = 0
    /// A file whose last record cannot be continued. Filled in by the log.
    package internal(set) var damagedFile: String?

    package init(version: String, mayLack: [String] = []) {
        (self.version, self.mayLack) = (version, mayLack)
    }

    func describe(to fields: inout some RecordFields) {
        fields.text("version", version)
        fields.some("may_lack", mayLack)
        if tornBytes > 0 { fields.number("torn_bytes", tornBytes) }
        if missingRecords > 0 { fields.number("missing_records", missingRecords) }
        fields.optional("damaged_file", damagedFile)
    }
}

package struct AuditStop: Equatable, Sendable {
    package var reason: String

    package init(reason: String) { self.reason = reason }

    func describe(to fields: inout some RecordFields) { fields.text("reason", reason) }
}

package struct AuditSession: Equatable, Sendable {
    package enum Change: String, Sendable { case opened, closed }

    package var change: Change
    package var reason: String?

    package init(_ change: Change, reason: String? = nil) {
        (self.change, self.reason) = (change, reason)
    }

    func describe(to fields: inout some RecordFields) {
        fields.text("change", change.rawValue)
        fields.optional("reason", reason)
    }
}

/// A person's answer, or that there was none in time.
package struct AuditConsent: Equatable, Sendable {
    package var question: String
    package var tool: String
    /// Of the arguments that were shown.
    package var digest: String
    package var verdict: AuditCall.Verdict
    package var who: String
    package var how: String
    /// `once`, `session`, `always`, or until when.
    package var scope: String

    package init(
        question: String, tool: String, digest: String, verdict: AuditCall.Verdict, who: String,
        how: String, scope: String
    ) {
        (self.question, self.tool, self.digest) = (question, tool, digest)
        (self.verdict, self.who, self.how, self.scope) = (verdict, who, how, scope)
    }

    func describe(to fields: inout some RecordFields) {
        fields.text("question", question)
        fields.text("tool", tool)
        fields.text("digest", digest)
        fields.text("verdict", verdict.rawValue)
        fields.group("consent") { fields in
            fields.text("who", who)
            fields.text("how", how)
        }
        fields.text("scope", scope)
    }
}

package struct AuditPolicy: Equatable, Sendable {
    package enum Change: String, Sendable { case loaded, refused }

    package var change: Change
    package var files: [String]
    package var faults: [String]

    package init(_ change: Change, files: [String], faults: [String] = []) {
        (self.change, self.files, self.faults) = (change, files, faults)
    }

    func describe(to fields: inout some RecordFields) {
        fields.text("change", change.rawValue)
        fields.texts("files", files)
        fields.some("faults", faults)
    }
}

/// Something that a person did through cloisterctl or the bus.
package struct AuditAct: Equatable, Sendable {
    package var who: String
    package var act: String
    package var object: String?
    /// Why it was not done.
    package var refusal: String?

    package init(who: String, act: String, object: String? = nil, refusal: String? = nil) {
        (self.who, self.act, self.object, self.refusal) = (who, act, object, refusal)
    }

    func describe(to fields: inout some RecordFields) {
        fields.text("who", who)
        fields.text("act", act)
        fields.optional("object", object)
        guard let refusal else { return }
        fields.text("outcome", "refused")
        fields.text("reason", refusal)
    }
}

/// A signature over the record before it, and with that over all before that one.
package struct AuditCheckpoint: Equatable, Sendable {
    /// Records since the last one.
    let count: UInt64
    /// Records that could not be written meanwhile, where policy lets calls go on without.
    let lost: UInt64
    let signature: [UInt8]

    func describe(to fields: inout some RecordFields) {
        fields.number("count", count)
        if lost > 0 { fields.number("lost", lost) }
        fields.text("signature", Hexadecimal.text(signature))
    }
}
