// Who descends from this process, which every orphan among them comes back to (PR_SET_CHILD_SUBREAPER): so nobody
// leaves by losing their parents. These are processes of the host, among all others: one is held by its descriptor
// while it is looked at again, so that nobody else is killed who has got its number.

import Linux

struct Descendants: Census {
    var members: [Int32] { Self.members(among: ProcessCensus.parents()) }

    func send(_ signal: Int32, to pid: Int32) {
        guard let held = try? ProcessFD.open(pid), members.contains(pid) else { return }
        try? ProcessFD.kill(held, signal)
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
