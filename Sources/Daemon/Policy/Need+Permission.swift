import Cells
import Patterns
import Policy
import Tools

extension Need {
    /// What a tool says that it needs, in policy's words.
    package init(_ permission: Permission) {
        switch permission.act {
        case .read: self = .path(.fileRead, permission.object)
        case .write:
            let isOwn = FileRules.writing(to: PathNames(permission.object)) == .writeOwn
            self = .path(isOwn ? .fileWrite : .fileWriteGlobal, permission.object)
        case .run: self = .program(permission.object)
        case .systemCommand, .sudo:
            self = Need(PermissionName(permission.act), .command(permission.command))
        }
    }
}

extension PermissionName {
    /// Of commands on the host.
    init(_ act: Permission.Act) { self = act == .sudo ? .codeExecutionSudo : .systemCommand }
}
