import Cells

/// How much a client may have, as policy files say it. Of several numbers the smallest holds, so it does not matter
/// who says them first.
package struct ClientLimits: Equatable, Sendable {
    package enum Name: String, CaseIterable, Sendable {
        case memory, swap, cpu, tasks, disk, temporary, output, sessions
        case memoryHigh = "memory_high"
        case cpuWeight = "cpu_weight"
        case ioWeight = "io_weight"
        case openFiles = "open_files"
        case fileSize = "file_size"
        case lockedMemory = "locked_memory"
        case wallClock = "wall_clock"
    }

    package private(set) var values: [Name: UInt64] = [:]

    package init() {}

    package subscript(name: Name) -> UInt64? { values[name] }

    package mutating func lower(_ name: Name, to value: UInt64) {
        values[name] = min(values[name] ?? value, value)
    }

    mutating func lower(to other: ClientLimits) {
        for (name, value) in other.values { lower(name, to: value) }
    }

    /// What nobody speaks of is as it is for everybody.
    package var ofCell: CellLimits {
        var limits = CellLimits()
        func set<Value: FixedWidthInteger>(_ place: WritableKeyPath<CellLimits, Value>, _ name: Name) {
            if let value = values[name] { limits[keyPath: place] = Value(clamping: value) }
        }
        set(\.memoryMost, .memory)
        // A little below the end: where the kernel only slows down, a program that goes on stands still.
        if let most = values[.memory] { limits.memoryHigh = most - min(32 << 20, most / 8) }
        set(\.memoryHigh, .memoryHigh)
        limits.memoryHigh = min(limits.memoryHigh, limits.memoryMost)
        set(\.swapMost, .swap)
        set(\.cpuPercent, .cpu)
        set(\.tasks, .tasks)
        set(\.cpuWeight, .cpuWeight)
        set(\.ioWeight, .ioWeight)
        set(\.openFiles, .openFiles)
        set(\.fileBytes, .fileSize)
        set(\.lockedBytes, .lockedMemory)
        set(\.temporaryBytes, .temporary)
        set(\.workspaceBytes, .disk)
        return limits
    }
}

/// So many calls in so many seconds.
package struct CallRate: Hashable, Sendable {
    package let count: Int
    package let seconds: Int

    package init(count: Int, seconds: Int) { (self.count, self.seconds) = (count, seconds) }
}

/// Of all calls, and of single tools. Every one of them holds.
package struct CallRates: Equatable, Sendable {
    package var calls: Set<CallRate> = []
    package var tools: [String: Set<CallRate>] = [:]

    mutating func add(_ other: CallRates) {
        calls.formUnion(other.calls)
        for (tool, rates) in other.tools { tools[tool, default: []].formUnion(rates) }
    }
}
