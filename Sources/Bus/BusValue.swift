import CSystemd
import Linux

/// A value of a property or of an option: those types that somebody here needs.
package enum BusValue: Equatable, Sendable {
    case string(String)
    case path(String)
    case bool(Bool)
    case uint32(UInt32)
    case uint64(UInt64)
    case int64(Int64)
    case double(Double)
    case strings([String])

    package var signature: String {
        switch self {
        case .string: "s"
        case .path: "o"
        case .bool: "b"
        case .uint32: "u"
        case .uint64: "t"
        case .int64: "x"
        case .double: "d"
        case .strings: "as"
        }
    }

    package func append(to message: BusMessage) throws(BusError) {
        switch self {
        case .string(let text): try message.append(text)
        case .path(let path): try message.append(path: path)
        case .bool(let value): try message.append(value)
        case .uint32(let number): try message.append(number)
        case .uint64(let number): try message.append(number)
        case .int64(let number): try message.append(number)
        case .double(let number): try message.append(number)
        case .strings(let texts):
            try message.append(.array("s")) { () throws(BusError) in
                for text in texts { try message.append(text) }
            }
        }
    }

    package func appendVariant(to message: BusMessage) throws(BusError) {
        try message.append(.variant(signature)) { () throws(BusError) in try append(to: message) }
    }
}

extension BusMessage {
    /// `a{sv}`; a value of a type that nobody here needs is refused.
    package func readOptions() throws(BusError) -> [String: BusValue] {
        var options: [String: BusValue] = [:]
        try readEntries { (key, contents) throws(BusError) in
            guard let value = try readValue(contents) else {
                throw .malformed("the option \(key) cannot be of type \(contents)")
            }
            options[key] = value
        }
        return options
    }

    /// `a{sv}`: `body` is given the key and the type of what stands in the variant, and reads that or nothing.
    package func readEntries(
        _ body: (_ key: String, _ contents: String) throws(BusError) -> Void
    ) throws(BusError) {
        try read(.array("{sv}")) { () throws(BusError) in
            while unsafe sd_bus_message_at_end(raw, 0) == 0 {
                try read(.entry("sv")) { () throws(BusError) in
                    let key = try readString()
                    let contents = try nextContents()
                    try read(.variant(contents)) { () throws(BusError) in
                        try body(key, contents)
                        // What was not wanted is still in the way.
                        if unsafe sd_bus_message_at_end(raw, 0) == 0 {
                            _ = unsafe sd_bus_message_skip(raw, nil)
                        }
                    }
                }
            }
        }
    }

    /// A variant of this type and no other.
    package func readVariant(_ type: String) throws(BusError) -> BusValue {
        let contents = try nextContents()
        guard contents == type else { throw .malformed("the value is of type \(contents) and not \(type)") }
        return try read(.variant(type)) { () throws(BusError) in
            guard let value = try readValue(type) else { throw .malformed("nobody here reads \(type)") }
            return value
        }
    }

    private func nextContents() throws(BusError) -> String {
        var type: CChar = 0
        var contents: UnsafePointer<CChar>?
        guard unsafe sd_bus_message_peek_type(raw, &type, &contents) > 0, let contents = unsafe contents
        else {
            throw .malformed("the message has no value where it should")
        }
        return unsafe String(cString: contents)
    }

    private func readValue(_ type: String) throws(BusError) -> BusValue? {
        switch type {
        case "s": .string(try readString())
        case "b": .bool(try readBool())
        case "u": .uint32(try readUInt32())
        case "t": .uint64(try readUInt64())
        case "x": .int64(Int64(bitPattern: try readUInt64(type: "x")))
        default: nil
        }
    }
}
