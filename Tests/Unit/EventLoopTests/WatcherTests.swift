import Linux
import Testing

@testable import EventLoop

struct WatcherTests {
    /// A descriptor that is readable from `signal` to `clear`.
    private final class Flag {
        let event: EventFD
        var watch: EventLoop.Watch?
        var calls = 0

        init(raised: Bool = true) throws {
            event = try EventFD()
            if raised { event.signal() }
        }

        func start(on loop: EventLoop, _ action: @escaping () -> Void = {}) throws {
            watch = try loop.watch(event.fd, .read) { [unowned self] _ in
                calls += 1
                action()
            }
        }

        func stop(on loop: EventLoop) {
            if let watch { loop.unwatch(watch, of: event.fd) }
        }
    }

    @Test func `a watcher is called in every turn for as long as its descriptor is ready`() throws {
        let loop = try EventLoop(clock: ManualClock())
        let flag = try Flag(raised: false)
        try flag.start(on: loop)
        try loop.turn(waiting: false)
        #expect(flag.calls == 0)
        flag.event.signal()
        for _ in 0..<3 { try loop.turn(waiting: false) }
        #expect(flag.calls == 3)
        flag.event.clear()
        try loop.turn(waiting: false)
        #expect(flag.calls == 3)
    }

    @Test func `it is called for what it is interested in, and told what that was`() throws {
        let loop = try EventLoop(clock: ManualClock())
        let pair = try UnixSocket.pair()
        var seen: [Epoll.Readiness] = []
        let watch = try loop.watch(pair.one, .read) { seen.append($0) }
        try loop.turn(waiting: false)
        #expect(seen == [])
        try loop.update(watch, of: pair.one, .write)
        try loop.turn(waiting: false)
        #expect(seen == [.write])
        _ = try UnixSocket.send(pair.other, [1].span)
        try loop.turn(waiting: false)
        #expect(seen == [.write, .write])
        try loop.update(watch, of: pair.one, [.read, .write])
        try loop.turn(waiting: false)
        #expect(seen == [.write, .write, [.read, .write]])
    }

    @Test func `a hang-up is told without being asked for`() throws {
        let loop = try EventLoop(clock: ManualClock())
        let pair = try UnixSocket.pair()
        var seen: [Epoll.Readiness] = []
        let mine = try pair.one.duplicate()
        _ = try loop.watch(mine, []) { seen.append($0) }
        try loop.turn(waiting: false)
        #expect(seen.isEmpty)
        UnixSocket.shutdownWriting(pair.one)
        UnixSocket.shutdownWriting(pair.other)
        try loop.turn(waiting: false)
        #expect(seen.count == 1)
        #expect(seen.allSatisfy { $0.isHungUp })
    }

    @Test func `a watcher may unwatch itself`() throws {
        let loop = try EventLoop(clock: ManualClock())
        let flag = try Flag()
        try flag.start(on: loop) { flag.stop(on: loop) }
        try loop.runUntilIdle()
        #expect(flag.calls == 1)
        // Once more is no harm.
        flag.stop(on: loop)
    }

    @Test func `a watcher may unwatch another one whose event is being handed out`() throws {
        let loop = try EventLoop(clock: ManualClock())
        let (one, other) = (try Flag(), try Flag())
        // Whichever is called first, the other one's event came in the same wait.
        try one.start(on: loop) { other.stop(on: loop) }
        try other.start(on: loop) { one.stop(on: loop) }
        try loop.turn(waiting: false)
        #expect(one.calls + other.calls == 1)
    }

    @Test func `an event is not handed to who watches the same descriptor since`() throws {
        let loop = try EventLoop(clock: ManualClock())
        let flags = [try Flag(), try Flag()]
        var callsOfNew = 0
        for (flag, other) in [(flags[0], flags[1]), (flags[1], flags[0])] {
            try flag.start(on: loop) {
                other.stop(on: loop)
                other.watch = try? loop.watch(other.event.fd, .read) { _ in callsOfNew += 1 }
            }
        }
        try loop.turn(waiting: false)
        #expect(flags.map(\.calls).reduce(0, +) == 1)
        #expect(callsOfNew == 0)
        // But from the next turn on it is.
        for flag in flags where flag.calls == 1 { flag.stop(on: loop) }
        try loop.turn(waiting: false)
        #expect(callsOfNew == 1)
    }

    @Test func `a watcher may begin to watch another descriptor`() throws {
        let loop = try EventLoop(clock: ManualClock())
        let (one, other) = (try Flag(), try Flag())
        try one.start(on: loop) {
            one.stop(on: loop)
            try? other.start(on: loop) { other.stop(on: loop) }
        }
        try loop.runUntilIdle()
        #expect(other.calls == 1)
    }

    @Test func `more descriptors than one wait reports are all served`() throws {
        let loop = try EventLoop(clock: ManualClock())
        let flags = try (0..<300).map { _ in try Flag() }
        for flag in flags { try flag.start(on: loop) { flag.event.clear() } }
        try loop.runUntilIdle()
        #expect(flags.allSatisfy { $0.calls == 1 })
    }

    @Test func `what a watcher holds is let go when it is unwatched`() throws {
        let loop = try EventLoop(clock: ManualClock())
        let flag = try Flag()
        var held: Flag? = try Flag()
        weak let witness = held
        try flag.start(on: loop) { [held] in _ = held }
        held = nil
        #expect(witness != nil)
        flag.stop(on: loop)
        #expect(witness == nil)
    }
}
