import Cells
import Linux

/// Looks at each wall from inside, after all of them were put up: what the calls above promised is compared with
/// what the kernel now says, and what must not work is tried.
enum SelfCheck {
    static func perform(
        _ order: CellOrder, of owner: CellOwner, _ walls: inout Walls
    ) throws(CellRefusal) {
        try namespaces(owner, &walls)
        try groups(order, &walls)
        try walls.check(.pidns, Process.id == 1, "the first process is number \(Process.id)")
        try walls.check(
            .userns,
            isAlone(owner.uid, in: "/proc/self/uid_map") && isAlone(owner.gid, in: "/proc/self/gid_map"),
            "more than uid \(owner.uid) and gid \(owner.gid) is mapped")
        try fileView(&walls)
        try privileges(&walls)
        try landlock(&walls)
        try limits(order.limits, &walls)
    }

    private static func namespaces(_ owner: CellOwner, _ walls: inout Walls) throws(CellRefusal) {
        for (place, namespace) in Wall.namespaces.enumerated() {
            guard owner.foreignNamespaces.indices.contains(place) else {
                try walls.check(namespace.wall, false, "the host's own is not known")
                continue
            }
            let own = try? File.inode(of: "/proc/self/ns/\(namespace.name)")
            try walls.check(
                namespace.wall, own != nil && own != owner.foreignNamespaces[place],
                "the \(namespace.name) namespace is \(own == nil ? "unknown" : "the host's")")
        }
    }

    /// Its view of control groups begins at the cell's own, or no program could be started in its call's.
    private static func groups(_ order: CellOrder, _ walls: inout Walls) throws(CellRefusal) {
        guard order.hasGroup, walls.report.stands(.cgroupns) else { return }
        let lines = ((try? File.readText("/proc/self/cgroup")) ?? "").split(separator: "\n")
        let own = lines.first { $0.hasPrefix("0::") }?.dropFirst(3) ?? ""
        try walls.check(.cgroupns, own == "/init" || own == "/", "its own group is seen as \(own)")
    }

    /// One line, which maps one number to itself.
    private static func isAlone(_ id: UInt32, in path: String) -> Bool {
        guard let map = try? File.readText(path) else { return false }
        return map.split(separator: "\n").count == 1
            && map.split(whereSeparator: \.isWhitespace) == ["\(id)", "\(id)", "1"]
    }

    private static func fileView(_ walls: inout Walls) throws(CellRefusal) {
        let names = (try? File.open("/", .directory).entryNames()) ?? []
        try walls.check(.fileview, names.contains("usr"), "there is no /usr")
        for place in ["/", "/usr", "/etc"] {
            try walls.check(.fileview, isReadOnly(place), "\(place) can be written to")
        }
    }

    private static func isReadOnly(_ directory: String) -> Bool {
        do throws(SystemError) {
            try File.makeDirectory(directory + "/.written", mode: 0o700)
            return false
        } catch {
            // Not any refusal: another wall's would say nothing about this one.
            return error.errno == .readOnlyFileSystem
        }
    }

    /// Landlock is asked before the capability that is missing as well, and refuses with an errno of its own. (Not a
    /// whiteout, which needs no capability: the kernel of Debian 12 does not ask Landlock for those.)
    private static func landlock(_ walls: inout Walls) throws(CellRefusal) {
        guard walls.report.stands(.landlock) else { return }
        var refusal: SystemError?
        do throws(SystemError) {
            try File.makeBlockDevice("/tmp/.made")
            try? File.remove("/tmp/.made")
        } catch {
            refusal = error
        }
        try walls.check(
            .landlock, refusal?.errno == .permissionDenied,
            "making a device in /tmp was not refused (\(refusal.map { "\($0)" } ?? "it was made"))")
    }

    private static func privileges(_ walls: inout Walls) throws(CellRefusal) {
        switch Result(catching: Capabilities.read) {
        case .success(let sets):
            try walls.check(.capabilities, sets.isEmpty, "capabilities are left: \(sets)")
        case .failure(let error): try walls.miss(.capabilities, because: "\(error)")
        }
        let bits = try? Capabilities.securityBits()
        try walls.check(.capabilities, bits == Capabilities.lockedBits, "the secure bits are not locked")
        try walls.check(.nonewprivs, Process.hasNoNewPrivileges, "no_new_privs is off")
        try walls.check(.nonewprivs, !Process.isDumpable, "the first process can be dumped")
    }

    private static func limits(_ limits: CellLimits, _ walls: inout Walls) throws(CellRefusal) {
        for (resource, most) in [
            (Process.Resource.openFiles, limits.openFiles), (.fileSize, limits.fileBytes), (.coreSize, 0),
            (.lockedMemory, limits.lockedBytes), (.processes, UInt64(limits.tasks)),
        ] {
            let found = try? Process.limit(of: resource)
            try walls.check(
                .rlimits, found.map { $0 <= most } ?? false, "the limit of \(resource) is \(found ?? 0)")
        }
    }
}
