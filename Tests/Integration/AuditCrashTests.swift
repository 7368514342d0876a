import Audit
import Glibc
import Linux
import TestSupport
import Testing

/// What a killed writer and a full disk leave behind.
@Suite struct AuditCrashTests {
    @Test("A writer killed 200 times, at any moment, loses no record that it had said was written")
    func killed() throws {
        let temporary = try TemporaryDirectory()
        let directory = AuditDirectory(temporary.path + "/audit")
        let said = temporary.path + "/said"
        let output = try File.open(said, [.readWrite, .create, .append], mode: 0o600)
        var random = SeededGenerator(seed: 4711)
        for round in 0..<200 {
            let before = try output.status().size
            let writer = try RunningProgram(
                Executable.auditWriter.path, [directory.path, "endless"], descriptors: [1: output.number])
            // How far it comes by itself depends on the machine: one in two is let say something first.
            if round.isMultiple(of: 2) {
                try Deadline().wait(for: "a record") { try output.status().size > before }
            }
            usleep(UInt32.random(in: 3000...20_000, using: &random))
            writer.kill(SIGKILL)
            #expect(try writer.waitForEnd() == .signalled(SIGKILL), "\(writer.said)")
        }
        let report = try AuditVerification.run(directory)
        #expect(report.fault == nil)
        // A last line that was cut is of the writer that was killed, and of no record that it has said.
        let text = String(decoding: try File.read(said, limit: 1 << 28), as: UTF8.self)
        let places = Set(text.split(separator: "\n").map(String.init))
        #expect(places.count >= 100)
        var hashes = Set<String>()
        for number in try directory.files() {
            var file = try LineFile(directory.file(number), name: "")
            while let line = try file.next() { hashes.insert(ChainLine(line)?.place.description ?? "") }
        }
        #expect(places.subtracting(hashes) == [])
        #expect(hashes.count == Int(report.records))
    }

    @Test("On a full disk nothing is half written, records wait, and go in order when there is room")
    func diskFull() throws {
        try Requirement.root()
        let temporary = try TemporaryDirectory()
        let script = """
            mount -t tmpfs -o size=96k none "$1" && head -c 40000 /dev/zero >"$1/ballast" || exit 9
            "$2" "$1/audit" full "$1/ballast" && cp -r "$1/audit" "$3"
            """
        let outside = try TemporaryDirectory()
        let end = try Launch(
            "/usr/bin/unshare",
            [
                "--mount", "/bin/sh", "-c", script, "sh", temporary.path, Executable.auditWriter.path,
                outside.path + "/audit",
            ]
        ).run()
        #expect(end.status == .exited(0), "\(end.errors)")
        let lines = end.output.split(separator: "\n")
        try #require(lines.count == 5, "\(end.output)")
        #expect(lines[0].contains("No space left on device; in file: false; writable: false; calls: false"))
        #expect(lines[1] == "ends with a whole line: true")
        #expect(lines[2] == "lost: 3")
        #expect(lines[3] == "writable: true")
        let directory = AuditDirectory(outside.path + "/audit")
        #expect(try AuditVerification.run(directory).fault == nil)
        try expectCalls(in: directory, all: Int(lines[4].split(separator: " ")[1]) ?? 0)
    }

    /// Every call once and in order, but the three that were counted as lost.
    private func expectCalls(in directory: AuditDirectory, all: Int) throws {
        var calls: [Int64] = []
        var lost: Int64 = 0
        var file = try LineFile(directory.file(1), name: "")
        while let line = try file.next() {
            let entry = try #require(AuditEntry(line))
            if entry.kindName == "call", let number = entry["bytes"]?.integer { calls.append(number) }
            lost += entry["lost"]?.integer ?? 0
        }
        #expect(lost == 3)
        let expected = Array(1...Int64(all - 4)) + [Int64(all)]
        #expect(calls == expected)
    }
}
