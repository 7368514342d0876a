// Builds what a new cell is born into, and starts its first process. What the cell does to itself afterwards is
// CellSetup's.
//
// Who the cell is for comes from the kernel: the client's own connected socket is at hand, and its credentials
// are those of the process that connected. No cell runs as the host's root, whoever asks.

import CellSetup
import Cells
import Linux
import Seccomp

final class CellBuilder {
    struct Settings: Sendable {
        /// Who a client that is root becomes.
        var userForRoot: NamespacedProcess.User
        /// What an administrator allows to be missing; a plan can allow no more.
        var mayLack: WallSet
        /// Whether a process waits for the next cell.
        var keepsSpare: Bool
        /// Users that must not have cells: the one that cloisterd runs as, where it has one of its own.
        var refusedUser: UInt32?
    }

    let settings: Settings
    let program: OwnedFD
    private let filters: CellFilters
    private let foreignNamespaces: [UInt64]
    let workspaces: Workspaces
    let groups: CellGroups?
    let vouchers = Vouchers()
    private var spare: Newborn?
    private var spareCannotBeHad = false
    /// Who connected last, or got a cell.
    private var lastUser: NamespacedProcess.User?
    private var lastName: UInt64 = 0
    var lastCommand: UInt64 = 0
    private let noGroupsBecause: String

    init(
        _ settings: Settings, program: consuming OwnedFD, filters: CellFilters, workspaces: Workspaces,
        groups: CellGroups?, noGroupsBecause: String
    ) {
        self.settings = settings
        self.program = program
        self.filters = filters
        (self.workspaces, self.groups) = (workspaces, groups)
        self.noGroupsBecause = noGroupsBecause
        foreignNamespaces = Wall.namespaces.map { namespace in
            // Our children's time is ours.
            let name = namespace.name == "time_for_children" ? "time" : namespace.name
            return (try? File.inode(of: "/proc/self/ns/\(name)")) ?? 0
        }
    }

    /// The user of the cell of whoever is at the other end of this socket, or vouched for by it.
    func user(of client: borrowing OwnedFD) throws(CellRefusal) -> NamespacedProcess.User {
        let peer = try peer(of: client)
        if peer.uid == 0 { return settings.userForRoot }
        if peer.uid == settings.refusedUser {
            throw CellRefusal("cloisterd has no cell for itself", remedy: "connect as another user")
        }
        guard peer.gid != 0 else {
            throw CellRefusal(
                "user \(peer.uid) came with the group of root, which no cell has",
                remedy: "connect with another group (newgrp)")
        }
        return NamespacedProcess.User(uid: peer.uid, gid: peer.gid)
    }

    /// What its process is, as far as that can be told for certain.
    func identity(of client: borrowing OwnedFD) throws(CellRefusal) -> ClientIdentity {
        let peer = try peer(of: client)
        // Without its socket's own pidfd the number could be somebody else's by now.
        guard peer.pidfdIsExact else { return ClientIdentity() }
        return try identity(of: peer)
    }

    func identity(of peer: borrowing PeerCredentials) throws(CellRefusal) -> ClientIdentity {
        guard peer.pidfd != nil else { return ClientIdentity() }
        guard let facts = peer.facts() else { throw Self.isGone }
        return ClientIdentity(
            executable: facts.executable,
            facts.executableFile.map { ClientIdentity.File(device: $0.device, inode: $0.inode) },
            parentExecutable: facts.parentExecutable, controlGroup: facts.controlGroup)
    }

    func peer(of client: borrowing OwnedFD) throws(CellRefusal) -> PeerCredentials {
        let peer: PeerCredentials
        do throws(SystemError) {
            if let known = vouchers.peer(of: client) {
                peer = try known.credentials()
            } else {
                peer = try PeerCredentials(of: client)
            }
        } catch {
            throw CellRefusal("the client cannot be identified (\(error))", remedy: "connect again")
        }
        // A voucher that does not hold any more was made by us, and stands for nobody.
        guard peer.isThere, peer.pid != Process.id else { throw Self.isGone }
        return peer
    }

    static let isGone = CellRefusal("the client is gone", remedy: "connect again")

    func start(_ plan: CellPlan, for user: NamespacedProcess.User) throws(CellRefusal) -> Started {
        if let tree = plan.trees.first(where: \.isInPlaceOfCells) {
            throw CellRefusal(
                "\(tree.path) cannot be given: each cell has its own there", remedy: "grant another tree")
        }
        var plan = plan
        plan.mayLack.formIntersection(settings.mayLack)
        var walls = Walls(mayLack: plan.mayLack)
        try checkGroups(&walls)
        lastUser = user
        let newborn: Newborn
        if let spare, spare.owner == nil || spare.owner == user {
            newborn = spare
            self.spare = nil
        } else {
            newborn = try bear(&walls)
        }
        var workspace: Workspaces.Key?
        do throws(CellRefusal) {
            if newborn.owner == nil { try give(newborn, to: user) }
            var order = CellOrder(plan)
            var passed = DescriptorTable()
            let work = try makeWork(&passed)
            if !plan.isEphemeral {
                let key = Workspaces.Key(uid: user.uid, application: plan.application)
                let place = try workspaces.place(key, for: user, bytes: plan.limits.workspaceBytes, &walls)
                workspace = key
                switch consume place {
                case .mount(let mount):
                    order.hasWorkspaceMount = true
                    try asRefusal { () throws(SystemError) in try passed.add(mount) }
                case .path(let path): order.workspacePath = path
                }
            }
            if let group = newborn.group, let programs = try dedicate(group, plan.limits, user, &walls) {
                order.hasGroup = true
                try asRefusal { () throws(SystemError) in try passed.add(programs.directory) }
            }
            order.report = walls.report
            let message = order.encoded
            let sent = try send(message, to: newborn, passed)
            guard sent == message.count else {
                throw CellRefusal("the cell's order is too long", remedy: "grant fewer trees")
            }
            return Started(newborn, work: work, workspace: workspace)
        } catch {
            if let workspace { workspaces.release(workspace) }
            discard(newborn)
            throw error
        }
    }

    func send(
        _ message: [UInt8], to newborn: Newborn, _ passed: borrowing DescriptorTable
    ) throws(CellRefusal) -> Int? {
        do throws(SystemError) {
            return try UnixSocket.send(newborn.control, message, passing: passed)
        } catch {
            // It has ended already, and has said why. That its end was heard comes first, once.
            for _ in 0..<2 {
                if let last = try? UnixSocket.receive(newborn.control, atMost: longestCelldMessage),
                    case .refused(let refusal)? = try? CellAnswer(decoding: last.bytes)
                {
                    throw refusal
                }
            }
            throw refusal(error)
        }
    }

    // MARK: Newborns

    /// Has one ready for the next plan, so that nobody waits for namespaces. Where one cannot be had, the next
    /// plan finds out why.
    func prepareSpare() {
        guard wantsSpare else { return }
        var walls = Walls(mayLack: settings.mayLack)
        guard let newborn = try? bear(&walls) else { return spareCannotBeHad = true }
        if Self.namespaces.allSatisfy({ walls.report.stands($0.wall) }) {
            spare = newborn
            if !prepare(newborn) { discardSpare() }
        } else {
            discard(newborn)
            spareCannotBeHad = true
        }
    }

    /// Who has connected may soon want a cell: the spare is for whoever was the last to, and prepares what is the same
    /// for every cell of that user. One that was somebody else's goes, and the next one is made for this user.
    func expectCell(of client: borrowing OwnedFD) {
        guard let user = try? user(of: client) else { return }
        lastUser = user
        guard let spare, spare.owner != user else { return }
        if spare.owner != nil || !prepare(spare) { discardSpare() }
    }

    /// False when it cannot be its user's. Then the next one is everybody's.
    private func prepare(_ newborn: Newborn) -> Bool {
        guard let lastUser else { return true }
        if (try? give(newborn, to: lastUser)) != nil { return true }
        self.lastUser = nil
        return false
    }

    /// Says whose cell it will be. There is no way back.
    private func give(_ newborn: Newborn, to user: NamespacedProcess.User) throws(CellRefusal) {
        try newborn.map(user)
        let owner = CellOwner(
            uid: user.uid, gid: user.gid, dropsGroups: NamespacedProcess.canDropGroups,
            foreignNamespaces: foreignNamespaces, programFilter: filters.program.instructions,
            doorFilter: filters.door.instructions, initFilter: filters.initial.instructions)
        _ = try send(owner.encoded, to: newborn, DescriptorTable())
    }

    var wantsSpare: Bool { settings.keepsSpare && spare == nil && !spareCannotBeHad }

    func discardSpare() {
        if let newborn = spare.take() { discard(newborn) }
    }

    func discard(_ newborn: Newborn) {
        newborn.process.end()
        groups?.discard(newborn.name)
    }

    /// The socket over which it will work for cloisterd: its end goes to it, ours comes back.
    func makeWork(_ passed: inout DescriptorTable) throws(CellRefusal) -> OwnedFD {
        do throws(SystemError) {
            let pair = try UnixSocket.pair()
            // A result of a megabyte goes out in one turn of the cell.
            UnixSocket.setSendRoom(pair.other, 1 << 20)
            try passed.add(pair.other)
            return pair.keepOne()
        } catch {
            throw refusal(error)
        }
    }

    private func bear(_ walls: inout Walls) throws(CellRefusal) -> Newborn {
        lastName += 1
        let name = "cell-\(lastName)"
        var group: ControlGroup?
        var first = DescriptorTable()
        if let groups {
            do throws(SystemError) {
                let made = try groups.make(name)
                if Process.userID == 0 { try first.add(try made.child(CellGroups.first).directory) }
                // Where the cell's view of groups begins. To have it begin above oneself needs a privilege; an
                // ordinary user's first process lives there itself, and its cells have no controllers.
                try first.add(made.directory)
                group = made
            } catch {
                try walls.miss(.cgroup, because: "\(error)")
            }
        }
        do throws(CellRefusal) {
            let control = try asRefusal { () throws(SystemError) in try UnixSocket.pair(.packet) }
            let process = try launch(control.other, first, &walls)
            return Newborn(name, group, control.keepOne(), process)
        } catch {
            groups?.discard(name)
            throw error
        }
    }

    func asRefusal<Result: ~Copyable>(
        _ body: () throws(SystemError) -> Result
    ) throws(CellRefusal) -> Result {
        do throws(SystemError) {
            return try body()
        } catch {
            throw refusal(error)
        }
    }

    func refusal(_ error: SystemError) -> CellRefusal {
        CellRefusal("\(error)", remedy: "look at the limits of cloister-celld")
    }

    func checkGroups(_ walls: inout Walls) throws(CellRefusal) {
        guard let groups else { return try walls.miss(.cgroup, because: noGroupsBecause) }
        if !groups.missingControllers.isEmpty {
            let missing = groups.missingControllers.joined(separator: ", ")
            try walls.miss(.cgroup, because: "these controllers are not there: \(missing)")
        }
    }

    private func dedicate(
        _ group: ControlGroup, _ limits: CellLimits, _ user: NamespacedProcess.User, _ walls: inout Walls
    ) throws(CellRefusal) -> ControlGroup? {
        do throws(SystemError) {
            try Injection.check(wall: Wall.cgroup.rawValue)
            return try groups?.dedicate(group, limits, to: user)
        } catch {
            // The cell stays in it, so that it can be killed, and makes none of its own.
            try walls.miss(.cgroup, because: "\(error)")
            return nil
        }
    }

    // MARK: The first process

    private static let namespaces: [(wall: Wall, flag: Namespaces)] = [
        (.userns, .user), (.mountns, .mount), (.pidns, .process), (.ipcns, .ipc), (.utsns, .hostName),
        (.netns, .network), (.cgroupns, .controlGroup),
    ]

    /// What fails for want of a namespace: to make it, and to map its user. The rest is no wall's fault.
    private static let callsOfNamespaces = ["clone3", "open", "write"]

    /// The time namespace is the cell's own business, because its clocks are set between making and entering it.
    private func launch(
        _ control: borrowing OwnedFD, _ group: borrowing DescriptorTable, _ walls: inout Walls
    ) throws(CellRefusal) -> NamespacedProcess {
        var all = Namespaces(Self.namespaces.map(\.flag))
        for (wall, flag) in Self.namespaces {
            do throws(SystemError) {
                try Injection.check(wall: wall.rawValue)
            } catch {
                try walls.miss(wall, because: "\(error)")
                all.remove(flag)
            }
        }
        do throws(SystemError) {
            return try launch(control, group, in: all)
        } catch  where !Self.callsOfNamespaces.contains(error.call) {
            throw refusal(error)
        } catch {
            // Which of them was it? Each is tried alone, with what it cannot do without.
            var possible = all
            for (wall, flag) in Self.namespaces where all.contains(flag) {
                guard let failure = failure(of: [flag, .user]) else { continue }
                try walls.miss(wall, because: "\(failure)")
                possible.remove(flag)
            }
            guard possible != all else { throw CellRefusal(.userns, because: "\(error)") }
            return try asRefusal { () throws(SystemError) in try launch(control, group, in: possible) }
        }
    }

    private func launch(
        _ control: borrowing OwnedFD, _ group: borrowing DescriptorTable, in namespaces: Namespaces
    ) throws(SystemError) -> NamespacedProcess {
        var table = DescriptorTable()
        try table.add(control)
        return try NamespacedProcess.start(
            program, ["cloister-cell", "\(namespaces.rawValue)"], environment: Injection.environmentOfCells,
            in: namespaces, descriptors: table, group: group)
    }

    private func failure(of namespaces: Namespaces) -> SystemError? {
        do throws(SystemError) {
            let process = try NamespacedProcess.start(
                program, ["cloister-cell"], environment: [], in: namespaces, descriptors: DescriptorTable())
            process.end()
            return nil
        } catch {
            return error
        }
    }
}
