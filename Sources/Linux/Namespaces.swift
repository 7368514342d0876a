import CLinux
import Glibc

/// The kinds of namespaces that a new process can get of its own.
package struct Namespaces: OptionSet, Hashable, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }

    package static let user = Namespaces(rawValue: UInt64(CLONE_NEWUSER))
    package static let mount = Namespaces(rawValue: UInt64(CLONE_NEWNS))
    package static let process = Namespaces(rawValue: UInt64(CLONE_NEWPID))
    package static let ipc = Namespaces(rawValue: UInt64(CLONE_NEWIPC))
    package static let hostName = Namespaces(rawValue: UInt64(CLONE_NEWUTS))
    package static let network = Namespaces(rawValue: UInt64(CLONE_NEWNET))
    package static let controlGroup = Namespaces(rawValue: UInt64(CLONE_NEWCGROUP))
    package static let time = Namespaces(rawValue: UInt64(CLONE_NEWTIME))

    package static let all: Namespaces = [
        .user, .mount, .process, .ipc, .hostName, .network, .controlGroup, .time,
    ]
}
