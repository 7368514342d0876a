/// Names one scheduled action, until it ran or was cancelled.
package struct TimerID: Hashable, Sendable {
    let number: UInt64
}

/// Actions in the order of their deadlines: a binary heap of deadlines beside a table of actions.
/// Cancelling forgets the action at once and leaves the heap's entry to be skipped; when most entries
/// are of that kind the heap is made anew, so that timers that are always cancelled cost no memory.
struct TimerQueue {
    private struct Entry {
        let deadline: Duration
        let id: TimerID

        func isBefore(_ other: Entry) -> Bool {
            (deadline, id.number) < (other.deadline, other.id.number)
        }
    }

    private var heap: [Entry] = []
    private var actions: [TimerID: () -> Void] = [:]
    private var lastNumber: UInt64 = 0

    /// The one that was scheduled last.
    var newest: TimerID { TimerID(number: lastNumber) }
    var isEmpty: Bool { actions.isEmpty }
    /// What the heap holds, forgotten entries included.
    var entryCount: Int { heap.count }

    mutating func schedule(at deadline: Duration, _ action: @escaping () -> Void) -> TimerID {
        lastNumber += 1
        let id = TimerID(number: lastNumber)
        actions[id] = action
        heap.append(Entry(deadline: deadline, id: id))
        siftUp(heap.count - 1)
        return id
    }

    mutating func cancel(_ id: TimerID) {
        guard actions.removeValue(forKey: id) != nil else { return }
        if heap.count > 64, heap.count > 2 * actions.count {
            heap.removeAll { actions[$0.id] == nil }
            heap.sort { $0.isBefore($1) }
        }
    }

    mutating func nextDeadline() -> Duration? {
        while let first = heap.first, actions[first.id] == nil { removeFirst() }
        return heap.first?.deadline
    }

    /// The first action whose time has come, unless it was scheduled after `newest`.
    mutating func popDue(at now: Duration, upTo newest: TimerID) -> (() -> Void)? {
        guard let deadline = nextDeadline(), deadline <= now, heap[0].id.number <= newest.number
        else { return nil }
        return actions.removeValue(forKey: removeFirst().id)
    }

    @discardableResult
    private mutating func removeFirst() -> Entry {
        heap.swapAt(0, heap.count - 1)
        let first = heap.removeLast()
        siftDown(0)
        return first
    }

    private mutating func siftUp(_ start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].isBefore(heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var parent = start
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].isBefore(heap[least]) {
                least = child
            }
            if least == parent { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
