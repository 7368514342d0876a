import Foundation
import Glibc
import Linux
import Synchronization
import TestSupport

/// A thread that a test watches and interrupts.
final class ThreadUnderTest: @unchecked Sendable {
    // Unchecked: written by `begin`, before `hasBegun` is raised.
    private var handle = pthread_self()
    private var number: pid_t = 0
    private let hasBegun = Flag()

    /// To be called by the thread itself, which may have come from a pool that blocks all signals.
    func begin() {
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe pthread_sigmask(SIG_SETMASK, &none, nil)
        (handle, number) = (pthread_self(), gettid())
        hasBegun.raise()
    }

    func interrupt(_ signal: CInt) { pthread_kill(handle, signal) }

    func waitUntilAsleep() throws {
        try Deadline().wait(for: "a thread to sleep") {
            guard hasBegun.isUp else { return false }
            let fields = try File.readText("/proc/self/task/\(number)/stat").split(separator: ")").last
            return fields?.hasPrefix(" S") == true
        }
    }
}

/// Signals that were handled, without restarting what they interrupted.
enum Interruptions {
    private static let handled = Atomic(0)

    static var count: Int { handled.load(ordering: .sequentiallyConsistent) }

    static func install(_ signal: CInt) {
        var action = sigaction()
        unsafe action.__sigaction_handler.sa_handler = { _ in
            Interruptions.handled.add(1, ordering: .sequentiallyConsistent)
        }
        unsafe sigaction(signal, &action, nil)
    }
}
