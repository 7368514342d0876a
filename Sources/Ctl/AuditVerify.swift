import Audit
import JSON
import Linux

/// `cloisterctl audit verify`: whether all of it is as it was written.
enum AuditVerify {
    static let command = Command(
        "audit verify", "Verify that no record was changed, removed, moved or inserted",
        details: """
            Names the first record that is not as it was written, and ends with status 1 then. Who can write the
            audit directory can also replace its key: a key and a checkpoint (SEQ:HASH, as this command prints
            it) that were kept elsewhere are what holds against that.
            """,
        options: [
            .init("--public-key", value: "FILE", "verify signatures with this key, and not with key.pub"),
            .init("--since", value: "SEQ:HASH", "from this record on, which must be there"),
        ],
        run: run)

    private static func run(_ invocation: Invocation) throws(CtlFault) {
        var demands = AuditVerification.Demands()
        if let text = invocation.value("--since") {
            guard let place = ChainPlace(text) else {
                throw .usage("--since takes SEQ:HASH as audit verify prints it, not \"\(text)\"")
            }
            demands.since = place
        }
        demands.key = try invocation.value("--public-key").map(key)
        let directory = invocation.places.audit
        let report: ChainReport
        do throws(AuditFault) {
            report = try AuditVerification.run(directory, demands)
        } catch {
            throw .failed("\(error)")
        }
        if invocation.isJSON {
            try invocation.output.writeJSON(json(report))
        } else {
            try invocation.output.write(text(report, directory))
        }
        if report.fault != nil { throw .answered }
    }

    private static func key(_ path: String) throws(CtlFault) -> PublicKey {
        let text = try AuditShow.reading { () throws(SystemError) in
            try File.readText(path, limit: 4096)
        }
        guard let key = PublicKey(pem: text) else {
            throw .failed("\(path) is no public Ed25519 key in PEM form")
        }
        return key
    }

    private static func text(_ report: ChainReport, _ directory: AuditDirectory) -> String {
        let torn = report.tornBytes
        let unfinished =
            torn > 0
            ? "The last line is not finished (\(torn) bytes): it is being written, or was never.\n" : ""
        if let fault = report.fault {
            return """
                Record \(fault.sequence) was \(fault.kind.rawValue): \(fault.why).
                \(directory.path)/\(fault.file), line \(fault.line)
                \(report.records) records before it are as they were written.
                \(unfinished)
                """
        }
        let first = report.first?.sequence ?? 0
        return """
            \(report.records) records, \(first) to \(report.last.sequence), are as they were written.
            Signatures cover them up to record \(report.signed).
            Keep this elsewhere, for --since: \(report.last)
            \(unfinished)
            """
    }

    private static func json(_ report: ChainReport) -> [UInt8] {
        JSONWriter.bytes { writer in
            writer.object { writer in
                writer.member("ok", report.fault == nil)
                writer.member("records", report.records)
                if let first = report.first { write(first, "first", to: &writer) }
                write(report.last, "last", to: &writer)
                writer.member("signed", report.signed)
                writer.member("checkpoints", report.checkpoints)
                writer.member("torn_bytes", report.tornBytes)
                guard let fault = report.fault else { return }
                writer.object("fault") { writer in
                    writer.member("kind", fault.kind.rawValue)
                    writer.member("seq", fault.sequence)
                    writer.member("file", fault.file)
                    writer.member("line", fault.line)
                    writer.member("why", fault.why)
                }
            }
        }
    }

    private static func write(_ place: ChainPlace, _ name: StaticString, to writer: inout JSONWriter) {
        writer.object(name) { writer in
            writer.member("seq", place.sequence)
            writer.member("hash", place.hash.description)
        }
    }
}
