import Linux

/// Where a bus is, as DBUS_SYSTEM_BUS_ADDRESS says it.
package struct BusAddress: Equatable, Sendable, CustomStringConvertible {
    package let description: String

    /// Sockets of this machine alone: to look up the name of another one would block, and to run a program
    /// (`unixexec:`) is not what connecting should do.
    package init(_ text: String) throws(BusError) {
        let isLocal = text.split(separator: ";", omittingEmptySubsequences: false).allSatisfy {
            $0.hasPrefix("unix:")
        }
        guard isLocal, !text.utf8.contains(0) else {
            throw .unreachable("\(text) is not the address of a socket of this machine (unix:path=…)")
        }
        description = text
    }

    private init(known: String) { description = known }

    package static let system = BusAddress(known: "unix:path=/run/dbus/system_bus_socket")

    /// The system's, unless the environment names another one.
    package static func ofSystem() throws(BusError) -> BusAddress {
        guard let given = Process.environment("DBUS_SYSTEM_BUS_ADDRESS"), !given.isEmpty else {
            return .system
        }
        return try BusAddress(given)
    }
}
