import Audit
import Linux
import TestSupport
import Testing

@Suite struct AuditReaderTests {
    private func settings() -> AuditLog.Settings {
        var settings = AuditLog.Settings()
        settings.file = AuditFile.Settings(rotateBytes: 4096, keep: 1000)
        return settings
    }

    @Test("Records come in order over all files, and more when there are more")
    func following() throws {
        let scene = try AuditScene()
        let log = try scene.open(settings())
        var reader = AuditReader(scene.directory)
        var seen: [UInt64] = []
        for round in 0..<20 {
            for number in 0..<round { try log.write(.call(number)) }
            while let entry = try reader.next() { seen.append(entry.sequence) }
            #expect(seen == Array(1...log.last.sequence))
        }
        #expect(try scene.directory.files().count > 10)
        #expect(reader.damaged == 0)
    }

    @Test("A line that is being written is handed out when it is whole, and a bad one is counted")
    func halfLines() throws {
        let scene = try AuditScene()
        try scene.written(1)
        let lines = try scene.lines()
        try scene.replace(with: lines[0] + [0x0A] + Array("garbage\n".utf8) + lines[1].dropLast(5))
        var reader = AuditReader(scene.directory)
        #expect(try reader.next()?.sequence == 1)
        #expect(try reader.next() == nil)
        #expect(reader.damaged == 1)
        try scene.replace(with: lines[0] + [0x0A] + Array("garbage\n".utf8) + lines[1] + [0x0A])
        #expect(try reader.next()?.sequence == 2)
    }

    @Test("The last ones that fit, oldest first", arguments: [0, 1, 5, 1000])
    func last(count: Int) throws {
        let scene = try AuditScene()
        try scene.written(20, settings())
        var reader = AuditReader(scene.directory)
        let found = try reader.last(count) { $0.kindName == "call" }
        let expected = Array(0..<Int64(20)).suffix(count)
        #expect(found.compactMap { $0["bytes"]?.integer } == Array(expected))
    }

    static let filters: [(String, @Sendable (inout AuditFilter) -> Void, Bool)] = [
        ("nothing", { _ in }, true),
        ("its user", { $0.user = "alice" }, true),
        ("its uid", { $0.user = "1000" }, true),
        ("another user", { $0.user = "bob" }, false),
        ("its executable", { $0.executable = "/usr/bin/claude" }, true),
        ("its executable's name", { $0.executable = "claude" }, true),
        ("a part of its name", { $0.executable = "aude" }, false),
        ("any of the client's names", { $0.client = "claude" }, true),
        ("the client's session", { $0.client = "7" }, true),
        ("its session", { $0.session = "7" }, true),
        ("another session", { $0.session = "1000" }, false),
        ("its tool", { $0.tool = "read_file" }, true),
        ("another tool", { $0.tool = "write_file" }, false),
        ("its verdict", { $0.verdict = "allow" }, true),
        ("another verdict", { $0.verdict = "deny" }, false),
        ("its outcome", { $0.outcome = "succeeded" }, true),
        ("its kind", { $0.kind = "call" }, true),
        ("another kind", { $0.kind = "start" }, false),
        ("since then", { $0.since = AuditTime("2025-11-21T08:00:00Z") }, true),
        ("since later", { $0.since = AuditTime("2025-11-21T08:00:00.000001Z") }, false),
        ("until then", { $0.until = AuditTime("2025-11-21T08:00:00Z") }, true),
        ("until before", { $0.until = AuditTime("2025-11-21T07:59:59Z") }, false),
        (
            "two that hold, and one that does not",
            {
                $0.user = "alice"
                $0.tool = "read_file"
                $0.verdict = "deny"
            }, false
        ),
    ]

    @Test("A filter lets through what fits all of it", arguments: filters.indices)
    func filter(place: Int) throws {
        let (name, set, fits) = Self.filters[place]
        var filter = AuditFilter()
        set(&filter)
        var chain = HashChain()
        var line: [UInt8] = []
        chain.append(
            AuditRecord.call(1).members(at: AuditTime(microseconds: 1_763_712_000_000_000)), to: &line)
        let entry = try #require(AuditEntry(line.dropLast()[...]))
        #expect(filter.fits(entry) == fits, "\(name)")
    }
}
