// All the processes of one call, so that they can be ended together: a control group where there are such, and
// otherwise a mark in the environment that they inherit.

import Linux

final class CallGroup {
    private let group: ControlGroup?
    private let name: String
    private let mark: UInt32
    // Open before they are wanted: a group is made while nobody waits, and its end is waited for.
    private let events: ControlGroup.Statistics?
    private let cpu: ControlGroup.Statistics?
    private let memoryEvents: ControlGroup.Statistics?
    private let memoryPeak: ControlGroup.Statistics?

    /// A group for one call, below the cell's own.
    init(_ mark: UInt32, below parent: ControlGroup) throws(SystemError) {
        self.mark = mark
        name = "call-\(mark)"
        let group = try parent.makeChild(name)
        self.group = group
        events = group.statistics("cgroup.events")
        cpu = group.statistics("cpu.stat")
        memoryEvents = group.statistics("memory.events")
        memoryPeak = group.statistics("memory.peak")
        // An out-of-memory kill takes the whole call, and not whichever of its processes is largest.
        try? group.set("memory.oom.group", "1")
    }

    /// Where there are no control groups.
    init(_ mark: UInt32) {
        self.mark = mark
        group = nil
        name = ""
        (events, cpu, memoryEvents, memoryPeak) = (nil, nil, nil, nil)
    }

    static let markName = "CLOISTER_CALL"
    var variable: String { "\(Self.markName)=\(mark)" }

    func table() throws(SystemError) -> DescriptorTable {
        var table = DescriptorTable()
        if let group { try table.add(group.directory) }
        return table
    }

    /// Everybody in it is killed now, and nobody can be born into it meanwhile.
    func kill() {
        // A kernel before 5.14 has groups and no cgroup.kill.
        if let group, (try? group.kill()) != nil { return }
        ProcessMarks.killAll(with: variable)
    }

    var isEmpty: Bool {
        group == nil ? !ProcessMarks.exists(variable) : events?.number("populated") == 0
    }

    /// False while something in it is not gone yet.
    func remove(from parent: ControlGroup) -> Bool {
        guard group != nil else { return true }
        return (try? parent.removeChild(name)) != nil
    }

    var cpuMicroseconds: UInt64? { cpu?.number("usage_usec") }

    var peakMemoryBytes: UInt64? { memoryPeak?.text.flatMap { UInt64($0.filter(\.isNumber)) } }

    var ranOutOfMemory: Bool { (memoryEvents?.number("oom_kill") ?? 0) > 0 }
}

/// Processes by a variable that they were started with. A program that hides its environment is found by
/// being unreadable, which no honest one is.
enum ProcessMarks {
    static func killAll(with variable: String) {
        // Whoever forks faster than this looks meets the limit of processes, and then a pass that finds all.
        for _ in 0..<50 {
            let found = processes(with: variable)
            if found.isEmpty { return }
            for pid in found { Signals.send(to: pid) }
        }
    }

    static func exists(_ variable: String) -> Bool { !processes(with: variable).isEmpty }

    private static func processes(with variable: String) -> [Int32] {
        let entries = (try? File.open("/proc", .directory).entryNames()) ?? []
        let wanted = Array(variable.utf8)
        return entries.compactMap(Int32.init).filter { pid in
            guard pid > 2, let environment = try? File.read("/proc/\(pid)/environ", limit: 256 << 10) else {
                return false
            }
            return environment.split(separator: 0).contains { $0.elementsEqual(wanted) }
        }
    }
}
