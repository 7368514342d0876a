import JSON

/// The id of a request, a string or an integer, echoed byte for byte: `"1"` is not `1`, and an integer
/// of any size stays what it was. Two spellings of one string are the same id.
package struct RequestID: Sendable, Hashable {
    package let value: JSONValue

    package init?(_ value: JSONValue) {
        guard value.kind == .string || value.isIntegerText else { return nil }
        self.value = value
    }

    package init(_ number: Int) {
        guard let document = try? JSONDocument(Array(String(number).utf8)) else {
            preconditionFailure("a number is JSON")
        }
        value = document.root
    }

    private var isString: Bool { value.kind == .string }
    private var text: ArraySlice<UInt8> { isString ? value.textBytes : value.bytes }

    package static func == (one: RequestID, other: RequestID) -> Bool {
        one.isString == other.isString && one.text == other.text
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(isString)
        unsafe text.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
    }
}
