import CSystemd
import Linux

extension BusMessage {
    package func readString() throws(BusError) -> String { try readText("s", "a string") }
    package func readPath() throws(BusError) -> String { try readText("o", "a path") }

    private func readText(_ type: Unicode.Scalar, _ what: String) throws(BusError) -> String {
        var text: UnsafePointer<CChar>?
        let result = unsafe sd_bus_message_read_basic(raw, CChar(type.value), &text)
        guard result > 0, let text = unsafe text else { throw Self.unexpected(what) }
        return unsafe String(cString: text)
    }

    package func readBool() throws(BusError) -> Bool {
        var value: CInt = 0
        guard unsafe sd_bus_message_read_basic(raw, CChar(UInt8(ascii: "b")), &value) > 0 else {
            throw Self.unexpected("a boolean")
        }
        return value != 0
    }

    package func readUInt32() throws(BusError) -> UInt32 {
        var value: UInt32 = 0
        guard unsafe sd_bus_message_read_basic(raw, CChar(UInt8(ascii: "u")), &value) > 0 else {
            throw Self.unexpected("a number of 32 bits")
        }
        return value
    }

    package func readUInt64(type: Unicode.Scalar = "t") throws(BusError) -> UInt64 {
        var value: UInt64 = 0
        guard unsafe sd_bus_message_read_basic(raw, CChar(type.value), &value) > 0 else {
            throw Self.unexpected("a number of 64 bits")
        }
        return value
    }

    /// One of our own: the message keeps its.
    package func readDescriptor() throws(BusError) -> OwnedFD {
        var number: CInt = -1
        guard unsafe sd_bus_message_read_basic(raw, CChar(UInt8(ascii: "h")), &number) > 0 else {
            throw Self.unexpected("a descriptor")
        }
        do throws(SystemError) {
            return try OwnedFD(duplicating: Int(number))
        } catch {
            throw .malformed("\(error)")
        }
    }

    /// `au`
    package func readUInt32s() throws(BusError) -> [UInt32] {
        try read(.array("u")) { () throws(BusError) in
            var numbers: [UInt32] = []
            while unsafe sd_bus_message_at_end(raw, 0) == 0 { numbers.append(try readUInt32()) }
            return numbers
        }
    }

    /// `ay`
    package func readBytes() throws(BusError) -> [UInt8] {
        var start: UnsafeRawPointer?
        var count = 0
        guard unsafe sd_bus_message_read_array(raw, CChar(UInt8(ascii: "y")), &start, &count) > 0 else {
            throw Self.unexpected("bytes")
        }
        return unsafe Array(UnsafeRawBufferPointer(start: start, count: count))
    }

    /// What `body` reads stands in a container.
    package func read<Value>(
        _ container: BusContainer, _ body: () throws(BusError) -> Value
    ) throws(BusError) -> Value {
        guard unsafe sd_bus_message_enter_container(raw, container.type, container.contents) > 0 else {
            throw Self.unexpected("\(container)")
        }
        let value = try body()
        guard unsafe sd_bus_message_exit_container(raw) >= 0 else {
            throw Self.unexpected("the end of \(container)")
        }
        return value
    }

    /// `a{ss}`
    package func readDetails() throws(BusError) -> [String: String] {
        try read(.array("{ss}")) { () throws(BusError) in
            var details: [String: String] = [:]
            while unsafe sd_bus_message_at_end(raw, 0) == 0 {
                try read(.entry("ss")) { () throws(BusError) in details[try readString()] = try readString() }
            }
            return details
        }
    }

    private static func unexpected(_ what: String) -> BusError {
        .malformed("the message does not have \(what) where it should")
    }
}
