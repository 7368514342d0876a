/// What systemd hands to a service and wants to hear from it: sd_listen_fds(3) and sd_notify(3). Both are
/// stable interfaces of a few lines, and libsystemd would cost the idle daemon more memory than all of this.
package struct ServiceManager: Sendable {
    private let notifySocket: String?
    /// How often the watchdog wants to be patted, if there is one.
    package let watchdogInterval: Duration?

    package init(environment: (String) -> String?, process: Int) {
        notifySocket = environment("NOTIFY_SOCKET")
        let isForUs = environment("WATCHDOG_PID").map { Int($0) == process } ?? true
        let microseconds = environment("WATCHDOG_USEC").flatMap { Int($0) } ?? 0
        // Half of the time, as sd_watchdog_enabled(3) recommends; but no manager means to keep us busy.
        let interval = max(Duration.microseconds(microseconds / 2), .milliseconds(1))
        watchdogInterval = isForUs && microseconds > 0 ? interval : nil
    }

    /// Lines such as "READY=1". A manager that is not there is none of our business; for one that is busy
    /// (its queue holds ten datagrams) we wait a moment, because a start that it never hears of has failed.
    package func notify(_ state: [String]) { _ = notify(state, passing: DescriptorTable(), patience: 20) }

    private func notify(_ state: [String], passing fds: borrowing DescriptorTable, patience: Int) -> Bool {
        guard let notifySocket, let socket = try? UnixSocket.connect(to: notifySocket, .datagram)
        else { return false }
        let bytes = Array(state.joined(separator: "\n").utf8)
        for _ in 0..<patience {
            do throws(SystemError) {
                let sent =
                    fds.count == 0
                    ? try UnixSocket.send(socket, bytes.span)
                    : try UnixSocket.send(socket, bytes, passing: fds)
                if sent != nil { return true }
                var queue = PollSet()
                queue.add(socket, .write)
                try queue.wait(milliseconds: 50)
            } catch {
                return false
            }
        }
        return false
    }

    // MARK: Descriptors that it keeps

    /// These are passed to the next process of this service, under this name. False when it did not hear of them.
    package func keep(_ fds: borrowing DescriptorTable, as name: String) -> Bool {
        notify(["FDSTORE=1", "FDNAME=\(name)"], passing: fds, patience: 4)
    }

    /// All of that name.
    package func drop(_ name: String) { notify(["FDSTOREREMOVE=1", "FDNAME=\(name)"]) }

    package var isThere: Bool { notifySocket != nil }

    package func ready(status: String) { notify(["READY=1", "STATUS=\(status)"]) }
    package func status(_ text: String) { notify(["STATUS=\(text)"]) }
    package func patWatchdog() { notify(["WATCHDOG=1"]) }
    package func stopping() { notify(["STOPPING=1", "STATUS=Finishing calls in flight"]) }

    /// The time tells the manager which READY=1 belongs to this reload.
    package func reloading(at now: Duration) {
        let microseconds = now / .microseconds(1)
        notify(["RELOADING=1", "MONOTONIC_USEC=\(Int(microseconds))"])
    }

    /// The names of the descriptors, from number 3 on, that were passed to this very process.
    package static func passedDescriptors(
        environment: (String) -> String?, process: Int
    ) -> [String] {
        guard let pid = environment("LISTEN_PID").flatMap({ Int($0) }), pid == process,
            let count = environment("LISTEN_FDS").flatMap({ Int($0) }), (1...mostDescriptors) ~= count
        else { return [] }
        let names = environment("LISTEN_FDNAMES")?.split(separator: ":", omittingEmptySubsequences: false)
        guard let names, names.count == count else { return Array(repeating: "", count: count) }
        return names.map(String.init)
    }

    private static let mostDescriptors = 1 << 16

    package static let firstDescriptor = 3
}
