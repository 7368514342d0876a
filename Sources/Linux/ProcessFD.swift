import CLinux
import Glibc

/// Processes by descriptor: a number that cannot be reused under us.
package enum ProcessFD {
    package enum Status: Equatable, Sendable {
        case exited(CInt)
        case signalled(CInt)
    }

    package static func open(_ pid: pid_t) throws(SystemError) -> OwnedFD {
        OwnedFD(
            raw: try systemCall("pidfd_open", on: "\(pid)") { cloister_pidfd_open(pid, 0) })
    }

    /// Reaps our own child; `nil` while it runs.
    package static func reap(_ child: borrowing OwnedFD) throws(SystemError) -> Status? {
        var (status, signal): (CInt, CInt) = (0, 0)
        let raw = child.raw
        let result = try nonBlockingCall("waitid") {
            unsafe Int(cloister_waitid_pidfd(raw, &status, &signal))
        }
        guard result != nil else { return nil }
        return signal == 0 ? .exited(status) : .signalled(signal)
    }

    /// Of anybody's process, reaped or not.
    package static func hasEnded(_ process: borrowing OwnedFD) throws(SystemError) -> Bool {
        var set = PollSet()
        set.add(process, .read)
        try set.wait(milliseconds: 0)
        return !set[0].isEmpty
    }

    /// It has not ended, for certain. That there is a descriptor says nothing: since Linux 6.16 those that have ended
    /// have one, too.
    package static func isThere(_ process: borrowing OwnedFD) -> Bool {
        (try? hasEnded(process)) == false
    }

    package static func kill(
        _ process: borrowing OwnedFD, _ signal: CInt
    ) throws(SystemError) {
        let raw = process.raw
        try systemCall("pidfd_send_signal") { cloister_pidfd_send_signal(raw, signal) }
    }
}
