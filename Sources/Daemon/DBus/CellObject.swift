import Bus
import Cells

/// A cell that stands; its number is its client's.
struct CellObject: BusObject {
    let cell: CellDescription

    static let interface = BusInterface(
        DBusNames.cell,
        properties: [
            .init("Session", "t"), .init("Client", "o"), .init("UID", "u"), .init("User", "s"),
            .init("Workspace", "s"), .init("ReadableTrees", "as"), .init("WritableTrees", "as"),
            .init("Memory", "t"), .init("Tasks", "t"), .init("MissingWalls", "as"),
        ])

    var interfaces: [BusInterface] { [Self.interface] }
    /// A session's next cell has the path of the one before.
    var incarnation: Int { cell.incarnation }

    func admit(_ call: BusCall) throws(BusFault) {
        if cell.facts.uid != call.uid { try call.require(.view) }
    }

    func value(of property: String, in interface: String) -> BusValue {
        switch property {
        case "Session": .uint64(cell.session)
        case "Client": .path(DBusNames.Kind.client.path(cell.session))
        case "UID": .uint32(cell.facts.uid)
        case "User": .string(cell.facts.user ?? "")
        case "Workspace": .string(cell.workspace)
        case "ReadableTrees": .strings(cell.plan.trees.filter { !$0.isWritable }.map(\.path))
        case "WritableTrees": .strings(cell.plan.trees.filter(\.isWritable).map(\.path))
        case "Memory": .uint64(UInt64(cell.plan.limits.memoryMost))
        case "Tasks": .uint64(UInt64(cell.plan.limits.tasks))
        case "MissingWalls": .strings(cell.missing)
        default: preconditionFailure("\(property) is offered and not there")
        }
    }
}
