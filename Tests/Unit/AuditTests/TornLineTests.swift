import Audit
import Linux
import TestSupport
import Testing

/// A daemon that is killed in the middle of a write leaves a part of a line.
@Suite struct TornLineTests {
    @Test("A last record that was cut at any byte is removed, said so, and the chain goes on without it")
    func everyByte() throws {
        let scene = try AuditScene()
        try scene.written(2)
        let whole = try scene.bytes()
        let log = try scene.open()
        // A short one: every byte of it costs a start.
        try log.write(AuditRecord(.stop(AuditStop(reason: "test"))))
        let grown = try scene.bytes()
        let lines = grown[whole.count...].split(separator: 0x0A)
        #expect(lines.count == 3)
        let lastStart = grown.count - lines[2].count - 1
        let head = try File.read(scene.directory.head)
        for end in lastStart..<grown.count {
            let other = try AuditScene()
            try File.makeDirectory(other.directory.path, mode: 0o700)
            for path in ["key", "key.pub"] {
                let content = try File.read(scene.directory.path + "/" + path)
                try File.replace(other.directory.path + "/" + path, with: content, mode: 0o600)
            }
            try File.replace(other.directory.head, with: head, mode: 0o600)
            try other.replace(with: Array(grown[..<end]))
            #expect(try other.verify().tornBytes == end - lastStart)
            try other.written(1)
            let report = try other.verify()
            #expect(
                report.fault == nil, "cut at byte \(end - lastStart): \(String(describing: report.fault))")
            let start = try #require(try other.records().last { $0["kind"]?.string == "start" })
            #expect(start["torn_bytes"]?.integer ?? 0 == Int64(end - lastStart))
            #expect(start["missing_records"] == nil)
        }
    }

    @Test("A file that has nothing but a part of its first line begins again in it")
    func firstLine() throws {
        let scene = try AuditScene()
        try File.makeDirectory(scene.directory.path, mode: 0o700)
        try scene.replace(with: Array(#"{"seq":1,"ti"#.utf8))
        try scene.written(1)
        #expect(try scene.verify().fault == nil)
        #expect(try scene.records().first?["torn_bytes"]?.integer == 12)
    }

    @Test("A last line that is no record stays where it is, and the records go on behind it")
    func damagedLine() throws {
        let scene = try AuditScene()
        try scene.written(2)
        var lines = try scene.lines()
        lines[lines.count - 1][30] ^= 1
        try scene.replace(lines: lines)
        try scene.written(2)
        let start = try #require(try scene.records().last { $0["kind"]?.string == "start" })
        #expect(start["damaged_file"]?.string == scene.directory.file(1))
        #expect(start["seq"]?.integer == Int64(lines.count + 1))
        #expect(try scene.verify().fault?.sequence == UInt64(lines.count))
    }
}
