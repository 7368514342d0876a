import Audit
import Linux

enum AuditForm: String, CaseIterable { case short, json, rfc5424 }

/// Writes records down for people and for programs.
struct AuditPrinter {
    private let form: AuditForm
    private let output: Output
    private let syslog: SyslogForm
    private var table = Table(["TIME", "KIND", "CLIENT", "WHAT"])
    private var hasHead = false

    init(_ form: AuditForm, _ output: Output) {
        (self.form, self.output) = (form, output)
        syslog = SyslogForm(host: Process.hostName)
    }

    /// As many as there are now, in pieces: a table's columns are as wide as a piece of it needs.
    mutating func print(
        from reader: inout AuditReader, _ filter: AuditFilter
    ) throws(CtlFault) {
        var piece: [AuditEntry] = []
        while true {
            let next: AuditEntry?
            do throws(SystemError) {
                next = try reader.next()
            } catch {
                throw .failed("\(error)")
            }
            if let next, filter.fits(next) { piece.append(next) }
            if next == nil || piece.count >= 1000 {
                try print(piece)
                piece = []
            }
            if next == nil { return }
        }
    }

    mutating func print(_ entries: [AuditEntry]) throws(CtlFault) {
        guard !entries.isEmpty else { return }
        switch form {
        case .json: for entry in entries { try output.writeJSON(entry.line) }
        case .rfc5424:
            try output.write(entries.map { syslog.line(of: $0) + "\n" }.joined())
        case .short:
            for entry in entries {
                table.add([Self.shortTime(entry.time), entry.kindName, entry.clientText, entry.summary])
            }
            try output.write(table.text(columns: output.columns, hasHead: !hasHead))
            table = table.continued
            hasHead = true
        }
    }

    /// To the second.
    private static func shortTime(_ time: AuditTime) -> String { time.description.prefix(19) + "Z" }
}
