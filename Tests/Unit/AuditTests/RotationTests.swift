import Audit
import Linux
import TestSupport
import Testing

@Suite struct RotationTests {
    private func settings(_ bytes: UInt64 = 4096, keep: Int) -> AuditLog.Settings {
        var settings = AuditLog.Settings()
        settings.file = AuditFile.Settings(rotateBytes: bytes, keep: keep)
        settings.checkpointRecords = 7
        return settings
    }

    @Test("The chain goes on over files, none of which is larger than it may be")
    func rotation() throws {
        let scene = try AuditScene()
        try scene.written(100, settings(keep: 1000))
        let files = try scene.directory.files()
        #expect(files.count > 10)
        #expect(files == Array(1...UInt32(files.count)))
        for file in files { #expect(try scene.bytes(file).count <= 4096) }
        let report = try scene.verify()
        #expect(report.fault == nil)
        #expect(report.records > 110)
    }

    @Test("So many files are kept, and a signed statement says where the chain begins", arguments: [1, 2, 5])
    func keeping(keep: Int) throws {
        let scene = try AuditScene()
        try scene.written(100, settings(keep: keep))
        let files = try scene.directory.files()
        #expect(files.count == keep)
        let beginning = try #require(try scene.directory.statement(.beginning))
        #expect(beginning.file == files.first)
        let report = try scene.verify()
        #expect(report.fault == nil)
        #expect(report.first?.sequence == beginning.place.sequence + 1)
        // Once more, with what another daemon finds.
        try scene.written(50, settings(keep: keep))
        #expect(try scene.verify().fault == nil)
    }

    @Test("A file that was removed by somebody else is missed, the first and any other")
    func stolenFile() throws {
        for place in [0, 1, 3] {
            let scene = try AuditScene()
            try scene.written(100, settings(keep: 5))
            let file = try scene.directory.files()[place]
            let first = try #require(try scene.records(file).first?["seq"]?.integer)
            try File.remove(scene.directory.file(file))
            let fault = try scene.verify().fault
            #expect(fault?.kind == .removed)
            #expect(fault?.sequence == UInt64(first))
        }
    }

    @Test("Without the statement, or with one that somebody else signed, files are missing")
    func noStatement() throws {
        let scene = try AuditScene()
        try scene.written(100, settings(keep: 3))
        let other = try AuditScene()
        try other.written(100, settings(keep: 3))
        try File.replace(
            scene.directory.beginning, with: try File.read(other.directory.beginning), mode: 0o644)
        #expect(try scene.verify().fault?.kind == .forged)
        try File.remove(scene.directory.beginning)
        #expect(try scene.verify().fault?.kind == .removed)
        #expect(try scene.verify().fault?.sequence == 1)
    }

    @Test("A checkpoint that was rotated away cannot be verified any more, and one just before the first can")
    func rotatedAway() throws {
        let scene = try AuditScene()
        try scene.written(20, settings(keep: 100))
        let old = try #require(ChainLine(try scene.lines()[2][...])).place
        try scene.written(100, settings(keep: 3))
        let beginning = try #require(try scene.directory.statement(.beginning)).place
        #expect(try scene.verify(.init(since: old)).fault?.sequence == old.sequence)
        #expect(try scene.verify(.init(since: beginning)).fault == nil)
    }

    /// Killed between the making of a file and the first record in it, or in the middle of that.
    @Test("An empty newest file, or one with a torn line alone, is gone on with", arguments: ["", "{\"seq"])
    func emptyFile(content: String) throws {
        let scene = try AuditScene()
        try scene.written(5)
        try scene.replace(2, with: Array(content.utf8))
        try scene.written(5)
        #expect(try scene.verify().fault == nil)
        #expect(try scene.records(2).first?["seq"]?.integer == 10)
    }

    @Test("Where no new file can be made, records go on in the old one")
    func noNewFile() throws {
        let scene = try AuditScene()
        let log = try scene.open(settings(keep: 3))
        // In the way of the next one.
        try File.makeDirectory(scene.directory.file(2), mode: 0o700)
        for number in 0..<20 { try log.write(.call(number)) }
        #expect(try scene.bytes(1).count > 8192)
        #expect(log.isWritable)
    }
}
