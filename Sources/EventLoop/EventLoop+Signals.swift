import CLinux
import Linux

/// Signals of this process as events of a loop.
// Unchecked: touched on the loop's thread only.
package final class SignalSource: @unchecked Sendable {
    private let source: SignalFD
    private let loop: EventLoop
    private var watch: EventLoop.Watch?

    /// Blocks the signals for this thread, so that from here on they arrive nowhere else.
    package init(
        _ signals: [CInt], on loop: EventLoop, _ handler: @escaping (CInt) -> Void
    ) throws(SystemError) {
        self.loop = loop
        source = try SignalFD(signals)
        watch = try loop.watch(source.fd, .read) { [unowned self] _ in
            while let signal = try? source.next() { handler(signal) }
        }
    }

    package func stop() {
        if let watch { loop.unwatch(watch, of: source.fd) }
        watch = nil
    }
}
