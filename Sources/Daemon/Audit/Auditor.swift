// The daemon's audit: records go to the log before what they are about leaves. Where one cannot be written, the reply
// is withheld and calls are refused until one can, unless policy says that audit is best effort.

import Audit
import EventLoop
import Linux
import Policy

// Unchecked: touched on the loop's thread only.
package final class Auditor: @unchecked Sendable {
    private let loop: EventLoop
    private let log: Log
    private var audit: AuditLog?
    private var timer: TimerID?
    private var catchUpTimer: TimerID?
    private var lastWrite: Duration = .zero
    private var hasComplained = false

    /// `nil`: nothing is recorded.
    package init(_ audit: AuditLog?, on loop: EventLoop, log: Log) {
        (self.audit, self.loop, self.log) = (audit, loop, log)
    }

    /// What policy says of records from here on.
    func adopt(_ settings: AuditSettings) {
        audit?.adopt(isRequired: settings.isRequired, AuditFile.Settings(settings))
    }

    package var counts: AuditLog.Counts? { audit?.counts }
    package var isWritable: Bool { audit?.isWritable ?? true }
    var isOn: Bool { audit != nil }
    func onWritable(_ tell: @escaping () -> Void) { audit?.onWritable = tell }

    /// Why no call may begin; `nil` when one may. It tries again what failed before.
    func obstacle() -> String? {
        guard let audit, !audit.allowsCalls else { return nil }
        do throws(AuditFault) {
            try audit.tick()
            return nil
        } catch {
            return Self.sentence(error)
        }
    }

    /// The reason why what the record is about must not leave; `nil` when it may.
    func write(_ record: AuditRecord) -> String? {
        guard let audit else { return nil }
        do throws(AuditFault) {
            try audit.write(record)
            tickLater()
            catchUpLater()
            if hasComplained { log.notice("audit: records can be written again") }
            hasComplained = false
            return nil
        } catch {
            if !hasComplained { log.error("audit: \(error); calls are refused until records can be written") }
            hasComplained = true
            tickLater()
            return Self.sentence(error)
        }
    }

    private static func sentence(_ fault: AuditFault) -> String {
        "Calls are refused because they cannot be recorded (\(fault)). An administrator has to make room, or set audit: {required: false}."
    }

    package func note(_ record: AuditRecord) { _ = write(record) }

    package func close(because reason: String) {
        for timer in [timer, catchUpTimer].compactMap(\.self) { loop.cancel(timer) }
        try? audit?.close(AuditStop(reason: reason))
        if let unsent = counts?.unsent, unsent > 0 {
            log.warning("audit: the journal lacks \(unsent) records, which are in the file")
        }
        audit = nil
    }

    private func catchUpLater() {
        guard let audit, audit.isBehind, catchUpTimer == nil else { return }
        catchUpTimer = loop.schedule(after: .milliseconds(10)) { [unowned self] in
            catchUpTimer = nil
            audit.catchUp()
            catchUpLater()
        }
    }

    /// Signs what is due. While nothing is written nothing is due, and nobody is woken.
    private func tickLater() {
        lastWrite = loop.now
        guard timer == nil else { return }
        timer = loop.schedule(after: .seconds(1)) { [unowned self] in
            timer = nil
            try? audit?.tick()
            if loop.now - lastWrite < .seconds(90) {
                let last = lastWrite
                tickLater()
                lastWrite = last
            }
        }
    }
}

extension AuditFile.Settings {
    init(_ policy: AuditSettings) {
        self.init(
            rotateBytes: policy.rotateBytes, keep: policy.keptFiles,
            sync: AuditFile.Sync(rawValue: policy.sync.rawValue) ?? .never)
    }
}
