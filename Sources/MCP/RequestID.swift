import JSON

/// The id of a request, a string or an integer, echoed byte for byte: `"1"` is not `1`, and an integer
/// of any size stays what it was.
package struct RequestID: Sendable, Hashable {
    private enum Key: Hashable {
        case string(String)
        case integer(String)
    }

    package let value: JSONValue
    private let key: Key

    package init?(_ value: JSONValue) {
        if let string = value.string {
            key = .string(string)
        } else if value.isIntegerText {
            key = .integer(String(decoding: value.bytes, as: UTF8.self))
        } else {
            return nil
        }
        self.value = value
    }

    package static func == (one: RequestID, other: RequestID) -> Bool { one.key == other.key }

    package func hash(into hasher: inout Hasher) { hasher.combine(key) }
}
