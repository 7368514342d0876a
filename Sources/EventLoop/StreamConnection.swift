// A stream with manners: what comes in is handed on at once, what goes out is bounded.
//
//   backlog (bytes that the peer has not taken)
//   0 ───────── high water ─────────────────────────── most
//   reading     reading paused: the peer's own          the peer is dropped
//               slowness is what slows it
//
// A peer that takes nothing for the stall time while something waits for it is dropped as well. So a
// client that does not read costs a bounded amount of memory for a bounded time.
//
// Half-close: the end of the peer's bytes is reported once (`onFinish`) and our own direction stays
// open; `closeWhenSent` ends it after the last byte. `onEnd` is called exactly once, when the stream is
// closed for whatever reason but our own `close`.

import Linux

package final class StreamConnection {
    package struct Limits: Sendable {
        package var highWater = 256 << 10
        package var lowWater = 64 << 10
        package var mostBacklog = 64 << 20
        package var stallTime: Duration = .seconds(60)

        package init() {}
    }

    package enum End: Sendable, CustomStringConvertible {
        case byPeer
        case sent
        case overflowed(Int)
        case stalled(Int)
        case failed(SystemError)

        package var description: String {
            switch self {
            case .byPeer: "closed by the peer"
            case .sent: "closed after the last byte"
            case .overflowed(let bytes): "dropped: it left \(bytes) bytes unread"
            case .stalled(let bytes): "dropped: it took none of \(bytes) bytes in time"
            case .failed(let error): "failed: \(error)"
            }
        }
    }

    package struct Handlers {
        package var onBytes: (Span<UInt8>) -> Void
        /// The peer sends nothing more.
        package var onFinish: () -> Void
        /// The backlog has gone down: what was held back may go on.
        package var onDrain: () -> Void
        /// Everything that waited has been taken.
        package var onTaken: () -> Void
        package var onEnd: (End) -> Void

        package init(
            onBytes: @escaping (Span<UInt8>) -> Void, onFinish: @escaping () -> Void,
            onDrain: @escaping () -> Void, onTaken: @escaping () -> Void = {},
            onEnd: @escaping (End) -> Void
        ) {
            (self.onBytes, self.onFinish) = (onBytes, onFinish)
            (self.onDrain, self.onTaken, self.onEnd) = (onDrain, onTaken, onEnd)
        }
    }

    private let stream: any ByteStream
    private let loop: EventLoop
    private let limits: Limits
    private let handlers: Handlers

    private var backlog: [UInt8] = []
    private var sentOfBacklog = 0
    private var lastTaken: Duration = .zero
    private var stallTimer: TimerID?
    private var interest: Epoll.Interest = .read
    private var isPaused = false
    private var isHeld = false
    private var hasFinishedReading = false
    private var closesWhenSent = false
    private var isClosed = false

    package init(
        _ stream: any ByteStream, on loop: EventLoop, limits: Limits, _ handlers: Handlers
    ) throws(SystemError) {
        (self.stream, self.loop, self.limits) = (stream, loop, limits)
        self.handlers = handlers
        try stream.start(.read) { [weak self] readiness in self?.becameReady(readiness) }
    }

    package var backlogCount: Int { backlog.count - sentOfBacklog }
    /// What the peer has not taken.
    package var unsent: [UInt8] { Array(backlog[sentOfBacklog...]) }

    /// The peer should read before it is given more: hold back what can be held back.
    package var isBackedUp: Bool { isPaused }

    /// Our own side cannot take more at this moment. Unlike a backlog this is no fault of the peer's.
    package func holdReading(_ hold: Bool) {
        guard hold != isHeld else { return }
        isHeld = hold
        updateInterest()
    }

    // MARK: Out

    package func send(_ bytes: [UInt8]) {
        guard !isClosed, !bytes.isEmpty else { return }
        var sent = 0
        if backlogCount == 0 {
            guard let count = taken(of: attempt(bytes.span)) else { return }
            sent = count
        }
        if sent < bytes.count { keep(bytes, from: sent) }
        updateInterest()
    }

    /// Ends our direction, and the connection with it, once everything has been taken.
    package func closeWhenSent() {
        closesWhenSent = true
        endIfSent()
    }

    /// Ends without a word; `onEnd` is not called.
    package func close() { leave { $0.close() } }

    /// The same, for a stream that somebody else goes on with.
    package func letGo() { leave { $0.letGo() } }

    private func leave(_ stream: (any ByteStream) -> Void) {
        guard !isClosed else { return }
        isClosed = true
        if let stallTimer { loop.cancel(stallTimer) }
        backlog = []
        stream(self.stream)
    }

    private func attempt(_ bytes: Span<UInt8>) -> Result<Int, SystemError> {
        do throws(SystemError) {
            return .success(try stream.write(bytes) ?? 0)
        } catch {
            return .failure(error)
        }
    }

    /// How many bytes the stream took; `nil` when it failed, and the connection has ended. Apart from the
    /// attempt, because ending gives up the backlog, which must not be in use then.
    private func taken(of attempt: Result<Int, SystemError>) -> Int? {
        switch attempt {
        case .success(let count):
            return count
        case .failure(let error):
            let isGone = [.brokenPipe, .connectionReset].contains(error.errno)
            end(isGone ? .byPeer : .failed(error))
            return nil
        }
    }

    /// Alone it is kept as it came: a large answer is not copied because it does not go out at once.
    private func keep(_ bytes: [UInt8], from start: Int) {
        if backlogCount == 0 {
            lastTaken = loop.now
            (backlog, sentOfBacklog) = (bytes, start)
        } else {
            dropSent()
            backlog.append(contentsOf: bytes[start...])
        }
        guard backlogCount <= limits.mostBacklog else { return end(.overflowed(backlogCount)) }
        if backlogCount > limits.highWater { isPaused = true }
        watchForStall()
    }

    /// Before the backlog grows, so that what is behind it is never more than what is in it.
    private func dropSent() {
        guard sentOfBacklog > backlog.count / 2 else { return }
        backlog.removeFirst(sentOfBacklog)
        sentOfBacklog = 0
    }

    private func writeBacklog() {
        guard backlogCount > 0 else { return }
        let attempt = attempt(backlog.span.extracting(sentOfBacklog..<backlog.count))
        guard let count = taken(of: attempt) else { return }
        if count > 0 { lastTaken = loop.now }
        sentOfBacklog += count
        if backlogCount == 0 {
            (backlog, sentOfBacklog) = ([], 0)
            handlers.onTaken()
        }
        if isPaused, backlogCount <= limits.lowWater {
            isPaused = false
            handlers.onDrain()
        }
        endIfSent()
    }

    private func endIfSent() {
        if closesWhenSent, backlogCount == 0 { end(.sent) }
    }

    private func watchForStall() {
        guard stallTimer == nil, !isClosed else { return }
        let deadline = lastTaken + limits.stallTime
        stallTimer = loop.schedule(after: max(.zero, deadline - loop.now)) { [weak self] in
            guard let self else { return }
            stallTimer = nil
            guard backlogCount > 0 else { return }
            if loop.now - lastTaken >= limits.stallTime {
                end(.stalled(backlogCount))
            } else {
                watchForStall()
            }
        }
    }

    // MARK: In

    private func becameReady(_ readiness: Epoll.Readiness) {
        if readiness.contains(.write) { writeBacklog() }
        if readiness.isHungUp, hasFinishedReading || isPaused {
            // Nobody is left to take what waits here.
            return end(.byPeer)
        }
        if readiness.isHungUp || readiness.contains(.read), !isPaused, !isHeld { readOnce() }
        updateInterest()
    }

    /// One read an event: what is left announces itself again, after everybody else had a turn.
    private func readOnce() {
        guard !isClosed, !hasFinishedReading else { return }
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64 << 10) { buffer in
            do throws(SystemError) {
                guard let count = try unsafe stream.read(into: UnsafeMutableRawBufferPointer(buffer)) else {
                    return
                }
                if count == 0 {
                    hasFinishedReading = true
                    handlers.onFinish()
                } else {
                    handlers.onBytes(unsafe buffer.span.extracting(0..<count))
                }
            } catch {
                end(error.errno == .connectionReset ? .byPeer : .failed(error))
            }
        }
    }

    private func updateInterest() {
        guard !isClosed else { return }
        let wanted = Epoll.Interest(
            read: !isPaused && !isHeld && !hasFinishedReading, write: backlogCount > 0)
        guard wanted != interest else { return }
        interest = wanted
        do throws(SystemError) {
            try stream.setInterest(wanted)
        } catch {
            end(.failed(error))
        }
    }

    private func end(_ reason: End) {
        guard !isClosed else { return }
        close()
        handlers.onEnd(reason)
    }
}
