import CSystemd
import Glibc
import Linux

extension BusMessage {
    /// Into the message's own room: what a String holds is valid, and sd-bus need not look at it again.
    package func append(_ text: String) throws(BusError) {
        var text = text
        let result = text.withUTF8 { bytes -> CInt? in
            if let first = bytes.baseAddress, unsafe memchr(first, 0, bytes.count) != nil {
                return nil
            }
            var room: UnsafeMutablePointer<CChar>?
            let result = unsafe sd_bus_message_append_string_space(raw, bytes.count, &room)
            if result >= 0, let room = unsafe room {
                unsafe UnsafeMutableRawBufferPointer(start: room, count: bytes.count).copyBytes(from: bytes)
            }
            return result
        }
        guard let result else { throw .malformed("a string with a NUL cannot be sent") }
        try BusError.check(result, "a string")
    }

    package func append(path: String) throws(BusError) {
        try unsafe append("o") { message, type in
            unsafe path.withCString { unsafe sd_bus_message_append_basic(message, type, $0) }
        }
    }

    package func append(_ value: Bool) throws(BusError) { try append(plain: CInt(value ? 1 : 0), "b") }
    package func append(_ number: Int64) throws(BusError) { try append(plain: number, "x") }

    package func append(_ number: Double) throws(BusError) {
        try unsafe append("d") { message, type in
            var number = number
            return unsafe sd_bus_message_append_basic(message, type, &number)
        }
    }

    package func append(_ number: UInt32) throws(BusError) { try append(plain: number, "u") }
    package func append(_ number: Int32) throws(BusError) { try append(plain: number, "i") }
    package func append(_ number: UInt64) throws(BusError) { try append(plain: number, "t") }

    /// sd-bus keeps a duplicate until it is sent.
    package func append(_ descriptor: borrowing OwnedFD) throws(BusError) {
        try append(plain: CInt(descriptor.number), "h")
    }

    /// What `body` appends stands in a container.
    package func append(
        _ container: BusContainer, _ body: () throws(BusError) -> Void
    ) throws(BusError) {
        try BusError.check(
            unsafe sd_bus_message_open_container(raw, container.type, container.contents), "container")
        try body()
        try BusError.check(unsafe sd_bus_message_close_container(raw), "end of container")
    }

    /// `a{ss}`
    package func append(_ details: [(String, String)]) throws(BusError) {
        try append(.array("{ss}")) { () throws(BusError) in
            for (key, value) in details {
                try append(.entry("ss")) { () throws(BusError) in
                    try append(key)
                    try append(value)
                }
            }
        }
    }

    private func append<Number: FixedWidthInteger>(
        plain number: Number, _ type: Unicode.Scalar
    ) throws(BusError) {
        try unsafe append(type) { message, type in
            var number = number
            return unsafe sd_bus_message_append_basic(message, type, &number)
        }
    }

    private func append(
        _ type: Unicode.Scalar, _ write: (OpaquePointer, CChar) -> CInt
    ) throws(BusError) {
        try BusError.check(unsafe write(raw, CChar(type.value)), "a value of type \(type)")
    }
}
