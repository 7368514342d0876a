import Linux

/// A listening socket that hands over each connection as it is made.
// Unchecked: touched on the loop's thread only.
package final class Listener: @unchecked Sendable {
    private var socket: OwnedFD?
    private let loop: EventLoop
    private var watch: EventLoop.Watch?
    private var onConnection: (SocketStream) -> Void = { $0.close() }
    private var onTrouble: (SystemError) -> Void = { _ in }

    /// How long nobody is accepted after descriptors ran out: a retry at once would spin.
    private static let pause: Duration = .milliseconds(200)

    package init(_ socket: consuming OwnedFD, on loop: EventLoop) {
        self.socket = consume socket
        self.loop = loop
    }

    package func start(
        onConnection: @escaping (SocketStream) -> Void,
        onTrouble: @escaping (SystemError) -> Void
    ) throws(SystemError) {
        (self.onConnection, self.onTrouble) = (onConnection, onTrouble)
        try socket?.setBlocking(false)
        try listen()
    }

    package func close() {
        guard let open = socket.take() else { return }
        if let watch { loop.unwatch(watch, of: open) }
    }

    private func listen() throws(SystemError) {
        guard socket != nil else { return }
        watch = try loop.watch(socket!, .read) { [unowned self] _ in acceptAll() }
    }

    private func acceptAll() {
        do throws(SystemError) {
            while socket != nil, let connection = try UnixSocket.accept(socket!) {
                onConnection(SocketStream(connection, on: loop))
            }
        } catch {
            onTrouble(error)
            suspend()
        }
    }

    private func suspend() {
        guard socket != nil else { return }
        if let watch { loop.unwatch(watch, of: socket!) }
        watch = nil
        _ = loop.schedule(after: Self.pause) { [weak self] in
            do throws(SystemError) {
                try self?.listen()
            } catch {
                self?.onTrouble(error)
                self?.suspend()
            }
        }
    }
}
