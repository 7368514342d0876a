import Audit
import Linux
import TestSupport
import Testing

@Suite struct AuditLogTests {
    @Test(
        "A log begins with a start and a checkpoint, ends with a stop and one, and verifies",
        arguments: AuditFile.Sync.allCases)
    func wholeLife(sync: AuditFile.Sync) throws {
        let scene = try AuditScene()
        var settings = AuditLog.Settings()
        settings.file.sync = sync
        try scene.written(3, settings)
        let kinds = try scene.records().map { $0["kind"]?.string ?? "" }
        #expect(kinds == ["start", "checkpoint", "call", "call", "call", "stop", "checkpoint"])
        let report = try scene.verify()
        #expect(report.fault == nil)
        #expect(report.records == 7)
        #expect(report.checkpoints == 2)
        #expect(report.signed == 7)
        #expect(report.first?.sequence == 1)
    }

    @Test("A record is in the file when write returns, and its time is the clock's")
    func writtenAtOnce() throws {
        let scene = try AuditScene()
        let log = try scene.open()
        scene.clock.pass(.milliseconds(1500))
        try log.write(.call(5))
        let last = try #require(try scene.records().last)
        #expect(last["client"]?["user"]?.string == "alice")
        #expect(last["bytes"]?.integer == 5)
        #expect(last["time"]?.string == "2025-11-21T08:00:01.500000Z")
        #expect(log.last.description == "3:\(last["hash"]?.string ?? "")")
        #expect(log.counts.written == 3)
    }

    @Test("A second daemon on the same directory is refused, and told why; when the first is gone it is not")
    func twoDaemons() throws {
        let scene = try AuditScene()
        var first: AuditLog? = try scene.open()
        let fault = #expect(throws: AuditFault.self) { _ = try scene.open() }
        #expect(fault?.description.contains("another cloisterd writes its audit records to") == true)
        try first?.write(.call(1))
        first = nil
        try scene.written(1)
        #expect(try scene.verify().fault == nil)
    }

    @Test("What policy says of the file holds from the next record on, without a new start")
    func adopted() throws {
        let scene = try AuditScene()
        let log = try scene.open()
        for number in 0..<20 { try log.write(.call(number)) }
        #expect(try scene.directory.files() == [1])
        log.adopt(isRequired: true, AuditFile.Settings(rotateBytes: 1000, keep: 3, sync: .always))
        for number in 0..<20 { try log.write(.call(number)) }
        let files = try scene.directory.files()
        #expect(files.count == 3 && files[0] > 1)
        try log.close(AuditStop(reason: "test"))
        #expect(try scene.verify().fault == nil)
    }

    @Test("The chain goes on over starts, with one key")
    func manyStarts() throws {
        let scene = try AuditScene()
        for _ in 0..<5 { try scene.written(2) }
        let report = try scene.verify()
        #expect(report.fault == nil)
        #expect(report.records == 30)
    }

    @Test("Checkpoints come after so many records, and after so much time if there was one")
    func checkpoints() throws {
        let scene = try AuditScene()
        var settings = AuditLog.Settings()
        settings.checkpointRecords = 10
        let log = try scene.open(settings)
        for number in 0..<25 { try log.write(.call(number)) }
        func checkpoints() throws -> [Int64] {
            try scene.records().filter { $0["kind"]?.string == "checkpoint" }
                .compactMap { $0["count"]?.integer }
        }
        #expect(try checkpoints() == [1, 10, 10])
        try log.tick()
        scene.clock.pass(.seconds(59))
        try log.tick()
        #expect(try checkpoints() == [1, 10, 10])
        scene.clock.pass(.seconds(1))
        try log.tick()
        #expect(try checkpoints() == [1, 10, 10, 5])
        scene.clock.pass(.seconds(600))
        try log.tick()
        #expect(try checkpoints() == [1, 10, 10, 5])
        #expect(try scene.verify().fault == nil)
    }

    @Test("A file that somebody takes away is left, so that what comes later is kept, and is missed")
    func takenAway() throws {
        let scene = try AuditScene()
        let log = try scene.open()
        for number in 0..<3 { try log.write(.call(number)) }
        try File.remove(scene.directory.file(1))
        try log.tick()
        try log.write(.call(3))
        try log.close(AuditStop(reason: "test"))
        #expect(try scene.records(2).first?["seq"]?.integer == 6)
        let fault = try scene.verify().fault
        #expect(fault?.kind == .removed)
        #expect(fault?.sequence == 1)
    }

    @Test("The key is for its owner alone")
    func modes() throws {
        let scene = try AuditScene()
        try scene.written(1)
        func mode(_ path: String) throws -> UInt16 { try File.open(path).status().mode }
        #expect(try mode(scene.directory.key) == 0o600)
        #expect(try mode(scene.directory.publicKey) & 0o222 == 0o200)
        #expect(try mode(scene.directory.file(1)) & 0o027 == 0)
        #expect(try mode(scene.directory.path) & 0o027 == 0)
    }

    @Test("A clock that jumps back does not disturb the chain")
    func clockJumps() throws {
        let scene = try AuditScene()
        let log = try scene.open()
        try log.write(.call(1))
        scene.clock.pass(.seconds(-3600))
        try log.write(.call(2))
        try log.close(AuditStop(reason: "test"))
        #expect(try scene.verify().fault == nil)
    }

    @Test("A key that is none stops the start, and says which file", arguments: ["", "key\n"])
    func badKey(text: String) throws {
        let scene = try AuditScene()
        try File.makeDirectory(scene.directory.path, mode: 0o700)
        try File.replace(scene.directory.key, with: Array(text.utf8), mode: 0o600)
        let fault = #expect(throws: AuditFault.self) { _ = try scene.open() }
        #expect(fault?.description.hasPrefix(scene.directory.key) == true)
    }
}
