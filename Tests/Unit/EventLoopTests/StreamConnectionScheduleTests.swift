import Linux
import TestSupport
import Testing

@testable import EventLoop

/// Any order of what both sides can do, from a seed. What must hold is always the same.
struct StreamConnectionScheduleTests {
    private struct Schedule {
        var random: SeededGenerator
        let wire: Wire
        var sentByUs = ""
        var sentByPeer = ""
        var takenByPeer = ""
        var peerHasFinished = false
        var isClosedByUs = false
        var eventsAtClose = 0
        var next: UInt8 = 0

        init(seed: Int) throws {
            random = SeededGenerator(seed: seed)
            let capacity = Int.random(in: 1...20, using: &random)
            let limits = (
                high: Int.random(in: 5...40, using: &random),
                most: Int.random(in: 50...400, using: &random)
            )
            wire = try Wire(capacity: capacity) {
                ($0.highWater, $0.lowWater) = (limits.high, limits.high / 3)
                ($0.mostBacklog, $0.stallTime) = (limits.most, .seconds(10))
            }
        }

        mutating func words() -> String {
            let count = Int.random(in: 1...30, using: &random)
            return String(
                decoding: (0..<count).map { _ in
                    next = (next + 1) % 26
                    return UInt8(ascii: "a") + next
                }, as: UTF8.self)
        }

        /// One step; false when the peer has closed, after which it can do nothing.
        mutating func step() throws -> Bool {
            switch Int.random(in: 0..<200, using: &random) {
            case 0..<60:
                let words = words()
                if !isClosedByUs, wire.ends.isEmpty { sentByUs += words }
                wire.send(words)
            case 60..<110:
                takenByPeer += text(wire.peer.takeAll())
            case 110..<150:
                guard !peerHasFinished else { break }
                let words = words()
                sentByPeer += words
                wire.peer.send(words)
            case 150..<180:
                try wire.loop.turn(waiting: false)
            case 180..<190:
                try wire.advance(by: .seconds(Int.random(in: 1...4, using: &random)))
            case 190..<192:
                wire.connection.closeWhenSent()
            case 192..<194:
                peerHasFinished = true
                wire.peer.shutdownWriting()
            case 194:
                if !isClosedByUs {
                    (isClosedByUs, eventsAtClose) = (true, wire.events.count)
                }
                wire.connection.close()
            case 195:
                wire.peer.close()
                return false
            default:
                try wire.settle()
            }
            return true
        }
    }

    @Test(arguments: 0..<300)
    func `a connection ends once, and loses and invents nothing`(seed: Int) throws {
        var schedule = try Schedule(seed: seed)
        let wire = schedule.wire
        var peerIsThere = true
        for _ in 0..<Int.random(in: 5..<300, using: &schedule.random) {
            peerIsThere = try schedule.step()
            if !peerIsThere { break }
        }
        if peerIsThere { wire.peer.close() }
        try wire.settle()
        try wire.advance(by: .seconds(100))
        schedule.takenByPeer += text(wire.peer.takeAll())

        // Once, unless we closed it ourselves before it ended: then never.
        if !schedule.isClosedByUs { #expect(wire.ends.count == 1) }
        #expect(wire.ends.count <= 1)
        if wire.ends.count == 1 { #expect(wire.events.last == .end(wire.ends[0])) }
        if schedule.isClosedByUs { #expect(wire.events.count == schedule.eventsAtClose) }
        #expect(wire.events.filter { $0 == .finish }.count <= 1)

        #expect(schedule.sentByUs.hasPrefix(schedule.takenByPeer))
        #expect(schedule.sentByPeer.hasPrefix(wire.received))
        if wire.ends == ["closed after the last byte"], peerIsThere {
            #expect(schedule.takenByPeer == schedule.sentByUs)
        }
        if wire.events.contains(.finish) { #expect(wire.received == schedule.sentByPeer) }
    }
}
