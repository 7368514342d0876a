// The policy in force. It is read at the start, when the service manager says reload, and when a file of it changes;
// it takes effect whole, or not at all.
//
//   read ──no fault──▶ in force, and every session is told
//     └──faults──▶ the one before stays in force, and the faults are told (at the start: everything is denied)

import Audit
import EventLoop
import Linux
import Policy
import PolicyFiles

// Unchecked: touched on the loop's thread only.
package final class PolicyStore: @unchecked Sendable {
    package private(set) var set = PolicySet.denyingAll
    /// How often a policy has come into force; 0 when none has.
    package private(set) var generation = 0
    package private(set) var files: [String] = []
    package private(set) var faults: [PolicyFault] = []

    var auditor: Auditor?
    private let directories: PolicyDirectories
    private let log: Log
    private let loop: EventLoop
    private var changes: DirectoryWatch?
    private var watch: EventLoop.Watch?
    private var timer: TimerID?

    /// An editor writes a file in several steps, and a package several files.
    private static let settling: Duration = .milliseconds(100)

    package init(_ directories: PolicyDirectories, on loop: EventLoop, log: Log) {
        (self.directories, self.loop, self.log) = (directories, loop, log)
    }

    /// True when another policy is in force than before.
    package func read() -> Bool {
        let reading = directories.read(at: .now)
        let before = (files, faults)
        (files, faults) = (reading.files, reading.faults)
        for fault in faults { log.error("policy: \(fault)") }
        guard let set = reading.set else {
            if before != (files, faults) { record() }
            log.error(
                generation == 0
                    ? "policy: everything is denied until this is mended"
                    : "policy: the one before stays in force")
            return false
        }
        guard generation == 0 || set != self.set else { return false }
        self.set = set
        generation += 1
        record()
        return true
    }

    /// For systemctl status.
    var state: String {
        let count = "\(faults.count) fault\(faults.count == 1 ? "" : "s")"
        if faults.isEmpty { return "policy in force" }
        return generation == 0
            ? "everything is denied: \(count) in policy" : "an older policy in force: \(count) in the new one"
    }

    /// That this is the policy now, or that it could not be.
    func record() {
        auditor?.note(
            AuditRecord(
                .policy(
                    AuditPolicy(
                        faults.isEmpty ? .loaded : .refused, files: files, faults: faults.map { "\($0)" }))))
    }

    // MARK: Changes

    /// Calls back when files have changed, and nothing has changed for a moment.
    package func watch(_ onChange: @escaping () -> Void) {
        do throws(SystemError) {
            let changes = try DirectoryWatch()
            self.changes = changes
            watchPlaces()
            watch = try loop.watch(changes.fd, .read) { [unowned self] _ in
                guard (try? changes.drain()) == true, timer == nil else { return }
                timer = loop.schedule(after: Self.settling) { [unowned self] in
                    timer = nil
                    // A place that was made meanwhile is watched from now on.
                    watchPlaces()
                    onChange()
                }
            }
        } catch {
            log.warning("policy files are not watched (\(error)); reload by hand")
        }
    }

    /// Of a place that is not there the directory above, in which it would appear.
    private func watchPlaces() {
        for place in directories.places {
            var path = place[...]
            while !path.isEmpty, (try? changes?.add(String(path))) == nil {
                path = path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
            }
        }
    }
}
