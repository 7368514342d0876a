import Linux

/// A child process of ours, watched until it has ended and is reaped.
// Unchecked: touched on the loop's thread only.
package final class ChildProcess: @unchecked Sendable {
    private let pidfd: OwnedFD
    private let loop: EventLoop
    private var watch: EventLoop.Watch?

    /// The loop keeps this object alive until the child has ended. A child that somebody else reaped, or
    /// whose SIGCHLD is ignored, has ended too; nobody knows how, and the status is `nil`.
    package init(
        _ pidfd: consuming OwnedFD, on loop: EventLoop,
        onExit: @escaping (ProcessFD.Status?) -> Void
    ) throws(SystemError) {
        self.loop = loop
        self.pidfd = pidfd
        watch = try loop.watch(self.pidfd, .read) { _ in
            do throws(SystemError) {
                guard let status = try ProcessFD.reap(self.pidfd) else { return }
                self.end()
                onExit(status)
            } catch {
                self.end()
                onExit(nil)
            }
        }
    }

    package func kill(_ signal: CInt) {
        // A child that has ended meanwhile needs no signal.
        if watch != nil { try? ProcessFD.kill(pidfd, signal) }
    }

    private func end() {
        if let watch { loop.unwatch(watch, of: pidfd) }
        watch = nil
    }
}
