import Foundation
import Glibc
import Linux
import TestSupport
import Testing

@testable import EventLoop

struct ListenerTests {
    @Test func `it hands over each connection as it is made`() throws {
        let loop = try EventLoop(clock: ManualClock())
        let place = Place()
        var streams: [SocketStream] = []
        let listener = Listener(try place.listen(), on: loop)
        try listener.start(onConnection: { streams.append($0) }, onTrouble: { Issue.record($0) })
        try loop.runUntilIdle()
        #expect(streams.isEmpty)
        let client = try place.connect()
        try loop.runUntilIdle()
        #expect(streams.count == 1)
        _ = try UnixSocket.send(client, Array("hello".utf8).span)
        #expect(try read(streams[0]) == Array("hello".utf8))
        let others = [try Held(place.connect()), try Held(place.connect())]
        try loop.runUntilIdle()
        #expect(streams.count == 3)
        withExtendedLifetime(others) {}
        listener.close()
    }

    @Test func `who connects is known by the kernel's word`() throws {
        let loop = try EventLoop(clock: ManualClock())
        let place = Place()
        var uids: [uid_t] = []
        let listener = Listener(try place.listen(), on: loop)
        try listener.start(
            onConnection: { uids += (try? $0.peerCredentials().uid).map { [$0] } ?? [] },
            onTrouble: { Issue.record($0) })
        let client = try place.connect()
        try loop.runUntilIdle()
        #expect(uids == [geteuid()])
        _ = consume client
        listener.close()
    }

    @Test func `after its end nobody is accepted`() throws {
        let loop = try EventLoop(clock: ManualClock())
        let place = Place()
        var count = 0
        let listener = Listener(try place.listen(), on: loop)
        try listener.start(onConnection: { _ in count += 1 }, onTrouble: { Issue.record($0) })
        let waiting = try place.connect()
        listener.close()
        try loop.runUntilIdle()
        #expect(count == 0)
        _ = consume waiting
        try Deadline().wait(for: "the end of the socket") { (try? Held(place.connect())) == nil }
    }

    @Test func `it may be closed by the connection that it hands over`() throws {
        let loop = try EventLoop(clock: ManualClock())
        let place = Place()
        var count = 0
        let listener = Listener(try place.listen(), on: loop)
        try listener.start(
            onConnection: { _ in
                count += 1
                listener.close()
            }, onTrouble: { Issue.record($0) })
        let clients = [try Held(place.connect()), try Held(place.connect())]
        try loop.runUntilIdle()
        #expect(count == 1)
        withExtendedLifetime(clients) {}
    }

    /// In a process of its own, which has few descriptors and uses them up.
    @Test func `without descriptors it says so once, rests, and goes on`() async {
        await #expect(processExitsWith: .success) {
            let clock = ManualClock()
            let loop = try EventLoop(clock: clock)
            let place = Place()
            var streams: [SocketStream] = []
            var troubles: [SystemError] = []
            let listener = Listener(try place.listen(), on: loop)
            try listener.start(
                onConnection: { streams.append($0) }, onTrouble: { troubles.append($0) })
            let clients = [try Held(place.connect()), try Held(place.connect())]

            var limit = rlimit(rlim_cur: 100, rlim_max: 100)
            try #require(unsafe setrlimit(RLIMIT_NOFILE, &limit) == 0)
            var hoard: [Held] = []
            while let fd = try? File.open("/dev/null") { hoard.append(Held(fd)) }

            // However often the loop turns: a listener that tried at once would spin.
            for _ in 0..<10 { try loop.turn(waiting: false) }
            #expect(troubles == [SystemError("accept4", .processFilesExhausted)])
            #expect(streams.isEmpty)

            // Still none: the next attempt says it once more.
            clock.advance(by: .milliseconds(200))
            for _ in 0..<10 { try loop.turn(waiting: false) }
            #expect(troubles.count == 2)

            hoard = []
            try loop.runUntilIdle()
            #expect(streams.isEmpty)
            clock.advance(by: .milliseconds(200))
            try loop.runUntilIdle()
            #expect(streams.count == 2)
            #expect(troubles.count == 2)
            withExtendedLifetime(clients) {}
            listener.close()
        }
    }

    private func read(_ stream: SocketStream) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 100)
        let count = try unsafe buffer.withUnsafeMutableBytes { try unsafe stream.read(into: $0) }
        return Array(buffer.prefix(count ?? 0))
    }
}

/// A path for a socket, gone with the test.
private final class Place {
    private let path = "\(NSTemporaryDirectory())/cloister-\(UUID().uuidString).sock"

    func listen() throws -> OwnedFD { try UnixSocket.listen(at: path, mode: 0o600) }
    func connect() throws -> OwnedFD { try UnixSocket.connect(to: path) }

    deinit { try? File.remove(path) }
}

/// A descriptor in an array.
private final class Held {
    private let fd: OwnedFD
    init(_ fd: consuming OwnedFD) { self.fd = fd }
}
