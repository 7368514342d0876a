import Glibc
import Linux
import TestSupport
import Testing

/// Epoll, poll, signals and counters: what wakes a program up.
@Suite struct WaitingTests {
    private func events(
        _ epoll: borrowing Epoll, milliseconds: CInt = 0
    ) throws -> [UInt64: Epoll.Readiness] {
        var events: [UInt64: Epoll.Readiness] = [:]
        try epoll.wait(milliseconds: milliseconds) { events[$0] = $1 }
        return events
    }

    @Test("Epoll names what is ready by its token, for as long as it is")
    func readiness() throws {
        let epoll = try Epoll()
        let pair = try UnixSocket.pair()
        try epoll.add(pair.one, .read, token: 1 << 40)
        try epoll.add(pair.other, [.read, .write], token: 2)
        #expect(try events(epoll) == [2: .write])
        _ = try UnixSocket.send(pair.other, [1].span)
        for _ in 1...2 { #expect(try events(epoll) == [1 << 40: .read, 2: .write]) }
        _ = try pair.one.readSome(atMost: 1)
        #expect(try events(epoll) == [2: .write])
        try epoll.modify(pair.other, .read, token: 3)
        #expect(try events(epoll) == [:])
        _ = try UnixSocket.send(pair.one, [1].span)
        #expect(try events(epoll) == [3: .read])
        try epoll.remove(pair.other)
        #expect(try events(epoll) == [:])
    }

    @Test("A hang-up is reported without being asked for, a half-close is readable only")
    func hangUp() throws {
        let epoll = try Epoll()
        let ends = try SocketPair()
        let theirs = try ends.programsEnd()
        try epoll.add(theirs, .read, token: 1)
        ends.ours.writer.finish()
        #expect(try events(epoll)[1]?.isHungUp == false)
        #expect(try events(epoll)[1]?.contains(.read) == true)
        try epoll.modify(theirs, [], token: 1)
        #expect(try events(epoll) == [:])
        ends.ours.hangUp()
        // Not at once: a child that another test starts holds a copy until it executes its program.
        #expect(try events(epoll, milliseconds: 10_000)[1]?.isHungUp == true)
    }

    @Test("More descriptors than one wait hands over are all handed over in time")
    func many() throws {
        let epoll = try Epoll()
        let event = try EventFD()
        event.signal()
        let copies = try (0..<300).map { _ in Held(try event.fd.duplicate()) }
        for (index, copy) in copies.enumerated() { try epoll.add(copy.fd, .read, token: UInt64(index)) }
        var seen: Set<UInt64> = []
        for _ in 1...4 { seen.formUnion(try events(epoll).keys) }
        #expect(seen.count == 300)
    }

    private final class Held: Sendable {
        let fd: OwnedFD
        init(_ fd: consuming OwnedFD) { self.fd = fd }
    }

    @Test("Adding twice, or what is not there, is an error with its name")
    func epollErrors() throws {
        let epoll = try Epoll()
        let pipe = try Linux.Pipe()
        try epoll.add(pipe.reading, .read, token: 1)
        #expect(throws: SystemError("epoll_ctl", .exists)) {
            try epoll.add(pipe.reading, .read, token: 2)
        }
        #expect(throws: SystemError("epoll_ctl", .notFound)) { try epoll.remove(pipe.writing) }
        // A regular file is always ready, and epoll will not have it.
        let file = try File.open("/proc/self/exe")
        #expect(throws: SystemError("epoll_ctl", Errno(rawValue: EPERM))) {
            try epoll.add(file, .read, token: 3)
        }
    }

    @Test("A wait lasts as long as it was told, and a signal of another thread's counter ends it")
    func waiting() throws {
        let epoll = try Epoll()
        let start = SystemClock.monotonic
        #expect(try events(epoll, milliseconds: 50) == [:])
        #expect(SystemClock.monotonic - start >= .milliseconds(50))
        let event = try EventFD()
        try epoll.add(event.fd, .read, token: 1)
        let copy = try event.fd.duplicate()
        let writer = ByteWriter(copy)
        let signalling = Beside { try writer.write([1, 0, 0, 0, 0, 0, 0, 0]) }
        #expect(try events(epoll, milliseconds: 30_000) == [1: .read])
        try signalling.value()
        event.clear()
        #expect(try events(epoll) == [:])
    }

    // MARK: Poll

    @Test("A poll set answers by place, and a place without a descriptor stays silent")
    func pollSet() throws {
        let pipe = try Linux.Pipe()
        let file = try File.open("/proc/self/exe")
        var set = PollSet()
        set.add(pipe.reading, .read)
        set.addNothing()
        set.add(pipe.writing, .write)
        set.add(file, [.read, .write])
        try set.wait()
        #expect(set[0] == [])
        #expect(set[1] == [])
        #expect(set[2] == .write)
        #expect(set[3] == [.read, .write])
        set.removeAll()
        _ = try pipe.writing.write([1].span)
        set.add(pipe.reading, .read)
        try set.wait()
        #expect(set[0] == .read)
        #expect(!set[0].isHungUp)
    }

    @Test("A reader or a writer that is gone is a hang-up")
    func pollHangUp() throws {
        let reading = try Linux.Pipe().readingAlone()
        var set = PollSet()
        set.add(reading, [])
        try set.wait()
        #expect(set[0].isHungUp)
        let writing = try Linux.Pipe().writingAlone()
        set.removeAll()
        set.add(writing, [])
        try set.wait()
        #expect(set[0].isHungUp)
    }

    // MARK: Signals

    @Test("Blocked signals arrive as numbers, and nowhere else")
    func signals() throws {
        // A thread of its own, whose mask is its own.
        let arrived = try Beside {
            let source = try SignalFD([SIGUSR1, SIGTERM])
            #expect(isCloseOnExec(source.fd) == true)
            #expect(try source.next() == nil)
            pthread_kill(pthread_self(), SIGTERM)
            pthread_kill(pthread_self(), SIGUSR1)
            pthread_kill(pthread_self(), SIGUSR1)
            let first = try source.next()
            let second = try source.next()
            return [first, second, try source.next()]
        }.value()
        #expect(Set(arrived) == [SIGTERM, SIGUSR1, nil])
        #expect(arrived.last == .some(nil))
    }

    @Test("A call that a signal interrupts goes on as if nothing had been")
    func interruption() throws {
        let pipe = try Linux.Pipe()
        let reading = Held(try pipe.reading.duplicate())
        let thread = ThreadUnderTest()
        Interruptions.install(SIGUSR2)
        let read = Beside {
            thread.begin()
            return try reading.fd.readSome(atMost: 10)
        }
        let polled = try Linux.Pipe()
        let polledEnd = Held(try polled.reading.duplicate())
        let poller = ThreadUnderTest()
        let poll = Beside {
            poller.begin()
            var set = PollSet()
            set.add(polledEnd.fd, .read)
            try set.wait()
            return set[0]
        }
        for each in [thread, poller] {
            let before = Interruptions.count
            try each.waitUntilAsleep()
            each.interrupt(SIGUSR2)
            try Deadline().wait(for: "the signal") { Interruptions.count > before }
            try each.waitUntilAsleep()
        }
        _ = try pipe.writing.write([9].span)
        _ = try polled.writing.write([9].span)
        #expect(try read.value() == [9])
        #expect(try poll.value() == .read)
    }
}
