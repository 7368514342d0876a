// What a new cell does to itself, and why in this order:
//
//   (Preparation      before its order: what is the same for every cell, and then for every cell of its user)
//   0 user           whoever it was born as, nothing below happens as anybody but the client's own user
//   1 file view      mounts need CAP_SYS_ADMIN of the cell's user namespace
//   2 own things     session and keyring, which are the user's
//   3 descriptors    after the view, because the view is built through them; standard ones become /dev/null
//   4 limits
//   5 capabilities   none in any set, and the bits locked
//   6 no_new_privs   which the two last ones ask for
//   7 Landlock       before the filters: they deny its system calls to nobody, but its rules name places of
//                    the view, which have to be open first
//   8 the starter    is forked here. From here on it and the programs have a filter of their own
//   9 seccomp        last: the filter of this process denies most of what was done above
//  10 the check      from inside, wall by wall, before the first program runs
//
// One thread, no loop, no allocation that matters. A step that fails names its wall.

import Cells
import Linux

package struct CellSetup: ~Copyable {
    package let starter: Starter
    package let report: WallReport

    package static func perform(
        _ order: CellOrder, of owner: CellOwner, after preparation: Preparation,
        workspace: borrowing DescriptorTable,
        group: ControlGroup?, keeping descriptors: [Int]
    ) throws(CellRefusal) -> CellSetup {
        try becomeUser(owner, hasNamespace: order.report.stands(.userns))
        var walls = Walls(mayLack: order.mayLack, report: order.report)
        try walls.build(.fileview) { () throws(SystemError) in
            try FileView.enter(try preparation.takeRoot(), order, workspace: workspace)
        }
        try ownThings(preparation, &walls)
        try walls.build(.descriptors) { () throws(SystemError) in
            let null = try File.open("/dev/null", .readWrite)
            for number in 0...2 { try Process.replaceStandard(number, with: null) }
            try Process.closeDescriptors(keeping: descriptors)
        }
        try walls.build(.rlimits) { () throws(SystemError) in try limit(order.limits) }
        try walls.build(.capabilities) { () throws(SystemError) in try Capabilities.dropAll() }
        try walls.build(.nonewprivs) { () throws(SystemError) in
            try Process.setNoNewPrivileges()
            try Process.setDumpable(false)
        }
        try landlock(order, group, &walls)
        var starter = try startStarter(order, owner, &walls)
        // While it loads its filter; and before our own, which would answer for walls that are not there.
        try SelfCheck.perform(order, of: owner, &walls)
        if !(try isReady(starter, &walls)) {
            starter = try unfilteredStarter(order, walls)
            _ = try isReady(starter, &walls)
        }
        try walls.build(.seccomp) { () throws(SystemError) in
            try filter(owner.initFilter).loadOnThisThread()
        }
        try walls.check(.seccomp, Process.isFiltered, "no filter is in force")
        return CellSetup(starter: starter, report: walls.report)
    }

    /// Whatever a cell may lack, it never runs as somebody else.
    private static func becomeUser(
        _ owner: CellOwner, hasNamespace: Bool
    ) throws(CellRefusal) {
        let user = NamespacedProcess.User(uid: owner.uid, gid: owner.gid)
        do throws(SystemError) {
            try Process.become(user, droppingGroups: owner.dropsGroups)
            // Without a namespace of its own it was the host's root.
            if !hasNamespace { try Capabilities.raisePermitted() }
            // A change of user takes both back: the first is needed until the walls stand, for files in /proc.
            // Should celld have ended in between, the server notices.
            try Process.setDumpable(true)
            try Process.dieWithParent()
        } catch {
            throw CellRefusal(.userns, because: "\(error)")
        }
        guard Process.isOnly(user) else {
            throw CellRefusal(.userns, because: "the first process is not user \(user.uid)")
        }
    }

    // MARK: Landlock

    private static func landlock(
        _ order: CellOrder, _ group: ControlGroup?, _ walls: inout Walls
    ) throws(CellRefusal) {
        walls.found(landlockABI: Landlock.abi)
        try walls.build(.landlock) { () throws(SystemError) in
            let rules = try ruleset(order, ofPrograms: false)
            // Of this process alone: programs have no descriptor that leads there, and no name.
            if let group { try rules.allow(group.directory, .readWrite) }
            try rules.restrictSelf()
        }
    }

    private static func ruleset(
        _ order: CellOrder, ofPrograms: Bool
    ) throws(SystemError) -> LandlockRuleset {
        let rules = try LandlockRuleset()
        for (path, access) in FileView.accesses(order, ofPrograms: ofPrograms) {
            // A place of a path only, which asks nothing of the file itself.
            try rules.allow(try File.open(path, .path), access)
        }
        return rules
    }

    /// Rules of the starter's own, on top of ours, where programs have less than the file tools. They cannot do without
    /// Landlock then, whatever the cell may lack.
    private static func rulesOfPrograms(
        _ order: CellOrder, _ walls: Walls
    ) throws(CellRefusal) -> DescriptorTable {
        var table = DescriptorTable()
        guard let tree = order.trees.first(where: \.isNarrowerForPrograms) else { return table }
        guard walls.report.stands(.landlock) else {
            throw CellRefusal(
                .landlock, because: "programs may not have \(tree.path) as the file tools have it")
        }
        do throws(SystemError) {
            try ruleset(order, ofPrograms: true).pass(into: &table)
            return table
        } catch {
            throw CellRefusal(.landlock, because: "\(error)")
        }
    }

    // MARK: The starter and its filters

    private static func startStarter(
        _ order: CellOrder, _ owner: CellOwner, _ walls: inout Walls
    ) throws(CellRefusal) -> Starter {
        var filters: (program: SeccompProgram, door: SeccompProgram)?
        try walls.build(.seccomp) { () throws(SystemError) in
            filters = (try filter(owner.programFilter), try filter(owner.doorFilter))
        }
        guard let filters else { return try unfilteredStarter(order, walls) }
        let rules = try rulesOfPrograms(order, walls)
        do throws(SystemError) {
            return try Starter.start(filter: filters.program, door: filters.door, under: rules)
        } catch {
            throw noStarter(error)
        }
    }

    private static func isReady(
        _ starter: borrowing Starter, _ walls: inout Walls
    ) throws(CellRefusal) -> Bool {
        do throws(SystemError) {
            try starter.awaitReadiness()
            return true
        } catch  where error.call == "seccomp" {
            try walls.miss(.seccomp, because: "\(error)")
            return false
        } catch {
            throw noStarter(error)
        }
    }

    /// For a cell that may go without filters.
    private static func unfilteredStarter(
        _ order: CellOrder, _ walls: Walls
    ) throws(CellRefusal) -> Starter {
        let rules = try rulesOfPrograms(order, walls)
        do throws(SystemError) {
            return try Starter.start(filter: nil, door: nil, under: rules)
        } catch {
            throw noStarter(error)
        }
    }

    private static func noStarter(_ error: SystemError) -> CellRefusal {
        CellRefusal("programs cannot be started: \(error)", remedy: "look at the limits of cloister-celld")
    }

    private static func filter(_ instructions: [UInt8]) throws(SystemError) -> SeccompProgram {
        guard let filter = SeccompProgram(instructions: instructions) else {
            throw SystemError("seccomp", .invalid, "a filter of \(instructions.count) bytes")
        }
        return filter
    }

    package consuming func takeStarter() -> Starter { starter }

    private static func ownThings(
        _ preparation: Preparation, _ walls: inout Walls
    ) throws(CellRefusal) {
        // Where a namespace is missing, these would be the host's.
        if walls.report.stands(.netns) {
            try walls.build(.netns, preparation.loopback.get)
        }
        if walls.report.stands(.utsns) {
            try walls.build(.utsns, preparation.hostName.get)
        }
        try walls.build(.pidns) { () throws(SystemError) in try Process.startSession() }
        try walls.build(.keyring) { () throws(SystemError) in try Process.joinNewKeyring() }
        try walls.build(.timens, preparation.time.get)
    }

    private static func limit(_ limits: CellLimits) throws(SystemError) {
        try Process.limit(.openFiles, to: limits.openFiles)
        try Process.limit(.fileSize, to: limits.fileBytes)
        try Process.limit(.coreSize, to: 0)
        try Process.limit(.lockedMemory, to: limits.lockedBytes)
        // Counted for this user namespace alone, and so a second wall against fork bombs.
        try Process.limit(.processes, to: UInt64(limits.tasks))
    }
}
