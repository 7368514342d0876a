import Glibc
import Linux
import Testing

@testable import EventLoop

/// One of two connected sockets, in the hand of a test.
final class SocketEnd {
    private var socket: OwnedFD?

    private init(_ socket: consuming OwnedFD) {
        self.socket = consume socket
    }

    static func pair(on loop: EventLoop) throws -> (SocketStream, SocketEnd) {
        let pair = try UnixSocket.pair()
        return (
            SocketStream(try pair.one.duplicate(), on: loop), SocketEnd(try pair.other.duplicate())
        )
    }

    func send(_ bytes: [UInt8]) throws {
        let count = try UnixSocket.send(socket!, bytes.span)
        try #require(count == bytes.count)
    }

    /// At most so many of the bytes that have arrived.
    func read(atMost most: Int = 1 << 20) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: min(most, 4096))
        while bytes.count < most {
            let room = min(most - bytes.count, buffer.count)
            let count = try unsafe buffer.withUnsafeMutableBytes {
                try unsafe socket!.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[..<room]))
            }
            guard let count, count > 0 else { break }
            bytes += buffer[..<count]
        }
        return bytes
    }

    func finish() { UnixSocket.shutdownWriting(socket!) }

    func close() { socket = nil }
}

/// Runs a loop that something shall stop; a failure, not a hang, when nothing does.
func run(
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

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
