// Who descends from this process, which every orphan among them comes back to (PR_SET_CHILD_SUBREAPER): so nobody
// leaves by losing their parents. These are processes of the host, among all others: one is held by its descriptor
// while it is looked at again, so that nobody else is killed who has got its number.

import Linux

struct Descendants: Census {
    var members: [Int32] { Self.members(among: ProcessCensus.parents()) }

    func send(_ signal: Int32, to pid: Int32) {
        guard let held = try? ProcessFD.open(pid), Self.isOurs(pid) else { return }
        try? ProcessFD.kill(held, signal)
    }

    /// Up from there, and not down to all of them: there may be thousands.
    private static func isOurs(_ pid: Int32) -> Bool {
        var next = pid
        // What is read one after the other need not end.
        for _ in 0..<10_000 {
            guard let parent = ProcessCensus.parent(of: next), parent > 1 else { return false }
            if parent == Process.id { return true }
            next = parent
        }
        return false
    }

    static func members(among parents: [Int32: Int32], of ancestor: Int32 = Process.id) -> [Int32] {
        var children: [Int32: [Int32]] = [:]
        for (pid, parent) in parents { children[parent, default: []].append(pid) }
        var found: [Int32] = []
        var next = children[ancestor] ?? []
        while let pid = next.popLast() {
            found.append(pid)
            // What was read one after the other need not be a tree: nobody is gone through twice.
            next += children.removeValue(forKey: pid) ?? []
        }
        return found
    }
}
