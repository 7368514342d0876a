// The control groups of all cells, below the one that was delegated to celld:
//
//   our group ─┬─ keeper                celld itself: a group with controllers may not hold processes
//              ├─ cell-7 ─┬─ init       its first process and its starter (an ordinary user's are in cell-7 itself)
//              │          └─ programs ─── call-… one for each call, made by the first process itself
//              └─ command-3 ─┬─ init    the process that runs one command on the host
//                            └─ programs  the command, whose user has no right to anything here
//
// The limit of memory is that of `programs`. The kernel ends processes of the group whose limit was reached, and so
// never the first process, however small each of too many programs is; the cell as a whole has a little more. All
// other limits are the cell's.
//
// What an earlier celld left is killed and removed at the start. A group that is not needed any more is killed at
// once, and removed when its last process is gone.

import Cells
import Linux

final class CellGroups {
    private let base: ControlGroup
    /// In standalone mode: where `base` is, and its name there.
    private let place: (parent: ControlGroup, name: String)?
    /// Those that are asked for and not there.
    let missingControllers: [String]
    /// Killed, and not empty yet.
    private var leaving: [String] = []

    static let controllers = ["memory", "pids", "cpu", "io"]

    /// Below our own group; in standalone mode in a group of our own that is found again by its name.
    init(standalone name: String?) throws(SystemError) {
        let own = try ControlGroup.open(try ControlGroup.ownPath())
        if let name {
            if let found = try? own.child(name) { base = found } else { base = try own.makeChild(name) }
            place = (own, name)
        } else {
            let keeper: ControlGroup
            if let found = try? own.child("keeper") {
                keeper = found
            } else {
                keeper = try own.makeChild("keeper")
            }
            try keeper.set("cgroup.procs", "0")
            base = own
            place = nil
        }
        let present = ((try? base.read("cgroup.controllers")) ?? "").split(whereSeparator: \.isWhitespace)
        var missing: [String] = []
        for controller in Self.controllers {
            let isThere =
                present.contains(Substring(controller))
                && (try? base.set("cgroup.subtree_control", "+\(controller)")) != nil
            if !isThere { missing.append(controller) }
        }
        missingControllers = missing
        removeLeftovers()
    }

    private func removeLeftovers() {
        let names = ((try? base.children()) ?? []).filter { name in
            ["cell-", "command-"].contains { name.hasPrefix($0) }
        }
        for name in names { discard(name) }
        sweep(within: .seconds(2))
    }

    /// A new cell's group, and the one below it for its first process.
    func make(_ name: String) throws(SystemError) -> ControlGroup {
        let group = try base.makeChild(name)
        do throws(SystemError) {
            _ = try group.makeChild(Self.first)
            // Groups cost the kernel memory, and the user of the cell can make some.
            let programs = try group.makeChild(Self.programs)
            try programs.set("cgroup.max.depth", "1")
            try programs.set("cgroup.max.descendants", "\(Self.mostCalls)")
            return group
        } catch {
            discard(name)
            throw error
        }
    }

    static let first = "init"
    private static let programs = "programs"
    /// What the first process may have on top of what programs have, with what waits in its sockets.
    private static let roomOfFirst: UInt64 = 64 << 20
    /// More groups than calls at once: those of calls that have ended go a little later.
    private static let mostCalls = 256

    /// Gives it its limits, and its user the right to make groups for calls: below the one that comes back.
    func dedicate(
        _ group: ControlGroup, _ limits: CellLimits, to user: NamespacedProcess.User
    ) throws(SystemError) -> ControlGroup {
        let programs = try limit(group, limits)
        try set("memory", "cgroup.subtree_control", "+memory", on: programs)
        try programs.delegate(to: user)
        // From the first process' group into a call's is a way through here.
        try group.allowMoves(by: user)
        return programs
    }

    /// The same for one command, which is ended as a whole when its memory is too much.
    func confine(_ group: ControlGroup, _ limits: CellLimits) throws(SystemError) -> ControlGroup {
        let programs = try limit(group, limits)
        try set("memory", "memory.oom.group", "1", on: programs)
        return programs
    }

    private func limit(_ group: ControlGroup, _ limits: CellLimits) throws(SystemError) -> ControlGroup {
        try limitMemory(of: group, high: nil, most: limits.memoryMost + Self.roomOfFirst, limits.swapMost)
        try set("pids", "pids.max", "\(limits.tasks)", on: group)
        try set("cpu", "cpu.max", "\(UInt64(limits.cpuPercent) * 1000) 100000", on: group)
        try set("cpu", "cpu.weight", "\(limits.cpuWeight)", on: group)
        try orWithout { () throws(SystemError) in
            try set("io", "io.weight", "default \(limits.ioWeight)", on: group)
        }
        try set("memory", "cgroup.subtree_control", "+memory", on: group)

        let programs = try group.child(Self.programs)
        try limitMemory(of: programs, high: limits.memoryHigh, most: limits.memoryMost, limits.swapMost)
        return programs
    }

    private func limitMemory(
        of group: ControlGroup, high: UInt64?, most: UInt64, _ swap: UInt64
    ) throws(SystemError) {
        if let high { try set("memory", "memory.high", "\(high)", on: group) }
        try set("memory", "memory.max", "\(most)", on: group)
        // A kernel without swap has no such file, and nothing to limit.
        try orWithout { () throws(SystemError) in try set("memory", "memory.swap.max", "\(swap)", on: group) }
    }

    private func set(
        _ controller: String, _ file: String, _ value: String, on group: ControlGroup
    ) throws(SystemError) {
        if !missingControllers.contains(controller) { try group.set(file, value) }
    }

    private func orWithout(_ body: () throws(SystemError) -> Void) throws(SystemError) {
        do throws(SystemError) {
            try body()
        } catch  where error.errno == .notFound {}
    }

    func kill(_ name: String) {
        guard let group = try? base.child(name) else { return }
        try? group.kill()
    }

    /// Kills who is in it, and removes it as soon as they are gone.
    func discard(_ name: String) {
        kill(name)
        if !remove(name) { leaving.append(name) }
    }

    var hasLeaving: Bool { !leaving.isEmpty }

    /// Removes what has become empty.
    func sweep() { leaving.removeAll(where: remove) }

    func sweep(within time: Duration) {
        let end = SystemClock.monotonic + time
        while hasLeaving, SystemClock.monotonic < end {
            SystemClock.sleep(.milliseconds(10))
            sweep()
        }
    }

    /// True once it is gone.
    private func remove(_ name: String) -> Bool {
        do throws(SystemError) {
            try base.removeTree(name)
            return true
        } catch {
            return error.errno == .notFound
        }
    }

    /// At the end: what was made for this celld alone, and is empty.
    func removeOwn() {
        if let place { try? place.parent.removeChild(place.name) }
    }
}
