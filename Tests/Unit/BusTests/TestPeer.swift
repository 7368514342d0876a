import CSystemd
import Glibc
import TestSupport

/// Somebody else on the bus, on a thread of its own: `Echo` answers what it is sent, `Fail` with an error, `Wait` not at
/// all, `Leave` by going away.
final class TestPeer: Sendable {
    static let name = "org.cloister.TestPeer"
    private let flag = Flag()
    private let thread: Beside<Void>

    init(at address: String) throws {
        let ready = Flag()
        thread = Beside { [flag] in try Self.serve(address, until: flag, ready) }
        try Deadline().wait(for: "the peer on the bus") { ready.isUp }
    }

    func leave() throws {
        flag.raise()
        try thread.value()
    }

    private static func serve(_ address: String, until flag: Flag, _ ready: Flag) throws {
        var made: OpaquePointer?
        guard unsafe sd_bus_new(&made) >= 0, let bus = unsafe made else { throw TestFault("sd_bus_new") }
        defer { unsafe sd_bus_flush_close_unref(bus) }
        unsafe sd_bus_set_address(bus, address)
        unsafe sd_bus_set_bus_client(bus, 1)
        guard unsafe sd_bus_start(bus) >= 0, unsafe sd_bus_request_name(bus, name, 0) >= 0 else {
            throw TestFault("the peer is not on the bus")
        }
        ready.raise()
        while !flag.isUp {
            var received: OpaquePointer?
            guard unsafe sd_bus_process(bus, &received) >= 0 else { return }
            guard let message = unsafe received else {
                unsafe sd_bus_wait(bus, 10_000)
                continue
            }
            defer { unsafe sd_bus_message_unref(message) }
            if unsafe !answer(message) { return }
        }
    }

    private static func answer(_ message: OpaquePointer) -> Bool {
        func isCall(_ member: String) -> Bool {
            unsafe sd_bus_message_is_method_call(message, name, member) > 0
        }
        if isCall("Echo") {
            var reply: OpaquePointer?
            unsafe sd_bus_message_new_method_return(message, &reply)
            unsafe sd_bus_message_copy(reply, message, 1)
            unsafe sd_bus_message_send(reply)
            unsafe sd_bus_message_unref(reply)
        } else if isCall("Fail") {
            var error = unsafe sd_bus_error()
            unsafe sd_bus_error_set(&error, "org.cloister.TestPeer.Error.Meant", "as it was meant to")
            unsafe sd_bus_reply_method_error(message, &error)
            unsafe sd_bus_error_free(&error)
        } else if isCall("Leave") {
            return false
        }
        return true
    }
}
