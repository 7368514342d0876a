import CSystemd
import Linux

/// A bus for programs that do one thing at a time: each call waits for its answer.
// Unchecked: of one thread.
package final class WaitingBus: @unchecked Sendable {
    private let link: BusLink

    package init(_ address: BusAddress) throws(BusError) {
        link = try BusLink(address) { _ in false }
    }

    /// Interactive: as long as a person takes who has to prove who they are.
    package func call(
        _ method: BusMethod, interactive: Bool = false,
        _ write: (BusMessage) throws(BusError) -> Void = { _ in }
    ) throws(BusError) -> BusMessage {
        let message = try BusConnection.message(method, over: link, write)
        if interactive {
            try BusError.check(
                unsafe sd_bus_message_set_allow_interactive_authorization(message.raw, 1), "interactive")
        }
        var error = unsafe sd_bus_error()
        defer { unsafe sd_bus_error_free(&error) }
        var made: OpaquePointer?
        let patience: UInt64 = interactive ? 300_000_000 : 25_000_000
        let result = unsafe sd_bus_call(link.raw, message.raw, patience, &error, &made)
        if let name = unsafe error.name {
            throw .refused(
                name: unsafe String(cString: name),
                message: unsafe error.message.map { unsafe String(cString: $0) } ?? "")
        }
        guard result >= 0, let raw = unsafe made else { throw .unreachable("\(Errno(rawValue: -result))") }
        return unsafe BusMessage(owning: raw)
    }
}
