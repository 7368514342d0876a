/// What every object has, as the DBus specification defines it.
extension BusInterface {
    package static let peer = BusInterface(
        "org.freedesktop.DBus.Peer",
        methods: [Method("Ping"), Method("GetMachineId", gives: ["machine_uuid": "s"])])

    package static let introspectable = BusInterface(
        "org.freedesktop.DBus.Introspectable", methods: [Method("Introspect", gives: ["xml_data": "s"])])

    package static let properties = BusInterface(
        "org.freedesktop.DBus.Properties",
        methods: [
            Method("Get", takes: ["interface_name": "s", "property_name": "s"], gives: ["value": "v"]),
            Method("GetAll", takes: ["interface_name": "s"], gives: ["props": "a{sv}"]),
            Method("Set", takes: ["interface_name": "s", "property_name": "s", "value": "v"]),
        ],
        signals: [
            Signal(
                "PropertiesChanged",
                [
                    "interface_name": "s", "changed_properties": "a{sv}", "invalidated_properties": "as",
                ])
        ])

    package static let objectManager = BusInterface(
        "org.freedesktop.DBus.ObjectManager",
        methods: [
            Method(
                "GetManagedObjects", gives: ["object_paths_interfaces_and_properties": "a{oa{sa{sv}}}"])
        ],
        signals: [
            Signal(
                "InterfacesAdded", ["object_path": "o", "interfaces_and_properties": "a{sa{sv}}"]),
            Signal("InterfacesRemoved", ["object_path": "o", "interfaces": "as"]),
        ])
}
