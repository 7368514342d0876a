import Linux

/// Two directions of bytes that never block. A socket is one.
package protocol ByteStream: AnyObject, Sendable {
    /// `nil` when there is nothing now, 0 at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int?
    /// `nil` when nothing can be taken now.
    func write(_ bytes: Span<UInt8>) throws(SystemError) -> Int?
    /// Calls the watcher while what it is interested in is possible.
    func start(_ interest: Epoll.Interest, _ watcher: @escaping EventLoop.Watcher) throws(SystemError)
    func setInterest(_ interest: Epoll.Interest) throws(SystemError)
    func close()
    /// Closes it here; where somebody else has it, too, its peer does not notice.
    func letGo()
}

extension ByteStream {
    package func letGo() { close() }
}

/// Somebody who keeps what is on its way, too: what is sent is sent from there, and what comes, comes by there.
package protocol StreamKeeper: AnyObject {
    /// The next bytes of what is written. `nil` when nothing can be taken now.
    func send(atMost count: Int, to socket: borrowing OwnedFD) throws(SystemError) -> Int?
    /// `nil` when there is nothing now, 0 at the end.
    func receive(
        into buffer: UnsafeMutableRawBufferPointer, from socket: borrowing OwnedFD
    ) throws(SystemError) -> Int?
}

/// A connected socket.
// Unchecked: touched on the loop's thread only.
package final class SocketStream: ByteStream, @unchecked Sendable {
    private var socket: OwnedFD?
    private let loop: EventLoop
    private var watch: EventLoop.Watch?
    /// Somebody else keeps it open, too: closing it is to say so.
    package var isShared = false
    package weak var keeper: (any StreamKeeper)?

    package init(_ socket: consuming OwnedFD, on loop: EventLoop) {
        self.socket = consume socket
        self.loop = loop
    }

    /// For somebody who is to ask the kernel who the peer is.
    package func pass(into table: inout DescriptorTable) throws(SystemError) {
        guard socket != nil else { throw SystemError("dup", .brokenPipe) }
        try table.add(socket!)
    }

    package func peerCredentials(
        known: consuming OwnedFD? = nil
    ) throws(SystemError) -> PeerCredentials {
        guard socket != nil else { throw SystemError("getsockopt", .brokenPipe) }
        return try PeerCredentials(of: socket!, known: known)
    }

    package func read(
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> Int? {
        guard socket != nil else { return 0 }
        if let keeper { return try unsafe keeper.receive(into: buffer, from: socket!) }
        return try unsafe socket!.read(into: buffer)
    }

    package func write(_ bytes: Span<UInt8>) throws(SystemError) -> Int? {
        guard socket != nil else { throw SystemError("send", .brokenPipe) }
        if let keeper { return try keeper.send(atMost: bytes.count, to: socket!) }
        return try UnixSocket.send(socket!, bytes)
    }

    package func start(
        _ interest: Epoll.Interest, _ watcher: @escaping EventLoop.Watcher
    ) throws(SystemError) {
        guard socket != nil else { return }
        watch = try loop.watch(socket!, interest, watcher)
    }

    package func setInterest(_ interest: Epoll.Interest) throws(SystemError) {
        guard socket != nil, let watch else { return }
        try loop.update(watch, of: socket!, interest)
    }

    package func letGo() {
        isShared = false
        close()
    }

    package func close() {
        guard let open = socket.take() else { return }
        if isShared { UnixSocket.shutdown(open) }
        if let watch { loop.unwatch(watch, of: open) }
        watch = nil
    }
}
