import Audit
import Foundation
import JSON
import Linux
import Synchronization
import TestSupport

/// A directory of records, and everything that tests do to it.
final class AuditScene: Sendable {
    private let temporary: TemporaryDirectory
    let clock = TestClock()

    init() throws { temporary = try TemporaryDirectory() }

    var root: String { temporary.path }
    var directory: AuditDirectory { AuditDirectory(temporary.path + "/audit") }

    func open(
        _ settings: AuditLog.Settings = AuditLog.Settings(), key: String? = nil
    ) throws -> AuditLog {
        let directory = AuditDirectory(directory.path, key: key)
        return try AuditLog(in: directory, settings, start: AuditStart(version: "1.2.3"), clock: clock.clock)
    }

    /// A log with so many calls that was closed as it should be.
    func written(_ calls: Int, _ settings: AuditLog.Settings = AuditLog.Settings()) throws {
        let log = try open(settings)
        for number in 0..<calls { try log.write(.call(number)) }
        try log.close(AuditStop(reason: "test"))
    }

    func verify(_ demands: AuditVerification.Demands = .init()) throws -> ChainReport {
        try AuditVerification.run(directory, demands)
    }

    func bytes(_ file: UInt32 = 1) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: directory.file(file))))
    }

    func replace(_ file: UInt32 = 1, with bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(filePath: directory.file(file)))
    }

    /// Without their ends.
    func lines(_ file: UInt32 = 1) throws -> [[UInt8]] {
        try bytes(file).split(separator: 0x0A).map(Array.init)
    }

    func replace(_ file: UInt32 = 1, lines: [[UInt8]]) throws {
        try replace(file, with: lines.flatMap { $0 + [0x0A] })
    }

    func records(_ file: UInt32 = 1) throws -> [JSONValue] {
        try lines(file).map { try JSONDocument($0).root }
    }
}

/// Time that passes when a test says so.
final class TestClock: Sendable {
    private let now = Atomic<Int64>(1_763_712_000_000_000)

    var clock: AuditLog.Clock {
        AuditLog.Clock(
            time: { AuditTime(microseconds: self.now.load(ordering: .relaxed)) },
            monotonic: { .microseconds(self.now.load(ordering: .relaxed)) })
    }

    func pass(_ duration: Duration) {
        now.add(Int64(duration / .microseconds(1)), ordering: .relaxed)
    }
}

extension AuditRecord {
    /// A call that is not like the others.
    static func call(_ number: Int) -> AuditRecord {
        var client = AuditClient(session: 7, uid: 1000, pid: 4711)
        client.user = "alice"
        client.executable = "/usr/bin/claude"
        client.claims.name = "Claude"
        var call = AuditCall(
            tool: "read_file", arguments: RecordedArguments(json(#"{"path":"/srv/\#(number)"}"#)),
            verdict: .allow, outcome: .succeeded, bytes: number, durationMicroseconds: 120)
        call.needs = [.init("TOOL", "read_file"), .init("FILE_READ", "/srv/\(number)")]
        call.rule = "/etc/cloister/policy.d/50-site.yaml:12"
        return AuditRecord(.call(call), of: client)
    }
}

func json(_ text: String) -> JSONValue {
    do {
        return try JSONDocument(Array(text.utf8)).root
    } catch {
        fatalError("\(error): \(text)")
    }
}
