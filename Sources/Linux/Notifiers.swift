import CLinux
import Glibc

/// A counter that wakes a waiting loop, from any thread.
package struct EventFD: ~Copyable, Sendable {
    package let fd: OwnedFD

    package init() throws(SystemError) {
        fd = OwnedFD(
            raw: try systemCall("eventfd") {
                eventfd(0, CInt(EFD_CLOEXEC | EFD_NONBLOCK))
            })
    }

    package func signal() {
        // The only failure is a counter that is full, and then the loop is awake anyway.
        _ = eventfd_write(fd.raw, 1)
    }

    package func clear() {
        var count: eventfd_t = 0
        _ = unsafe eventfd_read(fd.raw, &count)
    }
}

/// Signals as readable events. They are blocked for the calling thread (and those that it makes) first,
/// so that none is lost between.
package struct SignalFD: ~Copyable, Sendable {
    package let fd: OwnedFD

    package init(_ signals: [CInt]) throws(SystemError) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        let flags = CInt(SFD_CLOEXEC | SFD_NONBLOCK)
        fd = OwnedFD(raw: try systemCall("signalfd") { unsafe signalfd(-1, &set, flags) })
    }

    /// The next signal that arrived, or `nil`.
    package func next() throws(SystemError) -> CInt? {
        var info = signalfd_siginfo()
        let raw = fd.raw
        let count = try nonBlockingCall("read") {
            unsafe Glibc.read(raw, &info, MemoryLayout<signalfd_siginfo>.size)
        }
        return count == nil ? nil : CInt(info.ssi_signo)
    }
}

package enum Signals {
    package static let childEnded = SIGCHLD
    package static let kill = SIGKILL
    package static let terminate = SIGTERM
    package static let interrupt = SIGINT
    package static let hangUp = SIGHUP
    package static let stop = SIGSTOP

    /// A peer that hangs up is an error of the write, not the end of the process.
    package static func ignoreBrokenPipes() {
        Glibc.signal(SIGPIPE, SIG_IGN)
    }

    /// A file that has reached its limit is an error of the write as well.
    package static func ignoreFileLimit() {
        Glibc.signal(SIGXFSZ, SIG_IGN)
    }

    /// To a process by its number, which must be a child that has not been reaped, or one whose end is no loss
    /// whoever it is: inside a cell. One that is gone already is no error.
    package static func send(_ signal: CInt = SIGKILL, to pid: pid_t) {
        _ = Glibc.kill(pid, signal)
    }
}
