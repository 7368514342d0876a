import CSystemd

/// What an object of ours says, and what the bus says to us.
extension BusConnection {
    package struct Signal: Sendable {
        let path: String
        let interface: String
        let member: String

        package init(_ path: String, _ interface: String, _ member: String) {
            (self.path, self.interface, self.member) = (path, interface, member)
        }
    }

    /// To everybody who wants to hear it, or to one alone. Where there is no bus there is nobody.
    package func emit(_ signal: Signal, to receiver: String? = nil, _ write: BusAnswer = { _ in }) {
        guard state == .ready, let link else { return }
        var made: OpaquePointer?
        let result = unsafe sd_bus_message_new_signal(
            link.raw, &made, signal.path, signal.interface, signal.member)
        guard result >= 0, let raw = unsafe made else { return }
        let message = unsafe BusMessage(owning: raw)
        if let receiver, unsafe sd_bus_message_set_destination(message.raw, receiver) < 0 { return }
        try? write(message)
        try? send(message)
    }

    /// A message that belongs to its own connection; if that is gone, nobody gets it.
    func send(_ message: BusMessage) throws(BusError) {
        try BusError.checkSent(unsafe sd_bus_send(nil, message.raw, nil))
        arm()
    }

    // MARK: The bus itself

    private static func bus(_ member: String) -> BusMethod {
        BusMethod("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", member)
    }

    package enum Ownership: UInt32, Sendable {
        case owner = 1
        /// Another one has the name. The bus gives it to us when that leaves.
        case queued = 2
        case alreadyOwner = 4
    }

    package func request(name: String) async throws(BusError) -> Ownership {
        let reply = try await call(Self.bus("RequestName")) { message throws(BusError) in
            try message.append(name)
            try message.append(UInt32(0))
        }
        guard let answer = Ownership(rawValue: try reply.readUInt32()) else {
            throw .malformed("the bus answers nonsense about the name")
        }
        return answer
    }

    /// From here on it is heard when somebody leaves the bus.
    package func watchForDepartures() async throws(BusError) {
        _ = try await call(Self.bus("AddMatch")) { message throws(BusError) in
            try message.append(
                "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',member='NameOwnerChanged',arg2=''"
            )
        }
    }

    package func credentials(of name: String) async throws(BusError) -> BusCaller {
        let reply = try await call(Self.bus("GetConnectionCredentials")) { message throws(BusError) in
            try message.append(name)
        }
        return try BusCaller(name, reading: reply)
    }
}
