import Bus

/// Somebody who provides tools.
struct ModuleObject: BusObject {
    let module: ModuleDescription

    static let interface = BusInterface(
        DBusNames.module,
        properties: [
            .init("Name", "s"), .init("Title", "s"), .init("Version", "s"),
            .init("State", "s", .invalidates), .init("Tools", "as", .invalidates),
        ])

    var interfaces: [BusInterface] { [Self.interface] }

    /// It names nobody. Which of its tools somebody may call is policy's matter, and no secret.
    func admit(_ call: BusCall) {}

    func value(of property: String, in interface: String) -> BusValue {
        switch property {
        case "Name": .string(module.name)
        case "Title": .string(module.title)
        case "Version": .string(module.version)
        case "State": .string(module.state)
        case "Tools": .strings(module.tools)
        default: preconditionFailure("\(property) is offered and not there")
        }
    }
}
