import CSystemd

/// A call of an object of ours, until it is answered: once, and not at all where nobody waits for that.
// Unchecked: touched on the loop's thread only.
@safe package final class BusCall: @unchecked Sendable {
    package let message: BusMessage
    /// The unique name of whoever called, which the bus gives to nobody else as long as it lives.
    package let sender: String
    package let path: String
    package let interface: String?
    package let member: String
    /// Who that is; known before anybody decides anything.
    package var caller: BusCaller?
    /// What polkit has allowed for this call.
    package var authorized: Set<BusAuthorization> = []
    private unowned let connection: BusConnection
    private var isAnswered = false

    init?(_ message: BusMessage, on connection: BusConnection) {
        guard let sender = message.sender, let path = message.path, let member = message.member else {
            return nil
        }
        (self.message, self.connection, self.sender) = (message, connection, sender)
        (self.path, self.interface, self.member) = (path, message.interface, member)
    }

    package func answer(_ write: BusAnswer) {
        guard begin() else { return }
        do throws(BusError) {
            var made: OpaquePointer?
            try BusError.check(unsafe sd_bus_message_new_method_return(message.raw, &made), "reply")
            guard let raw = unsafe made else { throw .malformed("reply") }
            let reply = unsafe BusMessage(owning: raw)
            try write(reply)
            try connection.send(reply)
        } catch {
            // Whoever called has left, or we wrote nonsense: then they are told rather than left waiting.
            isAnswered = false
            fail(BusFault(.failed, error.message))
        }
    }

    package func fail(_ fault: BusFault) {
        guard begin() else { return }
        var error = unsafe sd_bus_error()
        defer { unsafe sd_bus_error_free(&error) }
        // A message that a client chose a part of must not end it early.
        let text = BusText.cut(fault.message.replacing("\0", with: " "), to: BusText.longestFault)
        _ = unsafe sd_bus_error_set(&error, fault.name, text)
        var made: OpaquePointer?
        guard unsafe sd_bus_message_new_method_error(message.raw, &made, &error) >= 0,
            let raw = unsafe made
        else { return }
        let reply = unsafe BusMessage(owning: raw)
        try? connection.send(reply)
    }

    private func begin() -> Bool {
        defer { isAnswered = true }
        return !isAnswered && message.expectsReply
    }

    /// The arguments from the first on: a call that is looked at again is read again.
    package func rewind() { unsafe sd_bus_message_rewind(message.raw, 1) }
}

/// Writes a reply's arguments.
package typealias BusAnswer = (BusMessage) throws(BusError) -> Void

/// Why a call has no answer.
package struct BusFault: Error, Equatable, Sendable {
    package let name: String
    package let message: String
    /// polkit has to be asked first, and then the call is looked at from the beginning.
    package let wants: BusAuthorization?

    package enum Standard: String, Sendable {
        case accessDenied = "AccessDenied"
        case failed = "Failed"
        case interactiveAuthorizationRequired = "InteractiveAuthorizationRequired"
        case invalidArguments = "InvalidArgs"
        case limitsExceeded = "LimitsExceeded"
        case propertyReadOnly = "PropertyReadOnly"
        case unknownInterface = "UnknownInterface"
        case unknownMethod = "UnknownMethod"
        case unknownObject = "UnknownObject"
        case unknownProperty = "UnknownProperty"
    }

    package init(_ standard: Standard, _ message: String) {
        self.init(name: "org.freedesktop.DBus.Error." + standard.rawValue, message)
    }

    package init(name: String, _ message: String) {
        (self.name, self.message, wants) = (name, message, nil)
    }

    package init(wants authorization: BusAuthorization) {
        (name, message, wants) = ("", "", authorization)
    }
}

/// What polkit is asked, with what a person is shown.
package struct BusAuthorization: Hashable, Sendable {
    package let action: String
    package let details: [String: String]

    package init(_ action: String, _ details: [String: String] = [:]) {
        (self.action, self.details) = (action, details)
    }
}
