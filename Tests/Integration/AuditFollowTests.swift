import Audit
import Linux
import TestSupport
import Testing

/// cloisterctl beside a daemon that writes.
@Suite struct AuditFollowTests {
    @Test("audit --follow shows the last records, and each new one soon after it is written")
    func follow() throws {
        let root = try TemporaryDirectory()
        var settings = AuditLog.Settings()
        settings.file = AuditFile.Settings(rotateBytes: 2048, keep: 100)
        let log = try AuditLog(
            in: AuditDirectory(root.path + "/audit"), settings, start: AuditStart(version: "1.0.0"))
        func act(_ number: Int) throws {
            try log.write(AuditRecord(.admin(AuditAct(who: "root", act: "act \(number)"))))
        }
        for number in 1...3 { try act(number) }
        let pipe = try Linux.Pipe()
        let shown = ByteReader(try pipe.reading.duplicate())
        let program = try Launch(
            Executable.cloisterctl.path,
            ["--root", root.path, "audit", "--follow", "-n", "2", "--kind", "admin", "--output", "json"]
        ).start(descriptors: [1: pipe.writing.number])
        func next() throws -> String? {
            let line = try #require(try shown.readLine())
            return AuditEntry(line[...])?["act"]?.string
        }
        #expect(try next() == "act 2")
        #expect(try next() == "act 3")
        // Over several files.
        for number in 4...20 {
            try act(number)
            if number % 5 == 0 { letTimePass(.milliseconds(50)) }
        }
        for number in 4...20 { #expect(try next() == "act \(number)") }
        #expect(program.isRunning)
    }
}
