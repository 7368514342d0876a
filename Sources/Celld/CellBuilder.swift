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
        /// Users that must not have cells: the one that cloisterd runs as, where it has one of its own.
        var refusedUser: UInt32?
    }

    private let settings: Settings
    private let program: OwnedFD
    private let filters: CellFilters
    private let foreignNamespaces: [UInt64]
    let workspaces: Workspaces
    let groups: CellGroups?
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

    /// The user of the cell of whoever is at the other end of this socket.
    func user(of client: borrowing OwnedFD) throws(CellRefusal) -> NamespacedProcess.User {
        let peer: PeerCredentials
        do throws(SystemError) {
            peer = try PeerCredentials(of: client)
        } catch {
            throw CellRefusal("the client cannot be identified (\(error))", remedy: "connect again")
        }
        guard peer.pidfd != nil else { throw CellRefusal("the client is gone", remedy: "connect again") }
        if peer.uid == 0 { return settings.userForRoot }
        if peer.uid == settings.refusedUser {
            throw CellRefusal("cloisterd has no cell for itself", remedy: "connect as another user")
        }
        return NamespacedProcess.User(uid: peer.uid, gid: peer.gid)
    }

    /// A first process that has been born, and has its order.
    final class Started {
        let process: NamespacedProcess
        /// Where the cell reports, and sees that celld is there.
        let control: OwnedFD
        /// Our end of the cell's work, until cloisterd has it.
        var work: OwnedFD?
        let workspace: Workspaces.Key?

        init(
            _ process: consuming NamespacedProcess, control: consuming OwnedFD, work: consuming OwnedFD,
            workspace: Workspaces.Key?
        ) {
            self.process = process
            self.control = control
            self.work = consume work
            self.workspace = workspace
        }
    }

    func start(
        _ plan: CellPlan, named name: String, for user: NamespacedProcess.User
    ) throws(CellRefusal) -> Started {
        var plan = plan
        plan.mayLack.formIntersection(settings.mayLack)
        var walls = Walls(mayLack: plan.mayLack)
        let group = try makeGroup(name, plan.limits, user, &walls)
        var workspace: Workspaces.Key?
        do throws(CellRefusal) {
            var order = CellOrder(uid: user.uid, gid: user.gid, plan: plan)
            var passed = DescriptorTable()
            let work = try asRefusal { () throws(SystemError) in
                let pair = try UnixSocket.pair()
                try passed.add(pair.other)
                return pair.keepOne()
            }
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
            var firstGroup = DescriptorTable()
            if let group {
                order.hasGroup = true
                try asRefusal { () throws(SystemError) in
                    try passed.add(group.directory)
                    try firstGroup.add(try group.child("init").directory)
                }
            }
            let control = try asRefusal { () throws(SystemError) in try UnixSocket.pair(.packet) }
            let process = try launch(user, control.other, firstGroup, &walls)
            order.report = walls.report
            order.foreignNamespaces = foreignNamespaces
            order.programFilter = filters.program.instructions
            order.doorFilter = filters.door.instructions
            order.initFilter = filters.initial.instructions
            let message = order.encoded
            let sent = try asRefusal { () throws(SystemError) in
                try UnixSocket.send(control.one, message, passing: passed)
            }
            guard sent == message.count else {
                throw CellRefusal("the cell's order is too long", remedy: "grant fewer trees")
            }
            return Started(process, control: control.keepOne(), work: work, workspace: workspace)
        } catch {
            if let workspace { workspaces.release(workspace) }
            groups?.kill(name)
            _ = groups?.remove(name)
            throw error
        }
    }

    private func asRefusal<Result: ~Copyable>(
        _ body: () throws(SystemError) -> Result
    ) throws(CellRefusal) -> Result {
        do throws(SystemError) {
            return try body()
        } catch {
            throw CellRefusal("\(error)", remedy: "look at the limits of cloister-celld")
        }
    }

    private func makeGroup(
        _ name: String, _ limits: CellLimits, _ user: NamespacedProcess.User, _ walls: inout Walls
    ) throws(CellRefusal) -> ControlGroup? {
        guard let groups else {
            try walls.miss(.cgroup, because: noGroupsBecause)
            return nil
        }
        if !groups.missingControllers.isEmpty {
            let missing = groups.missingControllers.joined(separator: ", ")
            try walls.miss(.cgroup, because: "these controllers are not there: \(missing)")
        }
        do throws(SystemError) {
            return try groups.make(name, limits, for: user)
        } catch {
            if walls.report.stands(.cgroup) { try walls.miss(.cgroup, because: "\(error)") }
            return nil
        }
    }

    // MARK: The first process

    private static let namespaces: [(wall: Wall, flag: Namespaces)] = [
        (.userns, .user), (.mountns, .mount), (.pidns, .process), (.ipcns, .ipc), (.utsns, .hostName),
        (.netns, .network), (.cgroupns, .controlGroup),
    ]

    /// The time namespace is the cell's own business, because its clocks are set between making and entering it.
    private func launch(
        _ user: NamespacedProcess.User, _ control: borrowing OwnedFD,
        _ group: borrowing DescriptorTable, _ walls: inout Walls
    ) throws(CellRefusal) -> NamespacedProcess {
        var all = Namespaces(Self.namespaces.map(\.flag))
        for (wall, flag) in Self.namespaces {
            guard let errno = Injection.failure(ofWall: wall.rawValue) else { continue }
            try walls.miss(wall, because: "injected: \(errno)")
            all.remove(flag)
        }
        do throws(SystemError) {
            return try launch(user, control, group, in: all)
        } catch {
            // Which of them was it? Each is tried alone, with what it cannot do without.
            var possible = all
            for (wall, flag) in Self.namespaces {
                guard let failure = failure(of: [flag, .user], user) else { continue }
                try walls.miss(wall, because: "\(failure)")
                possible.remove(flag)
            }
            guard possible != all else { throw CellRefusal(.userns, because: "\(error)") }
            return try asRefusal { () throws(SystemError) in try launch(user, control, group, in: possible) }
        }
    }

    private func launch(
        _ user: NamespacedProcess.User, _ control: borrowing OwnedFD,
        _ group: borrowing DescriptorTable, in namespaces: Namespaces
    ) throws(SystemError) -> NamespacedProcess {
        var table = DescriptorTable()
        try table.add(control)
        return try NamespacedProcess.start(
            program, ["cloister-cell"], environment: Injection.environmentOfCells, in: namespaces,
            as: user, descriptors: table, group: group)
    }

    private func failure(of namespaces: Namespaces, _ user: NamespacedProcess.User) -> SystemError? {
        do throws(SystemError) {
            let process = try NamespacedProcess.start(
                program, ["cloister-cell", "--nothing"], environment: [], in: namespaces, as: user,
                descriptors: DescriptorTable())
            try ProcessFD.kill(process.pidfd, 9)
            process.waitUntilGone()
            return nil
        } catch {
            return error
        }
    }
}
