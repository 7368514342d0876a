import Audit
import Foundation
import JSON
import Linux
import TestSupport
import Testing

/// The real systemd-journald, started as a plain process with directories of its own.
@Suite struct JournalTests {
    private static let program = "/lib/systemd/systemd-journald"

    @Test("journald takes records of all sizes, and journalctl finds them by every field")
    func realJournal() throws {
        try Requirement.root()
        let isThere = File.kind(of: Self.program) != nil && File.kind(of: "/usr/bin/journalctl") != nil
        try Requirement.need(isThere, "systemd-journald and journalctl are not installed")
        let temporary = try TemporaryDirectory()
        let journals = temporary.path + "/journal"
        // Its paths are fixed: it sees directories of ours in their places. The machine's own journal lies in
        // /var/log, and is not to be touched.
        let script = """
            mkdir "$1" && mount -t tmpfs none /run && mkdir -p /run/log/journal /run/systemd && \
            mount --bind "$1" /run/log/journal && \
            printf '[Journal]\\nStorage=volatile\\n' >"$1.conf" && \
            mkdir /run/systemd/journald@cloister.conf.d && \
            cp "$1.conf" /run/systemd/journald@cloister.conf.d/ && exec "$2" cloister
            """
        let journald = try Launch(
            "/usr/bin/unshare",
            ["--mount", "/bin/sh", "-c", script, "sh", journals, Self.program]
        ).start()
        let socket = "/proc/\(journald.pid)/root/run/systemd/journal.cloister/socket"
        try Deadline().wait(for: "journald's socket") {
            guard journald.isRunning else { throw TestFault("journald ended: \(journald.said)") }
            return File.kind(of: socket) != nil
        }
        var settings = AuditLog.Settings()
        settings.journal = socket
        let log = try AuditLog(
            in: AuditDirectory(temporary.path + "/audit"), settings, start: AuditStart(version: "9.8.7"))
        let long = String(repeating: "two\nlines ", count: 30_000)
        for object in ["q1", "a\nb", long] {
            try log.write(AuditRecord(.admin(AuditAct(who: "root", act: "approve", object: object))))
        }
        var acts: [JSONValue] = []
        try Deadline().wait(for: "journald to have written all of them") {
            acts = try entries(journals, ["CLOISTER_KIND=admin"])
            return acts.count == 3
        }
        #expect(acts.first?["MESSAGE"]?.string == "root approve q1")
        #expect(acts.first?["CLOISTER_OBJECT"]?.string == "q1")
        #expect(acts.first?["CLOISTER_SEQ"]?.string == "3")
        #expect(acts.dropFirst().first?["CLOISTER_OBJECT"]?.string == "a\nb")
        #expect(acts.last?["CLOISTER_OBJECT"]?.string == long)
        #expect(try entries(journals, ["MESSAGE_ID=\(MessageID.of(.start))"]).count == 1)
        #expect(try entries(journals, ["CLOISTER_HASH=\(log.last.hash)"]).count == 1)
    }

    @Test("journalctl reads the message catalogue")
    func catalogue() throws {
        try Requirement.need(
            File.kind(of: "/usr/bin/journalctl") != nil, "journalctl is not installed")
        let temporary = try TemporaryDirectory()
        let source = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "packaging/cloister.catalog").path
        let place = temporary.path + "/usr/lib/systemd/catalog"
        let script = """
            mkdir -p "$1/usr/lib/systemd/catalog" "$1/var/lib/systemd/catalog" && cp "$2" "$3/" && \
            journalctl --root="$1" --update-catalog && journalctl --root="$1" --dump-catalog
            """
        let end = try Launch("/bin/sh", ["-c", script, "sh", temporary.path, source, place]).run()
        #expect(end.status == .exited(0), "\(end.errors)")
        for kind in AuditRecord.Kind.allCases { #expect(end.output.contains("-- \(MessageID.of(kind))")) }
    }

    private func entries(_ directory: String, _ matches: [String]) throws -> [JSONValue] {
        // Below the machine's id.
        let machine = try #require(try FileManager.default.contentsOfDirectory(atPath: directory).first)
        let output = try Launch(
            "/usr/bin/journalctl",
            ["--directory=\(directory)/\(machine)", "--output=json", "--all", "--no-pager", "--quiet"]
                + matches
        ).run()
        guard output.status == .exited(0) else { throw TestFault("journalctl: \(output.errors)") }
        return try output.output.split(separator: "\n").map { try JSONDocument(Array($0.utf8)).root }
    }
}
