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
    package func notify(_ state: [String]) {
        guard let notifySocket, let socket = try? UnixSocket.connect(to: notifySocket, .datagram)
        else { return }
        let bytes = Array(state.joined(separator: "\n").utf8)
        for _ in 0..<20 {
            do throws(SystemError) {
                if try UnixSocket.send(socket, bytes.span) != nil { return }
                var queue = PollSet()
                queue.add(socket, .write)
                try queue.wait(milliseconds: 50)
            } catch {
                return
            }
        }
    }

    package func ready(status: String) { notify(["READY=1", "STATUS=\(status)"]) }
    package func status(_ text: String) { notify(["STATUS=\(text)"]) }
    package func patWatchdog() { notify(["WATCHDOG=1"]) }
    package func stopping() { notify(["STOPPING=1", "STATUS=Finishing calls in flight"]) }

    /// The time tells the manager which READY=1 belongs to this reload.
    package func reloading(at now: Duration) {
        let microseconds = now / .microseconds(1)
        notify(["RELOADING=1", "MONOTONIC_USEC=\(Int(microseconds))"])
    }

    /// How many descriptors, from number 3 on, were passed to this very process.
    package static func passedDescriptors(
        environment: (String) -> String?, process: Int
    ) -> Int {
        guard let pid = environment("LISTEN_PID").flatMap({ Int($0) }), pid == process,
            let count = environment("LISTEN_FDS").flatMap({ Int($0) }), count > 0, count < 1024
        else { return 0 }
        return count
    }

    package static let firstDescriptor = 3
}
