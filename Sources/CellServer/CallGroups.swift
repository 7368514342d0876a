import Linux

/// The control groups of a cell's calls: made ahead and removed behind, because either takes longer than a
/// small program does, and a client waits for neither.
struct CallGroups {
    private let parent: ControlGroup?
    /// The first processes of all calls that run, with their marks: for where there are no control groups.
    private let leaders: () -> [Int32: UInt32]
    private var spare: CallGroup?
    /// Whose call has ended. Something in them may not be quite gone.
    private var used: [CallGroup] = []
    private var lastMark: UInt32 = 0

    init(below parent: ControlGroup?, leaders: @escaping () -> [Int32: UInt32]) {
        (self.parent, self.leaders) = (parent, leaders)
    }

    mutating func take() throws(SystemError) -> CallGroup {
        if let group = spare.take() { return group }
        return try make()
    }

    mutating func giveBack(_ group: CallGroup) {
        if parent != nil { used.append(group) }
    }

    /// When nobody waits: what has been used goes, and the next one is made. False when something could not go
    /// yet.
    mutating func tidy() -> Bool {
        guard let parent else { return true }
        used = used.filter { !$0.remove(from: parent) }
        // One that cannot be made now is asked for again, and then its failure has somebody to be told to.
        if spare == nil { spare = try? make() }
        return used.isEmpty
    }

    private mutating func make() throws(SystemError) -> CallGroup {
        lastMark += 1
        guard let parent else { return CallGroup(lastMark, leaders: leaders) }
        return try CallGroup(lastMark, below: parent)
    }
}
