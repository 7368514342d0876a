import CSystemd
import Linux

/// One connection, as sd-bus has it: from its socket to its end. It does not come back; another one takes its place.
// Unchecked: touched on the loop's thread only.
@safe final class BusLink: @unchecked Sendable {
    let raw: OpaquePointer
    /// The same socket by a number of our own, which is there to be unwatched when sd-bus has closed its.
    let socket: OwnedFD

    /// Whatever comes that is no answer; true when it was taken.
    private let onMessage: (BusMessage) -> Bool

    /// Begins to connect; that it is a bus is known when it has answered.
    init(_ address: BusAddress, onMessage: @escaping (BusMessage) -> Bool) throws(BusError) {
        self.onMessage = onMessage
        var made: OpaquePointer?
        try Self.step("sd_bus_new", unsafe sd_bus_new(&made))
        guard let bus = unsafe made else { throw .unreachable("sd_bus_new") }
        do throws(BusError) {
            try Self.step("address", unsafe sd_bus_set_address(bus, address.description))
            try Self.step("client", unsafe sd_bus_set_bus_client(bus, 1))
            try Self.step("descriptors", unsafe sd_bus_negotiate_fds(bus, 1))
            // Who calls us is not to be taken for one of us.
            try Self.step("trust", unsafe sd_bus_set_trusted(bus, 0))
            try Self.step("\(address)", unsafe sd_bus_start(bus))
            let number = try Self.step("socket", unsafe sd_bus_get_fd(bus))
            do throws(SystemError) {
                socket = try OwnedFD(duplicating: Int(number))
            } catch {
                throw .unreachable("\(error)")
            }
        } catch {
            unsafe sd_bus_close_unref(bus)
            throw error
        }
        unsafe raw = bus
        try hearEverything()
    }

    private func hearEverything() throws(BusError) {
        let callback: sd_bus_message_handler_t = { message, userdata, _ in
            guard let message = unsafe message, let userdata = unsafe userdata else { return 0 }
            let link = unsafe Unmanaged<BusLink>.fromOpaque(userdata).takeUnretainedValue()
            return link.onMessage(unsafe BusMessage(sharing: message)) ? 1 : 0
        }
        // Without a slot it stays as long as the connection, which we outlive.
        try Self.step(
            "filter",
            unsafe sd_bus_add_filter(raw, nil, callback, Unmanaged.passUnretained(self).toOpaque()))
    }

    deinit { unsafe sd_bus_close_unref(raw) }

    @discardableResult
    private static func step(_ what: @autoclosure () -> String, _ result: CInt) throws(BusError) -> CInt {
        guard result >= 0 else { throw .unreachable("\(what()): \(Errno(rawValue: -result))") }
        return result
    }

    /// The bus has told us our name.
    var isReady: Bool { unsafe sd_bus_is_ready(raw) > 0 }

    /// Handles what has come; false at the end of the connection.
    func process() -> Bool {
        // A share of a turn; what is left makes the next one come at once.
        for _ in 0..<64 {
            let result = unsafe sd_bus_process(raw, nil)
            if result < 0 { return false }
            if result == 0 { break }
        }
        return true
    }

    /// What has to be waited for; `nil` at the end of the connection.
    var interest: Epoll.Interest? {
        let events = unsafe sd_bus_get_events(raw)
        guard events >= 0 else { return nil }
        let readiness = PollSet.Readiness(rawValue: Int16(truncatingIfNeeded: events))
        return Epoll.Interest(read: readiness.contains(.read), write: readiness.contains(.write))
    }

    /// When it wants to go on even if nothing comes, on the monotonic clock.
    var deadline: Duration? {
        var microseconds: UInt64 = 0
        guard unsafe sd_bus_get_timeout(raw, &microseconds) >= 0, microseconds < Int64.max else { return nil }
        return .microseconds(Int64(microseconds))
    }
}
