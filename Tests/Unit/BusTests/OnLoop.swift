import EventLoop
import Linux
import Synchronization
import Testing

/// Runs the body as a task of a loop of its own, to its end; a failure, and not a hang, when it does not end.
func onLoop(
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: @escaping @Sendable (EventLoop) async throws -> Void
) throws {
    let loop = try EventLoop()
    let fault = Mutex<(any Error)?>(nil)
    let limit = loop.schedule(after: .seconds(30)) {
        Issue.record("the body did not end", sourceLocation: sourceLocation)
        loop.stop()
    }
    loop.spawn {
        do { try await body(loop) } catch { fault.withLock { $0 = error } }
        loop.stop()
    }
    try loop.run()
    loop.cancel(limit)
    if let fault = fault.withLock({ $0 }) { throw fault }
}

/// For what another process brings about.
func eventually(
    _ what: String, on loop: EventLoop, _ condition: () async -> Bool
) async throws {
    let end = loop.now + .seconds(20)
    while await !condition() {
        guard loop.now < end else {
            Issue.record("in vain waited for \(what)")
            return
        }
        try await loop.sleep(for: .milliseconds(5))
    }
}
