import Glibc

/// The processor's time that this thread has used, in nanoseconds.
package enum CPUTime {
    package static var ofThread: UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
