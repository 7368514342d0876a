// What celld tells a first process as soon as it knows whose cell it will be, and before there is an order: the client
// has connected, and may never ask for anything. No descriptor comes along, and it is not answered.

package struct CellOwner: Equatable, Sendable {
    package let uid: UInt32
    package let gid: UInt32
    /// Whether the groups that celld has are to be dropped, which an ordinary user has no right to.
    package let dropsGroups: Bool
    /// The inode numbers of celld's own namespaces, in the order of `Wall.namespaces`: the cell's must differ.
    package let foreignNamespaces: [UInt64]
    package let programFilter: [UInt8]
    package let doorFilter: [UInt8]
    package let initFilter: [UInt8]

    package init(
        uid: UInt32, gid: UInt32, dropsGroups: Bool, foreignNamespaces: [UInt64] = [],
        programFilter: [UInt8] = [], doorFilter: [UInt8] = [], initFilter: [UInt8] = []
    ) {
        (self.uid, self.gid, self.dropsGroups) = (uid, gid, dropsGroups)
        self.foreignNamespaces = foreignNamespaces
        (self.programFilter, self.doorFilter, self.initFilter) = (programFilter, doorFilter, initFilter)
    }

    /// The kernel's own limit of a filter: 4096 instructions of 8 bytes.
    static let longestFilter = 4096 * 8

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        for value in [uid, gid] { writer.integer(value) }
        writer.flag(dropsGroups)
        writer.integer(UInt8(foreignNamespaces.count))
        for namespace in foreignNamespaces { writer.integer(namespace) }
        for filter in [programFilter, doorFilter, initFilter] { writer.data(filter) }
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(CodingFault) {
        var reader = ByteReader(bytes[...])
        // Never the host's root, whoever says so.
        uid = try reader.integer("uid", in: 1...(UInt32.max - 1))
        gid = try reader.integer("gid", in: 1...(UInt32.max - 1))
        dropsGroups = try reader.flag("dropsGroups")
        let count = try reader.integer("namespaces", in: 0...UInt8(Wall.namespaces.count))
        var namespaces: [UInt64] = []
        for _ in 0..<count { namespaces.append(try reader.integer("namespace")) }
        foreignNamespaces = namespaces
        programFilter = try reader.data("programFilter", most: Self.longestFilter)
        doorFilter = try reader.data("doorFilter", most: Self.longestFilter)
        initFilter = try reader.data("initFilter", most: Self.longestFilter)
        try reader.finish("owner")
    }
}

extension Wall {
    /// The walls that are namespaces, with the kernel's names below /proc/PID/ns.
    package static let namespaces: [(wall: Wall, name: String)] = [
        (.userns, "user"), (.mountns, "mnt"), (.pidns, "pid"), (.ipcns, "ipc"), (.utsns, "uts"),
        (.netns, "net"), (.cgroupns, "cgroup"), (.timens, "time_for_children"),
    ]
}
