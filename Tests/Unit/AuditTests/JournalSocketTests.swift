import Audit
import Foundation
import Linux
import Synchronization
import TestSupport
import Testing

@Suite struct JournalSocketTests {
    private func settings(_ scene: AuditScene) -> AuditLog.Settings {
        var settings = AuditLog.Settings()
        settings.journal = scene.root + "/journal"
        return settings
    }

    @Test("An entry has every field of its record, a message, and the id of its kind")
    func fields() throws {
        let scene = try AuditScene()
        let journal = try JournalStandIn(at: scene.root + "/journal")
        let log = try scene.open(settings(scene))
        try log.write(.call(5))
        let entries = try journal.all()
        #expect(entries.map { $0["CLOISTER_KIND"] } == ["start", "checkpoint", "call"])
        let call = try #require(entries.last)
        #expect(call["MESSAGE"] == "alice /usr/bin/claude: read_file /srv/5 allow, succeeded")
        #expect(call["MESSAGE_ID"] == MessageID.of(.call))
        #expect(call["PRIORITY"] == "6")
        #expect(call["SYSLOG_IDENTIFIER"] == "cloisterd")
        #expect(call["CLOISTER_SEQ"] == "3")
        #expect(call["CLOISTER_TIME"] == "2025-11-21T08:00:00.000000Z")
        #expect(call["CLOISTER_CLIENT_UID"] == "1000")
        #expect(call["CLOISTER_CLAIMS_NAME"] == "Claude")
        #expect(call["CLOISTER_ARGUMENTS"] == #"{"path":"/srv/5"}"#)
        #expect(call.all("CLOISTER_NEEDS_OBJECT") == ["read_file", "/srv/5"])
        #expect(call["CLOISTER_HASH"] == log.last.hash.description)
        #expect(call.seals == nil)
    }

    @Test(
        "A value may have any characters, newlines and what looks like a field among them",
        arguments: ["a\nb", "\n", "", "MESSAGE=x\nPRIORITY=0\n", "é\u{0}\u{1B}[31m", "="])
    func values(text: String) throws {
        let scene = try AuditScene()
        let journal = try JournalStandIn(at: scene.root + "/journal")
        let log = try scene.open(settings(scene))
        try log.write(AuditRecord(.admin(AuditAct(who: "root", act: "approve", object: text))))
        let entry = try #require(try journal.all().last)
        #expect(entry["CLOISTER_OBJECT"] == text)
        #expect(entry.all("PRIORITY") == ["5"])
        #expect(entry.all("CLOISTER_KIND") == ["admin"])
    }

    @Test("An entry that no datagram holds comes as a file that nobody can change any more")
    func largeEntry() throws {
        let scene = try AuditScene()
        let journal = try JournalStandIn(at: scene.root + "/journal")
        let log = try scene.open(settings(scene))
        let text = String(repeating: "long\n", count: 200_000)
        try log.write(AuditRecord(.admin(AuditAct(who: "root", act: "approve", object: text))))
        let entry = try #require(try journal.all().last)
        #expect(entry["CLOISTER_OBJECT"] == text)
        // F_SEAL_SEAL, SHRINK, GROW and WRITE.
        #expect(entry.seals == 15)
    }

    @Test("A journal that is behind for a moment keeps nobody from calling")
    func behind() throws {
        let scene = try AuditScene()
        let journal = try JournalStandIn(at: scene.root + "/journal")
        let log = try scene.open(settings(scene))
        // More than any socket holds, twice, and time that would be too long at a stretch.
        var entries: [JournalStandIn.Entry] = []
        for _ in 0..<2 {
            for number in 0..<1000 { try log.write(.call(number)) }
            scene.clock.pass(.seconds(4))
            try log.write(.call(1000))
            #expect(log.isWritable && log.allowsCalls)
            while true {
                let some = try journal.all()
                guard !some.isEmpty else { break }
                entries += some
                try log.tick()
            }
        }
        #expect(entries.filter { $0["CLOISTER_KIND"] == "call" }.count == 2002)
        #expect(entries.compactMap { $0["CLOISTER_SEQ"] } == (1...entries.count).map(String.init))
        #expect(log.counts.failures == 0 && log.counts.unsent == 0)
    }

    @Test("Whoever ends waits a moment for a journal that is behind")
    func endsBehind() throws {
        let scene = try AuditScene()
        let journal = try JournalStandIn(at: scene.root + "/journal")
        var settings = settings(scene)
        settings.farewell = .seconds(5)
        let log = try scene.open(settings)
        for number in 0..<200 { try log.write(.call(number)) }
        // Room from time to time; a socket holds ten, or a few hundred. A thread of its own, for this one waits.
        let count = Atomic(0)
        let isOver = Atomic(false)
        let reader = Thread {
            while !isOver.load(ordering: .acquiring) {
                let some = (try? journal.all().count) ?? 0
                count.add(some, ordering: .releasing)
                Thread.sleep(forTimeInterval: 0.001)
            }
        }
        reader.start()
        try log.close(AuditStop(reason: "test"))
        isOver.store(true, ordering: .releasing)
        while !reader.isFinished { Thread.sleep(forTimeInterval: 0.001) }
        // Those of the start, of the end, and the calls.
        let sent = try count.load(ordering: .acquiring) + journal.all().count
        #expect(sent == 2 + 200 + 2)
        #expect(log.counts.unsent == 0)
    }

    @Test("What a journal does not take in that time is counted")
    func endsTooFarBehind() throws {
        let scene = try AuditScene()
        let journal = try JournalStandIn(at: scene.root + "/journal")
        var settings = settings(scene)
        settings.farewell = .milliseconds(1)
        let log = try scene.open(settings)
        for number in 0..<900 { try log.write(.call(number)) }
        try log.close(AuditStop(reason: "test"))
        let sent = try journal.all().count
        #expect(log.counts.unsent > 0)
        #expect(sent + Int(log.counts.unsent) == 2 + 900 + 2)
        #expect(try scene.verify().fault == nil)
    }

    @Test("A journal with too many records before it is a failure, however short the time")
    func tooManyBefore() throws {
        let scene = try AuditScene()
        let journal = try JournalStandIn(at: scene.root + "/journal")
        var settings = settings(scene)
        settings.mostWaiting = 1000
        let log = try scene.open(settings)
        for number in 0..<1000 { try log.write(.call(number)) }
        let fault = #expect(throws: AuditFault.self) {
            for number in 0..<1000 { try log.write(.call(number)) }
        }
        #expect(fault == .journal(.full))
        while !log.isWritable {
            #expect(try !journal.all().isEmpty)
            try? log.tick()
        }
        try log.write(.call(2000))
    }

    @Test("A socket that stays full is a failure; what it did not take follows in order, and nothing is lost")
    func full() throws {
        let scene = try AuditScene()
        let journal = try JournalStandIn(at: scene.root + "/journal")
        let log = try scene.open(settings(scene))
        var fault: AuditFault?
        var calls = 0
        while fault == nil, calls < 10_000 {
            calls += 1
            do throws(AuditFault) {
                try log.write(.call(calls))
            } catch {
                fault = error
            }
            scene.clock.pass(.milliseconds(10))
        }
        #expect(fault == .journal(.full))
        #expect(calls > 500)
        #expect(fault?.isInFile == true)
        #expect(!log.isWritable)
        #expect(!log.allowsCalls)
        #expect(throws: AuditFault.self) { try log.tick() }
        for _ in 0..<5 {
            calls += 1
            #expect(throws: AuditFault.self) { try log.write(.call(calls)) }
        }
        var entries = try journal.all()
        // As often as it takes: the socket holds fewer than wait.
        while true {
            try? log.tick()
            let some = try journal.all()
            guard !some.isEmpty else { break }
            entries += some
        }
        #expect(log.isWritable && log.allowsCalls)
        #expect(entries.compactMap { $0["CLOISTER_SEQ"] } == (1...entries.count).map(String.init))
        #expect(entries.filter { $0["CLOISTER_KIND"] == "call" }.count == calls)
        try log.close(AuditStop(reason: "test"))
        #expect(try scene.verify().fault == nil)
    }

    @Test("Without a journal records wait for one; whether calls do is a setting", arguments: [true, false])
    func absent(isRequired: Bool) throws {
        let scene = try AuditScene()
        var settings = settings(scene)
        settings.isRequired = isRequired
        let log = try scene.open(settings)
        #expect(!log.isWritable)
        #expect(log.allowsCalls == !isRequired)
        if isRequired {
            let fault = #expect(throws: AuditFault.self) { try log.write(.call(1)) }
            #expect(fault?.isInFile == true)
            #expect(fault?.description.contains("\(scene.root)/journal") == true)
        } else {
            try log.write(.call(1))
        }
        #expect(!log.isWritable)
        #expect(log.counts.failures == 2)
        let journal = try JournalStandIn(at: scene.root + "/journal")
        try log.write(.call(2))
        #expect(log.isWritable)
        #expect(log.allowsCalls)
        #expect(try journal.all().filter { $0["CLOISTER_KIND"] == "call" }.count == 2)
        #expect(try scene.verify().fault == nil)
    }

    @Test("A journald that was started again is found")
    func restarted() throws {
        let scene = try AuditScene()
        let path = scene.root + "/journal"
        var journal: JournalStandIn? = try JournalStandIn(at: path)
        let log = try scene.open(settings(scene))
        try log.write(.call(1))
        #expect(try journal?.all().count == 3)
        journal = nil
        try File.remove(path)
        #expect(throws: AuditFault.self) { try log.write(.call(2)) }
        journal = try JournalStandIn(at: path)
        try log.write(.call(3))
        #expect(try journal?.all().compactMap { $0["CLOISTER_SEQ"] } == ["4", "5"])
    }

    @Test("The message catalogue explains every kind of record, and nothing else")
    func catalogue() throws {
        let tests = URL(filePath: #filePath).deletingLastPathComponent()
        let root = tests.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let text = try File.readText(root.appending(path: "packaging/cloister.catalog").path)
        let explained = text.split(separator: "\n").filter { $0.hasPrefix("-- ") }.map { $0.dropFirst(3) }
        let ids = AuditRecord.Kind.allCases.map(MessageID.of)
        #expect(explained.map(String.init) == ids)
        #expect(Set(ids).count == ids.count)
        for id in ids { #expect(id.wholeMatch(of: /[0-9a-f]{32}/) != nil) }
    }
}
