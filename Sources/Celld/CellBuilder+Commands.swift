// Commands on the host: who they are run as, with what around them, and how they are started. A command as root is
// started here only after polkit has allowed exactly this one (Authorization.swift).

import CellSetup
import Cells
import Linux

extension CellBuilder {
    /// A command that is wanted, and the client who wants it.
    final class Wanted {
        let command: HostCommand
        let peer: PeerCredentials
        let input: OwnedFD?

        init(_ command: HostCommand, by peer: consuming PeerCredentials, input: consuming OwnedFD?) {
            self.command = command
            self.peer = peer
            self.input = input
        }
    }

    /// Refuses what is not to be, whatever polkit would say.
    func check(
        _ command: HostCommand, for client: borrowing OwnedFD, input: consuming OwnedFD?
    ) throws(CellRefusal) -> Wanted {
        let peer = try peer(of: client)
        if peer.uid == settings.refusedUser {
            throw CellRefusal("cloisterd has no commands of its own", remedy: "connect as another user")
        }
        guard Process.userID == 0 || peer.uid == Process.userID else {
            throw CellRefusal(
                "this cloister-celld runs as user \(Process.userID), and cannot run anything as another",
                remedy: "use the system's cloisterd")
        }
        // polkit allows root everything, and many sockets have root at their other end: whoever holds one of those would
        // be root, and nobody would be asked.
        guard peer.uid != 0 else {
            throw CellRefusal(
                "a client that is root has no commands on the host", remedy: "connect as another user")
        }
        if command.isAsRoot {
            guard Process.userID == 0 else {
                throw CellRefusal(
                    "this cloister-celld runs as user \(Process.userID), and cannot run anything as root",
                    remedy: "use the system's cloisterd")
            }
            guard peer.pidfdIsExact else {
                throw CellRefusal(
                    "it cannot be said for certain which process wants to run something as root",
                    remedy: "Linux 6.5 or newer, and for a client on the bus a bus that says so (dbus 1.16)")
            }
        }
        if command.hasInput {
            guard let input = input, MemoryFile.isSealed(input) else {
                throw CellRefusal(
                    "what the command shall read could still be changed",
                    remedy: "this is a fault of cloisterd")
            }
            return Wanted(command, by: peer, input: input)
        }
        return Wanted(command, by: peer, input: nil)
    }

    func start(_ wanted: Wanted) throws(CellRefusal) -> Started {
        guard wanted.peer.isThere else { throw Self.isGone }
        let command = wanted.command
        var mayLack = command.mayLack
        mayLack.formIntersection(settings.mayLack)
        var walls = Walls(mayLack: mayLack)
        try checkGroups(&walls)
        var order = try order(for: wanted)
        lastCommand += 1
        let newborn = try bearRunner("command-\(lastCommand)", &walls)
        do throws(CellRefusal) {
            var passed = DescriptorTable()
            let work = try makeWork(&passed)
            if wanted.input != nil {
                try asRefusal { () throws(SystemError) in try passed.add(wanted.input!) }
            }
            if let group = newborn.group {
                let programs = try asRefusal { () throws(SystemError) in
                    try groups?.confine(group, command.limits)
                }
                if let programs {
                    order.hasGroup = true
                    try asRefusal { () throws(SystemError) in try passed.add(programs.directory) }
                }
            }
            guard order.hasGroup || !command.isAsRoot else {
                throw CellRefusal(.cgroup, because: "what root leaves running could not be ended without it")
            }
            order.report = walls.report
            let message = order.encoded
            guard message.count <= longestCelldMessage,
                try send(message, to: newborn, passed) == message.count
            else { throw CellRefusal("the command's order is too long", remedy: "give it fewer arguments") }
            return Started(newborn, work: work)
        } catch {
            discard(newborn)
            throw error
        }
    }

    private func bearRunner(_ name: String, _ walls: inout Walls) throws(CellRefusal) -> Newborn {
        var group: ControlGroup?
        var first = DescriptorTable()
        if let groups {
            do throws(SystemError) {
                let made = try groups.make(name)
                try first.add(try made.child(CellGroups.first).directory)
                group = made
            } catch {
                try walls.miss(.cgroup, because: "\(error)")
            }
        }
        do throws(SystemError) {
            let control = try UnixSocket.pair(.packet)
            var table = DescriptorTable()
            try table.add(control.other)
            let process = try NamespacedProcess.start(
                program, ["cloister-cell", HostOrder.word], environment: Injection.environmentOfCells,
                in: [], descriptors: table, group: first)
            return Newborn(name, group, control.keepOne(), process)
        } catch {
            groups?.discard(name)
            throw refusal(error)
        }
    }

    // MARK: Who, and with what around

    /// The groups of a client are those that it has, as the kernel knows them: never more than it came with.
    private func order(for wanted: Wanted) throws(CellRefusal) -> HostOrder {
        let command = wanted.command
        let (uid, gid, groups) = (wanted.peer.uid, wanted.peer.gid, wanted.peer.groups)
        var order =
            command.isAsRoot
            ? HostOrder(
                command, uid: 0, gid: 0, groups: Accounts.groups(of: "root", with: 0), changesUser: true)
            : HostOrder(
                command, uid: uid, gid: gid, groups: groups, changesUser: Process.userID == 0)
        guard order.groups.count <= HostOrder.mostGroups else {
            throw CellRefusal(
                "user \(uid) is in \(order.groups.count) groups, more than can be passed on",
                remedy: "take it out of some")
        }
        let account = Accounts.user(order.uid)
        let home = account.map(\.home).flatMap { $0.utf8.first == UInt8(ascii: "/") ? $0 : nil } ?? "/"
        if order.directory.isEmpty { (order.directory, order.isDirectoryUsual) = (home, true) }
        var variables = HostEnvironment(account, home: home)
        if !command.isAsRoot { variables.add(ofUser: order.uid, command.environment) }
        order.environment = variables.all
        return order
    }
}
