// The control groups of all cells, below the one that was delegated to celld:
//
//   our group ─┬─ keeper            celld itself: a group with controllers may not hold processes
//              └─ cell-7 ─┬─ init   its first process
//                         └─ call-… one for each call, made by the first process itself
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
        let names = ((try? base.children()) ?? []).filter { $0.hasPrefix("cell-") }
        for name in names { discard(name) }
        sweep(within: .seconds(2))
    }

    /// A new cell's group, and the one below it for its first process.
    func make(_ name: String) throws(SystemError) -> ControlGroup {
        let group = try base.makeChild(name)
        do throws(SystemError) {
            _ = try group.makeChild(Self.first)
            return group
        } catch {
            discard(name)
            throw error
        }
    }

    static let first = "init"

    /// Gives it its limits, and its user the right to make groups for calls.
    func dedicate(
        _ group: ControlGroup, _ limits: CellLimits, to user: NamespacedProcess.User
    ) throws(SystemError) {
        try set(limits, on: group)
        for controller in ["memory", "pids"] where !missingControllers.contains(controller) {
            try group.set("cgroup.subtree_control", "+\(controller)")
        }
        try group.delegate(to: user)
        try group.child(Self.first).delegate(to: user)
    }

    private func set(_ limits: CellLimits, on group: ControlGroup) throws(SystemError) {
        func set(_ controller: String, _ file: String, _ value: String) throws(SystemError) {
            guard !missingControllers.contains(controller) else { return }
            try group.set(file, value)
        }
        try set("memory", "memory.high", "\(limits.memoryHigh)")
        try set("memory", "memory.max", "\(limits.memoryMost)")
        // A kernel without swap has no such file, and nothing to limit.
        do throws(SystemError) {
            try set("memory", "memory.swap.max", "\(limits.swapMost)")
        } catch  where error.errno == .notFound {}
        try set("pids", "pids.max", "\(limits.tasks)")
        try set("cpu", "cpu.max", "\(UInt64(limits.cpuPercent) * 1000) 100000")
        try set("cpu", "cpu.weight", "\(limits.cpuWeight)")
        do throws(SystemError) {
            try set("io", "io.weight", "default \(limits.ioWeight)")
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
        guard let group = try? base.child(name) else { return true }
        for child in (try? group.children()) ?? [] { try? group.removeChild(child) }
        return (try? base.removeChild(name)) != nil
    }

    /// At the end: what was made for this celld alone, and is empty.
    func removeOwn() {
        if let place { try? place.parent.removeChild(place.name) }
    }
}
