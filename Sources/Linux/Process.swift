import CLinux
import Glibc

/// Facts about this process and its user.
package enum Process {
    package static var id: pid_t { getpid() }
    package static var parent: pid_t { getppid() }
    package static var userID: uid_t { getuid() }

    package static func environment(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    package static func unsetEnvironment(_ name: String) {
        unsafe unsetenv(name)
    }

    /// Raises the soft limit of open files to the hard one, and says what it is.
    package static func raiseFileLimit() -> Int {
        var limit = rlimit()
        unsafe getrlimit(RLIMIT_NOFILE, &limit)
        limit.rlim_cur = limit.rlim_max
        unsafe setrlimit(RLIMIT_NOFILE, &limit)
        unsafe getrlimit(RLIMIT_NOFILE, &limit)
        return Int(clamping: limit.rlim_cur)
    }
}

/// Time that only goes forward, and the calendar.
package enum SystemClock {
    package static var monotonic: Duration { read(CLOCK_MONOTONIC) }
    package static var boot: Duration { read(CLOCK_BOOTTIME) }

    package static var secondsSince1970: Int { time(nil) }

    package static var microsecondsSince1970: Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }

    /// For poll: 0 when the moment has passed, never so little that one comes back too early, and -1, which is for
    /// ever, when there is no such moment.
    package static func patience(until moment: Duration?, from now: Duration = monotonic) -> CInt {
        guard let moment else { return -1 }
        let (seconds, attoseconds) = max(.zero, moment - now).components
        guard seconds < 1_000_000 else { return 1_000_000_000 }
        return CInt(seconds) * 1000 + CInt((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }

    /// Blocks this thread.
    package static func sleep(_ time: Duration) {
        let (seconds, attoseconds) = time.components
        var left = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        var rest = timespec()
        while unsafe nanosleep(&left, &rest) != 0, errno == EINTR { left = rest }
    }

    private static func read(_ clock: clockid_t) -> Duration {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}

extension SystemClock {
    /// Looks at the system's time zone again: the C library does so only when it is told to.
    package static func reloadTimeZone() {
        tzset()
    }

    /// What local time is ahead of UTC at this moment.
    package static var utcOffsetSeconds: Int {
        var now = time(nil)
        var local = unsafe tm()
        unsafe localtime_r(&now, &local)
        return unsafe local.tm_gmtoff
    }
}

extension Process {
    /// The kernel's name, its release and the machine's architecture.
    package static var kernel: (name: String, release: String, machine: String) {
        var names = utsname()
        unsafe uname(&names)
        return (
            text(of: &names.sysname), text(of: &names.release), text(of: &names.machine)
        )
    }

    /// What the machine calls itself.
    package static var hostName: String {
        var names = utsname()
        unsafe uname(&names)
        return text(of: &names.nodename)
    }

    /// A fixed array of C characters, which Swift sees as a tuple.
    private static func text<Characters>(of characters: inout Characters) -> String {
        unsafe withUnsafeBytes(of: &characters) {
            unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}

/// Where programs complain.
package enum StandardError {
    /// A line that cannot be written has nowhere else to go.
    package static func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            _ = unsafe Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }
}
