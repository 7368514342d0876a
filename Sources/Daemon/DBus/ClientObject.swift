import Bus

/// An application that is connected.
struct ClientObject: BusObject {
    let client: ClientDescription

    static let interface = BusInterface(
        DBusNames.client,
        properties: [
            .init("Session", "t"), .init("UID", "u"), .init("User", "s"), .init("PID", "u"),
            .init("Transport", "s"), .init("Executable", "s"), .init("SHA256", "s", .invalidates),
            .init("Parent", "s"), .init("Unit", "s"), .init("Application", "s"),
            .init("Claim", "s", .invalidates), .init("Blocks", "as", .invalidates),
            // It changes with every call, and a signal for each would be more than the calls themselves.
            .init("Calls", "u", .silent),
        ])

    var interfaces: [BusInterface] { [Self.interface] }

    func admit(_ call: BusCall) throws(BusFault) {
        if client.facts.uid != call.uid { try call.require(.view) }
    }

    /// What is not known is empty.
    func value(of property: String, in interface: String) -> BusValue {
        let facts = client.facts
        return switch property {
        case "Session": .uint64(client.session)
        case "UID": .uint32(facts.uid)
        case "User": .string(facts.user ?? "")
        case "PID": .uint32(UInt32(clamping: client.pid))
        case "Transport": .string(facts.transport.rawValue)
        case "Executable": .string(facts.executable ?? "")
        case "SHA256": .string(facts.digest ?? "")
        case "Parent": .string(facts.parent ?? "")
        case "Unit": .string(facts.unit ?? "")
        case "Application": .string(facts.application ?? "")
        case "Claim": .string(client.claim ?? "")
        case "Blocks": .strings(client.blocks)
        case "Calls": .uint32(UInt32(client.calls))
        default: preconditionFailure("\(property) is offered and not there")
        }
    }
}
