/// polkit on the bus: one question is one CheckAuthorization. Cancelling the task takes the question back, and the agent
/// closes its dialog; so does leaving the bus.
// Unchecked: touched on the loop's thread only.
package final class PolkitAuthority: @unchecked Sendable {
    private static let name = "org.freedesktop.PolicyKit1"
    private static let path = "/org/freedesktop/PolicyKit1/Authority"
    private static let interface = "org.freedesktop.PolicyKit1.Authority"
    private static let allowsUserInteraction: UInt32 = 1

    private let bus: BusConnection
    private var lastNumber: UInt64 = 0
    /// By which they could be cancelled.
    private var underWay: Set<String> = []

    package init(_ bus: BusConnection) { self.bus = bus }

    /// No dialog stays open for somebody who ends.
    package func close() {
        for identifier in underWay { takeBack(identifier) }
        bus.close()
    }

    package func version() async throws(BusError) -> String {
        let method = BusMethod(Self.name, Self.path, "org.freedesktop.DBus.Properties", "Get")
        let reply = try await bus.call(method) { message throws(BusError) in
            try message.append(Self.interface)
            try message.append("BackendVersion")
        }
        return try reply.read(.variant("s")) { () throws(BusError) in try reply.readString() }
    }

    /// What polkit answers, as it does.
    package struct Decision: Sendable {
        package let isAuthorized: Bool
        /// Somebody would have to be asked, and was not.
        package let needsAgent: Bool
        package let isDismissed: Bool
    }

    /// Without interaction nobody is asked.
    package func check(
        _ action: String, _ subject: borrowing PolkitSubject, _ details: [(String, String)],
        interactive: Bool = true
    ) async throws(BusError) -> Decision {
        lastNumber += 1
        let identifier = "cloister-\(lastNumber)"
        underWay.insert(identifier)
        defer { underWay.remove(identifier) }
        do throws(BusError) {
            // As long as it takes: whoever asks us has a limit.
            let reply = try await bus.call(method("CheckAuthorization"), within: nil) {
                message throws(BusError) in
                try subject.append(to: message)
                try message.append(action)
                try message.append(details)
                try message.append(interactive ? Self.allowsUserInteraction : 0)
                try message.append(identifier)
            }
            return try Self.decision(reply)
        } catch {
            if error == .cancelled { takeBack(identifier) }
            throw error
        }
    }

    private func takeBack(_ identifier: String) {
        // Where the bus is gone, polkit knows as much.
        try? bus.send(method("CancelCheckAuthorization")) { message throws(BusError) in
            try message.append(identifier)
        }
    }

    private func method(_ member: String) -> BusMethod {
        BusMethod(Self.name, Self.path, Self.interface, member)
    }

    private static func decision(_ reply: BusMessage) throws(BusError) -> Decision {
        try reply.read(.structure("bba{ss}")) { () throws(BusError) in
            let isAuthorized = try reply.readBool()
            let needsAgent = try reply.readBool()
            let details = try reply.readDetails()
            return Decision(
                isAuthorized: isAuthorized, needsAgent: needsAgent,
                isDismissed: details["polkit.dismissed"] != nil)
        }
    }
}
