// All the processes of one call, so that they can be ended together: a control group where there are such, and
// otherwise whom they descend from, and a mark in the environment that they inherit.

import Linux

final class CallGroup {
    private let group: ControlGroup?
    private let name: String
    let mark: UInt32
    private let census: (any Census)?
    /// Where the group is not ours to open any more when somebody has to be killed.
    private let killSwitch: ControlGroup.KillSwitch?
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
        (census, killSwitch) = (nil, nil)
        (events, cpu) = (group.statistics("cgroup.events"), group.statistics("cpu.stat"))
        memoryEvents = group.statistics("memory.events")
        memoryPeak = group.statistics("memory.peak")
        // An out-of-memory kill takes the whole call, and not whichever of its processes is largest.
        try? group.set("memory.oom.group", "1")
    }

    /// Where there are no control groups. `leaders` are the first processes of all calls, with their marks.
    init(_ mark: UInt32, leaders: @escaping () -> [Int32: UInt32]) {
        self.mark = mark
        census = ProcessCensus(call: mark, leaders: leaders)
        (group, killSwitch, name) = (nil, nil, "")
        (events, cpu, memoryEvents, memoryPeak) = (nil, nil, nil, nil)
    }

    /// Of the one command of this process, in a group that somebody else made and takes away; without one, all who
    /// descend from this process.
    init(whole group: ControlGroup?) throws(SystemError) {
        (mark, name) = (0, "")
        self.group = group
        census = group == nil ? Descendants() : nil
        killSwitch = try group?.killSwitch()
        (events, cpu) = (group?.statistics("cgroup.events"), group?.statistics("cpu.stat"))
        memoryEvents = group?.statistics("memory.events")
        memoryPeak = group?.statistics("memory.peak")
    }

    var variable: String { "\(ProcessCensus.markName)=\(mark)" }

    func table() throws(SystemError) -> DescriptorTable {
        var table = DescriptorTable()
        if let group { try table.add(group.directory) }
        return table
    }

    /// Everybody in it is killed now, and nobody can be born into it meanwhile.
    func kill() {
        if let killSwitch, (try? killSwitch.kill()) != nil { return }
        // A kernel before 5.14 has groups and no cgroup.kill.
        if let group, (try? group.kill()) != nil { return }
        census?.killAll()
    }

    var isEmpty: Bool {
        group == nil ? census?.members.isEmpty ?? true : events?.number("populated") == 0
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
