import Cells
import Linux

/// A process of ours that waits to be told who it is, in its namespaces and its group.
final class Newborn {
    let name: String
    let group: ControlGroup?
    let control: OwnedFD
    let process: NamespacedProcess
    /// Whose it is, once it has been told.
    private(set) var owner: NamespacedProcess.User?

    init(
        _ name: String, _ group: ControlGroup?, _ control: consuming OwnedFD,
        _ process: consuming NamespacedProcess
    ) {
        (self.name, self.group) = (name, group)
        self.control = control
        self.process = process
    }

    func map(_ user: NamespacedProcess.User) throws(CellRefusal) {
        do throws(SystemError) {
            try process.map(user)
            owner = user
        } catch {
            throw CellRefusal(.userns, because: "\(error)")
        }
    }
}

/// One that has its order: the first process of a cell, or the one that runs a command.
final class Started {
    private let newborn: Newborn
    var name: String { newborn.name }
    var process: NamespacedProcess { _read { yield newborn.process } }
    var hasGroup: Bool { newborn.group != nil }
    /// Where it reports, and sees that celld is there.
    var control: OwnedFD { _read { yield newborn.control } }
    /// Our end of its work, until cloisterd has it.
    var work: OwnedFD?
    let workspace: Workspaces.Key?

    init(_ newborn: Newborn, work: consuming OwnedFD, workspace: Workspaces.Key? = nil) {
        self.newborn = newborn
        self.work = consume work
        self.workspace = workspace
    }
}
