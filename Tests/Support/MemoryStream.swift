import EventLoop
import Linux

/// One end of a pair of streams in memory, with the manners of a socket: bounded, level-triggered,
/// half-closable, and now and then only good for a part of what was asked.
// Unchecked: touched on the loop's thread only.
package final class MemoryStream: ByteStream, @unchecked Sendable {
    private let loop: EventLoop
    private let capacity: Int
    private weak var peer: MemoryStream?
    private var incoming: [UInt8] = []
    private var peerHasFinished = false
    private var peerIsGone = false
    private var isClosed = false
    private var interest: Epoll.Interest = []
    private var watcher: EventLoop.Watcher?
    private var isNotifying = false

    /// Each end takes at most `capacity` bytes that the other has not read yet.
    package static func pair(
        on loop: EventLoop, capacity: Int = 64 << 10
    ) -> (MemoryStream, MemoryStream) {
        let (one, other) = (
            MemoryStream(on: loop, capacity: capacity), MemoryStream(on: loop, capacity: capacity)
        )
        (one.peer, other.peer) = (other, one)
        return (one, other)
    }

    private init(on loop: EventLoop, capacity: Int) {
        self.loop = loop
        self.capacity = capacity
    }

    package func read(
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> Int? {
        if incoming.isEmpty { return peerHasFinished || peerIsGone || isClosed ? 0 : nil }
        let count = min(buffer.count, incoming.count)
        unsafe buffer.copyBytes(from: incoming[..<count])
        incoming.removeFirst(count)
        peer?.notify()
        return count
    }

    package func write(_ bytes: Span<UInt8>) throws(SystemError) -> Int? {
        guard !isClosed, !peerIsGone, let peer else { throw SystemError("send", .brokenPipe) }
        let room = capacity - peer.incoming.count
        guard room > 0 else { return nil }
        let count = min(room, bytes.count)
        unsafe bytes.extracting(0..<count).withUnsafeBufferPointer {
            unsafe peer.incoming.append(contentsOf: $0)
        }
        peer.notify()
        return count
    }

    package func start(_ interest: Epoll.Interest, _ watcher: @escaping EventLoop.Watcher) {
        self.watcher = watcher
        setInterest(interest)
    }

    package func setInterest(_ interest: Epoll.Interest) {
        self.interest = interest
        notify()
    }

    package func shutdownWriting() {
        peer?.peerHasFinished = true
        peer?.notify()
    }

    package func close() {
        isClosed = true
        watcher = nil
        peer?.peerIsGone = true
        peer?.notify()
    }

    // MARK: As a test uses it

    /// What the other end has sent and nobody has read.
    package func takeAll() -> [UInt8] {
        defer {
            incoming = []
            peer?.notify()
        }
        return incoming
    }

    package func send(_ text: String) {
        send(Array(text.utf8))
    }

    package func send(_ bytes: [UInt8]) {
        peer?.incoming.append(contentsOf: bytes)
        peer?.notify()
    }

    package var isAtEnd: Bool { incoming.isEmpty && (peerHasFinished || peerIsGone) }

    private var readiness: Epoll.Readiness {
        var readiness: Epoll.Readiness = []
        if interest.contains(.read), !incoming.isEmpty || peerHasFinished || peerIsGone {
            readiness.insert(.read)
        }
        if interest.contains(.write), peerIsGone || (peer?.incoming.count ?? 0) < capacity {
            readiness.insert(.write)
        }
        if peerIsGone { readiness.insert(.hangUp) }
        return readiness
    }

    /// Level-triggered: says so again for as long as it is true.
    private func notify() {
        guard !isNotifying, watcher != nil, !readiness.isEmpty else { return }
        isNotifying = true
        loop.soon { [weak self] in
            guard let self else { return }
            isNotifying = false
            let readiness = readiness
            guard !readiness.isEmpty else { return }
            watcher?(readiness)
            notify()
        }
    }
}
