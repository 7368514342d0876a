import TestSupport
import Testing

@testable import EventLoop

struct TimerQueueTests {
    private final class Record {
        var ran: [Int] = []
    }

    @Test func `actions come in the order of their deadlines, and only when these have come`() {
        var queue = TimerQueue()
        let record = Record()
        for second in [5, 1, 4, 2, 3] {
            _ = queue.schedule(at: .seconds(second)) { record.ran.append(second) }
        }
        #expect(queue.nextDeadline() == .seconds(1))
        while let action = queue.popDue(at: .seconds(3), upTo: queue.newest) { action() }
        #expect(record.ran == [1, 2, 3])
        #expect(queue.nextDeadline() == .seconds(4))
        while let action = queue.popDue(at: .seconds(5), upTo: queue.newest) { action() }
        #expect(record.ran == [1, 2, 3, 4, 5])
        #expect(queue.isEmpty)
        #expect(queue.nextDeadline() == nil)
    }

    @Test func `equal deadlines come in the order of scheduling`() {
        var queue = TimerQueue()
        let record = Record()
        for number in 0..<100 {
            _ = queue.schedule(at: .seconds(1)) { record.ran.append(number) }
        }
        while let action = queue.popDue(at: .seconds(1), upTo: queue.newest) { action() }
        #expect(record.ran == Array(0..<100))
    }

    @Test func `what was scheduled later than asked for stays, due or not`() {
        var queue = TimerQueue()
        let record = Record()
        _ = queue.schedule(at: .seconds(2)) { record.ran.append(1) }
        let newest = queue.newest
        _ = queue.schedule(at: .seconds(2)) { record.ran.append(2) }
        while let action = queue.popDue(at: .seconds(2), upTo: newest) { action() }
        #expect(record.ran == [1])
        while let action = queue.popDue(at: .seconds(2), upTo: queue.newest) { action() }
        #expect(record.ran == [1, 2])
    }

    @Test func `a cancelled action never comes, and its deadline is nobody's`() {
        var queue = TimerQueue()
        let record = Record()
        let first = queue.schedule(at: .seconds(1)) { record.ran.append(1) }
        _ = queue.schedule(at: .seconds(2)) { record.ran.append(2) }
        queue.cancel(first)
        #expect(queue.nextDeadline() == .seconds(2))
        while let action = queue.popDue(at: .seconds(9), upTo: queue.newest) { action() }
        #expect(record.ran == [2])
    }

    @Test func `cancelling twice, or after the action came, changes nothing`() {
        var queue = TimerQueue()
        let gone = queue.schedule(at: .seconds(1)) {}
        _ = queue.popDue(at: .seconds(1), upTo: queue.newest)
        let cancelled = queue.schedule(at: .seconds(1)) {}
        queue.cancel(cancelled)
        _ = queue.schedule(at: .seconds(2)) {}
        queue.cancel(cancelled)
        queue.cancel(gone)
        #expect(!queue.isEmpty)
        #expect(queue.nextDeadline() == .seconds(2))
    }

    @Test func `what a cancelled action holds is let go at once`() {
        var queue = TimerQueue()
        var held: Record? = Record()
        weak let witness = held
        let timer = queue.schedule(at: .seconds(1)) { [held] in held?.ran.append(1) }
        held = nil
        #expect(witness != nil)
        queue.cancel(timer)
        #expect(witness == nil)
    }

    @Test func `timers that are always cancelled cost no memory`() {
        var queue = TimerQueue()
        let stays = queue.schedule(at: .seconds(1_000_000)) {}
        for second in 0..<10_000 {
            queue.cancel(queue.schedule(at: .seconds(second)) {})
            #expect(queue.entryCount <= 65)
        }
        #expect(!queue.isEmpty)
        queue.cancel(stays)
        #expect(queue.nextDeadline() == nil)
        #expect(queue.entryCount == 0)
    }

    @Test func `cancelling most of many compacts the heap and keeps the order of the rest`() {
        var queue = TimerQueue()
        let record = Record()
        let timers = (0..<1000).map { number in
            queue.schedule(at: .seconds(1000 - number)) { record.ran.append(number) }
        }
        for number in 0..<1000 where number % 10 != 0 { queue.cancel(timers[number]) }
        #expect(queue.entryCount <= 200)
        while let action = queue.popDue(at: .seconds(1000), upTo: queue.newest) { action() }
        #expect(record.ran == stride(from: 990, through: 0, by: -10).map { $0 })
    }

    /// The queue beside the simplest thing that does the same: a sorted array.
    @Test(arguments: 0..<20)
    func `it agrees with a sorted array on any sequence of operations`(seed: Int) {
        var random = SeededGenerator(seed: seed)
        var queue = TimerQueue()
        var model: [(deadline: Duration, number: Int, id: TimerID)] = []
        var everyID: [TimerID] = []
        let record = Record()
        for number in 0..<3000 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                let deadline = Duration.milliseconds(Int.random(in: 0..<100, using: &random))
                let id = queue.schedule(at: deadline) { record.ran.append(number) }
                everyID.append(id)
                let place = model.firstIndex { $0.deadline > deadline } ?? model.count
                model.insert((deadline, number, id), at: place)
            case 5..<9:
                // Of those that came or were cancelled already, too.
                guard let id = everyID.randomElement(using: &random) else { continue }
                queue.cancel(id)
                guard let place = model.firstIndex(where: { $0.id == id }) else { continue }
                model.remove(at: place)
                #expect(queue.entryCount <= max(64, 2 * model.count))
            default:
                let now = Duration.milliseconds(Int.random(in: 0..<20, using: &random))
                var expected: [Int] = []
                while let first = model.first, first.deadline <= now {
                    expected.append(model.removeFirst().number)
                }
                record.ran = []
                while let action = queue.popDue(at: now, upTo: queue.newest) { action() }
                #expect(record.ran == expected)
            }
            #expect(queue.isEmpty == model.isEmpty)
            #expect(queue.nextDeadline() == model.first?.deadline)
        }
    }
}
