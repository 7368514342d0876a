import Audit
import Ctl
import Linux
import Synchronization
import TestSupport

/// cloisterctl in this process, with what it says.
struct CtlRun {
    private(set) var status: Int32 = 0
    private(set) var output = ""
    private(set) var errors = ""

    init(_ arguments: String..., isTerminal: Bool = false, columns: Int? = nil) {
        self.init(arguments, isTerminal: isTerminal, columns: columns)
    }

    init(_ arguments: [String], isTerminal: Bool = false, columns: Int? = nil) {
        let said = Mutex<[UInt8]>([])
        let output = Output(isTerminal: isTerminal, columns: columns) { (bytes) throws(SystemError) in
            said.withLock { $0 += bytes }
        }
        var errors = ""
        status = CtlProgram.run(["cloisterctl"] + arguments, to: output) { errors += $0 }
        self.errors = errors
        self.output = String(decoding: said.withLock { $0 }, as: UTF8.self)
    }

    var lines: [Substring] { output.split(separator: "\n") }
}

/// The directory of a standalone daemon that has recorded something.
final class AuditedRoot: Sendable {
    private let temporary: TemporaryDirectory
    var path: String { temporary.path }
    var directory: AuditDirectory { AuditDirectory(path + "/audit") }

    init() throws { temporary = try TemporaryDirectory() }

    /// An hour between records, the first of which is at eight.
    func record(_ records: [AuditRecord]) throws {
        let hours = Atomic(0)
        let begin: Int64 = 1_763_712_000_000_000
        let clock = AuditLog.Clock(
            time: {
                AuditTime(microseconds: begin + Int64(hours.load(ordering: .relaxed)) * 3_600_000_000)
            },
            monotonic: { .zero })
        let log = try AuditLog(
            in: directory, AuditLog.Settings(), start: AuditStart(version: "1.2.3"), clock: clock)
        for record in records {
            hours.add(1, ordering: .relaxed)
            try log.write(record)
        }
        try log.close(AuditStop(reason: "test"))
    }

    static func call(
        _ tool: String, user: String, _ verdict: AuditCall.Verdict = .allow, object: String = "/srv/a"
    ) -> AuditRecord {
        var client = AuditClient(session: 7, uid: 1000, pid: 42)
        client.user = user
        client.executable = "/usr/bin/claude"
        var call = AuditCall(
            tool: tool, arguments: RecordedArguments(nil), verdict: verdict,
            outcome: verdict == .allow ? .succeeded : .denied)
        call.needs = [.init("FILE_READ", object)]
        return AuditRecord(.call(call), of: client)
    }
}
