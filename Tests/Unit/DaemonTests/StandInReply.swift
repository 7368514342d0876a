import CSystemd
import Glibc
import Linux
import Testing

@testable import Bus

/// What a bus answers to GetConnectionCredentials, of which this machine's may give less: made, sealed and read without
/// any bus.
@safe final class StandInReply {
    /// A key, the type of what its variant holds, and what appends that.
    typealias Entry = (key: String, type: String, write: @Sendable (BusMessage) throws(BusError) -> Void)

    private let bus: OpaquePointer
    private let raw: OpaquePointer
    // A connection that nobody ever answers.
    private let pair: UnixSocket.Pair

    var message: BusMessage {
        unsafe sd_bus_message_rewind(raw, 1)
        return unsafe BusMessage(sharing: raw)
    }

    init(_ entries: [Entry]) throws {
        pair = try UnixSocket.pair()
        var made: OpaquePointer?
        try #require(unsafe sd_bus_new(&made) >= 0)
        unsafe bus = try #require(unsafe made)
        // It closes what it is given.
        let socket = dup(CInt(pair.one.number))
        unsafe sd_bus_set_fd(bus, socket, socket)
        try #require(unsafe sd_bus_start(bus) >= 0)
        var message: OpaquePointer?
        try #require(unsafe sd_bus_message_new_method_call(bus, &message, nil, "/", nil, "Answer") >= 0)
        unsafe raw = try #require(unsafe message)
        let writing = unsafe BusMessage(sharing: raw)
        try writing.append(.array("{sv}")) { () throws(BusError) in
            for entry in entries {
                try writing.append(.entry("sv")) { () throws(BusError) in
                    try writing.append(entry.key)
                    try writing.append(.variant(entry.type)) { () throws(BusError) in
                        try entry.write(writing)
                    }
                }
            }
        }
        try #require(unsafe sd_bus_message_seal(raw, 1, 0) >= 0)
    }

    deinit {
        unsafe sd_bus_message_unref(raw)
        unsafe sd_bus_unref(bus)
    }

    static func bytes(_ bytes: [UInt8], in message: BusMessage) throws(BusError) {
        let result = unsafe bytes.withUnsafeBytes {
            unsafe sd_bus_message_append_array(
                message.raw, CChar(UInt8(ascii: "y")), $0.baseAddress, bytes.count)
        }
        try BusError.check(result, "bytes")
    }
}
