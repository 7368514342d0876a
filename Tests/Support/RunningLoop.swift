import EventLoop
import Testing

/// Runs a loop that something shall stop; a failure, not a hang, when nothing does.
package func run(
    _ loop: EventLoop, atMost limit: Duration = .seconds(20),
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let limit = loop.schedule(after: limit) {
        Issue.record("nothing stopped the loop", sourceLocation: sourceLocation)
        loop.stop()
    }
    try loop.run()
    loop.cancel(limit)
}
