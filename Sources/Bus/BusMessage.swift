import CSystemd

/// One message, ours until the last who holds it lets it go. It is written from its beginning to its end, or read so.
// Unchecked: touched on the loop's thread only.
@safe package final class BusMessage: @unchecked Sendable {
    let raw: OpaquePointer

    /// Takes over a reference that somebody made for us.
    init(owning raw: OpaquePointer) { unsafe self.raw = raw }

    /// Of a message that sd-bus lends us for the time of a callback.
    init(sharing raw: OpaquePointer) { unsafe self.raw = sd_bus_message_ref(raw) }

    deinit { unsafe sd_bus_message_unref(raw) }

    /// The error that it is, if it is one.
    var error: BusError? {
        guard let error = unsafe sd_bus_message_get_error(raw)?.pointee else { return nil }
        return .refused(
            name: unsafe error.name.map { unsafe String(cString: $0) } ?? "",
            message: unsafe error.message.map { unsafe String(cString: $0) } ?? "")
    }
}

/// What stands on a message's envelope. The sender is the bus's word.
extension BusMessage {
    package var sender: String? { unsafe text(sd_bus_message_get_sender(raw)) }
    package var path: String? { unsafe text(sd_bus_message_get_path(raw)) }
    package var interface: String? { unsafe text(sd_bus_message_get_interface(raw)) }
    package var member: String? { unsafe text(sd_bus_message_get_member(raw)) }
    package var signature: String { unsafe text(sd_bus_message_get_signature(raw, 1)) ?? "" }
    var isCall: Bool { unsafe sd_bus_message_is_method_call(raw, nil, nil) > 0 }
    var isSignal: Bool { unsafe sd_bus_message_is_signal(raw, nil, nil) > 0 }
    package var expectsReply: Bool { unsafe sd_bus_message_get_expect_reply(raw) > 0 }
    /// Whoever called waits for a person who has to be asked.
    package var allowsInteraction: Bool {
        unsafe sd_bus_message_get_allow_interactive_authorization(raw) > 0
    }

    private func text(_ pointer: UnsafePointer<CChar>?) -> String? {
        unsafe pointer.map { unsafe String(cString: $0) }
    }
}

/// What values stand in, with the signature of what is inside.
package enum BusContainer: Sendable {
    case array(String)
    case variant(String)
    case structure(String)
    case entry(String)

    var type: CChar {
        let letter: Unicode.Scalar =
            switch self {
            case .array: "a"
            case .variant: "v"
            case .structure: "r"
            case .entry: "e"
            }
        return CChar(letter.value)
    }

    var contents: String {
        switch self {
        case .array(let contents), .variant(let contents), .structure(let contents), .entry(let contents):
            contents
        }
    }
}

/// A method of an object of somebody on the bus.
package struct BusMethod: Sendable {
    package var destination: String
    package var path: String
    package var interface: String
    package var member: String

    package init(_ destination: String, _ path: String, _ interface: String, _ member: String) {
        (self.destination, self.path) = (destination, path)
        (self.interface, self.member) = (interface, member)
    }
}
