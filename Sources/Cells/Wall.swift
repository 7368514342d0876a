/// One of the walls around a cell. The names are the administrator's: in refusals, in `--best-effort`, in
/// reports.
package enum Wall: String, CaseIterable, Sendable {
    case userns, mountns, pidns, ipcns, utsns, netns, cgroupns, timens
    case fileview, descriptors, capabilities, nonewprivs, keyring, rlimits
    case landlock, seccomp, cgroup, workspace

    /// Its place in the list, which is its number in messages.
    package var number: Int { Self.allCases.firstIndex(of: self)! }

    /// What it keeps from happening, for people.
    package var purpose: String {
        switch self {
        case .userns: "only the client's own user and group exist inside"
        case .mountns: "mounts of the cell are nobody else's"
        case .pidns: "no process of the host can be seen or signalled"
        case .ipcns: "no shared memory or message queue of the host"
        case .utsns: "the host's name cannot be seen or changed"
        case .netns: "no network but a loopback of its own"
        case .cgroupns: "the host's control groups cannot be seen"
        case .timens: "its clocks begin with it, and not with the machine"
        case .fileview: "no file exists but those that were given"
        case .descriptors: "nothing is inherited but what the plan names"
        case .capabilities: "no capability in any set, for good"
        case .nonewprivs: "no set-uid program gives anything"
        case .keyring: "keys of its own"
        case .rlimits: "files, file size, core and locked memory are limited"
        case .landlock: "files, TCP, signals and abstract sockets a second time, by another mechanism"
        case .seccomp: "no system call but those on the list"
        case .cgroup: "memory, tasks and CPU are limited, and all of it can be killed at once"
        case .workspace: "the disk space of the workspace is limited"
        }
    }

    /// What an administrator can do where the kernel refuses it.
    package var remedy: String {
        switch self {
        case .userns:
            "allow user namespaces: sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone=1"
        case .cgroup:
            "mount cgroup v2 and delegate a subtree to cloister-celld (Delegate=yes), with its controllers"
        case .landlock: "boot with landlock in the lsm= list (Linux 5.13 or later)"
        case .seccomp: "use a kernel with CONFIG_SECCOMP_FILTER"
        case .timens: "use Linux 5.6 or later with CONFIG_TIME_NS"
        case .cgroupns: "use a kernel with CONFIG_CGROUPS"
        case .fileview: "let cloister-celld mount (CAP_SYS_ADMIN in its own namespace)"
        case .workspace: "give workspaces a file system with room for their limit"
        default: "use a kernel with all namespaces (CONFIG_NAMESPACES), and no limit of zero on them"
        }
    }
}

/// Some of the walls, in one word of a plan.
package struct WallSet: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package init(_ walls: some Sequence<Wall>) {
        rawValue = walls.reduce(0) { $0 | Self.bit(of: $1) }
    }

    private static func bit(of wall: Wall) -> UInt32 { 1 << UInt32(wall.number) }

    package static let all = WallSet(Wall.allCases)

    /// Without its own mounts a cell would rebuild the host's, and without its own processes it could not be ended.
    package static let indispensable = WallSet([.mountns, .pidns, .fileview])

    package func contains(_ wall: Wall) -> Bool { rawValue & Self.bit(of: wall) != 0 }

    /// A list such as `cgroup,timens`; the first word that is no wall, if there is one.
    package static func parse(_ list: String) -> Result<WallSet, UnknownWall> {
        var set = WallSet()
        for word in list.split(separator: ",", omittingEmptySubsequences: false) {
            guard let wall = Wall(rawValue: String(word)) else {
                return .failure(UnknownWall(name: String(word)))
            }
            set.formUnion(WallSet([wall]))
        }
        return .success(set)
    }

    /// No cell lacks these, whoever says so.
    package var dispensable: WallSet { subtracting(.indispensable) }

    package struct UnknownWall: Error, CustomStringConvertible {
        package let name: String

        package var description: String {
            "\"\(name)\" is no wall (known: \(Wall.allCases.map(\.rawValue).joined(separator: ", ")))"
        }
    }

    package var walls: [Wall] { Wall.allCases.filter { contains($0) } }
}
