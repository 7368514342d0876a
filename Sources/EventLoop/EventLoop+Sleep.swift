extension EventLoop {
    /// Waits on the loop's own clock. Cancelling the task ends the wait at once, with an error.
    /// May be called from any task, for it goes to the loop itself.
    package func sleep(for duration: Duration) async throws(CancellationError) {
        let sleeper = Sleeper()
        await withTaskCancellationHandler {
            await withTaskExecutorPreference(self) {
                await withCheckedContinuation { continuation in
                    sleeper.begin(continuation, on: self, for: duration)
                }
            }
        } onCancel: {
            spawn { sleeper.end() }
        }
        if Task.isCancelled { throw CancellationError() }
    }
}

/// One waiting task, woken once: by its timer or by its cancellation, whichever is first.
// Unchecked: touched on the loop's thread only.
private final class Sleeper: @unchecked Sendable {
    private var wake: (() -> Void)?
    private var hasEnded = false

    func begin(
        _ continuation: CheckedContinuation<Void, Never>, on loop: EventLoop, for duration: Duration
    ) {
        if hasEnded { return continuation.resume() }
        let timer = loop.schedule(after: duration) { [weak self] in self?.end() }
        wake = {
            loop.cancel(timer)
            continuation.resume()
        }
    }

    func end() {
        hasEnded = true
        wake?()
        wake = nil
    }
}
