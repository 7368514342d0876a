import Audit
import Foundation
import Linux
import TestSupport
import Testing

/// What somebody who can write the files can do to them, and what it is called then.
@Suite struct TamperTests {
    private func scene(_ calls: Int = 30) throws -> AuditScene {
        let scene = try AuditScene()
        try scene.written(calls)
        #expect(try scene.verify().fault == nil)
        return scene
    }

    @Test("Wherever the end is cut off, the first record that is gone is named")
    func cutTail() throws {
        let scene = try scene()
        let lines = try scene.lines()
        for count in 0..<lines.count {
            try scene.replace(lines: Array(lines[..<count]))
            let fault = try scene.verify().fault
            #expect(fault?.kind == .removed)
            #expect(fault?.sequence == UInt64(count + 1))
        }
    }

    @Test("A cut in the middle of a line shows as well")
    func cutBytes() throws {
        let scene = try scene(3)
        let bytes = try scene.bytes()
        try scene.replace(with: bytes.dropLast(10))
        let report = try scene.verify()
        #expect(report.fault?.sequence == report.last.sequence + 1)
        #expect(report.tornBytes > 0)
    }

    @Test("Who makes a new chain from some record on has no signature for it", arguments: [2, 3, 20, 31])
    func newChain(from place: Int) throws {
        let scene = try scene()
        var lines = try scene.lines()
        let before = ChainPlace(try #require(ChainLine(lines[place - 1][...])).place.description)
        var chain = HashChain(after: try #require(before))
        for index in place..<lines.count {
            let text = String(decoding: lines[index], as: UTF8.self)
                .replacingOccurrences(of: "alice", with: "mallory")
            let members = try #require(text.split(separator: ",\"prev\"").first).utf8
            let start = try #require(members.firstIndex(of: UInt8(ascii: ",")))
            var line: [UInt8] = []
            chain.append(Array(members[start...].dropFirst()), to: &line)
            lines[index] = Array(line.dropLast())
        }
        try scene.replace(lines: lines)
        let fault = try scene.verify().fault
        #expect(fault?.kind == .forged)
        // The first signature behind it.
        #expect(fault?.sequence == (place == 1 ? 2 : 34))
    }

    @Test("Another key does not verify, whoever left it there")
    func otherKey() throws {
        let scene = try scene()
        let other = try AuditScene()
        try other.written(1)
        let kept = try #require(try scene.directory.storedPublicKey())
        try File.replace(
            scene.directory.publicKey, with: try File.read(other.directory.publicKey), mode: 0o644)
        #expect(try scene.verify().fault?.kind == .forged)
        #expect(try scene.verify(.init(key: kept)).fault == nil)
    }

    @Test("Without a head, or with one of another log, nothing is taken for complete")
    func head() throws {
        let scene = try scene()
        let other = try AuditScene()
        try other.written(100)
        try File.replace(scene.directory.head, with: try File.read(other.directory.head), mode: 0o644)
        #expect(try scene.verify().fault?.kind == .forged)
        try File.remove(scene.directory.head)
        #expect(try scene.verify().fault?.kind == .forged)
        try File.replace(scene.directory.head, with: Array("{}".utf8), mode: 0o644)
        #expect(throws: AuditFault.self) { try scene.verify() }
        try File.remove(scene.directory.publicKey)
        #expect(throws: AuditFault.self) { try scene.verify() }
    }

    /// The old head is signed too: what tells is a checkpoint that was kept elsewhere.
    @Test("A log that was put back as it was shows by a checkpoint that was kept elsewhere")
    func rollback() throws {
        let scene = try AuditScene()
        try scene.written(3)
        let (bytes, head) = (try scene.bytes(), try File.read(scene.directory.head))
        try scene.written(3)
        let kept = try scene.verify().last
        try scene.replace(with: bytes)
        try File.replace(scene.directory.head, with: head, mode: 0o644)
        #expect(try scene.verify().fault == nil)
        let fault = try scene.verify(.init(since: kept)).fault
        #expect(fault?.kind == .removed)
        #expect(fault?.sequence == kept.sequence)
    }

    /// Otherwise the daemon would sign what is left, and the theft would be covered by its own key.
    @Test("A daemon that finds its end cut off says so for good, and gives no number twice")
    func cutBeforeStart() throws {
        let scene = try scene(10)
        let lines = try scene.lines()
        try scene.replace(lines: Array(lines[..<8]))
        try scene.written(5)
        let start = try #require(try scene.records().dropFirst(8).first)
        #expect(start["kind"]?.string == "start")
        #expect(start["missing_records"]?.integer == Int64(lines.count - 8))
        #expect(start["seq"]?.integer == Int64(lines.count + 1))
        #expect(AuditEntry(try scene.lines()[8][...])?.priority == 2)
        let fault = try scene.verify().fault
        #expect(fault?.kind == .removed)
        #expect(fault?.sequence == 9)
        // Who knows of it goes on from there.
        let place = try #require(ChainLine(try scene.lines()[8][...])).place
        #expect(try scene.verify(.init(since: place)).fault == nil)
    }

    @Test("All files gone is the first record gone")
    func everythingRemoved() throws {
        let scene = try scene(2)
        try File.remove(scene.directory.file(1))
        #expect(try scene.verify().fault?.sequence == 1)
        try scene.written(1)
        #expect(try scene.verify().fault?.kind == .removed)
        #expect(try scene.verify().fault?.sequence == 1)
    }
}
