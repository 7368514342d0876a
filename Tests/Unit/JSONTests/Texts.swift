import JSON
import Testing

/// A text that must be refused, for what, and at which byte.
struct Refused: Sendable, CustomTestStringConvertible {
    let bytes: [UInt8]
    let expected: JSONError

    init(_ text: String, _ reason: JSONError.Reason, at offset: Int) {
        self.init(Array(text.utf8), reason, at: offset)
    }

    init(_ bytes: [UInt8], _ reason: JSONError.Reason, at offset: Int) {
        (self.bytes, expected) = (bytes, JSONError(reason, at: offset))
    }

    var testDescription: String { String(decoding: bytes, as: UTF8.self).debugDescription }
}

/// Why the parser refuses these bytes; `nil` when it accepts them.
func refusal(of bytes: [UInt8], limits: JSONLimits = .standard) -> JSONError? {
    do throws(JSONError) {
        _ = try JSONDocument(bytes, limits: limits)
        return nil
    } catch {
        return error
    }
}

func refusal(of text: String, limits: JSONLimits = .standard) -> JSONError? {
    refusal(of: Array(text.utf8), limits: limits)
}

func parse(_ text: String, limits: JSONLimits = .standard) throws -> JSONValue {
    try JSONDocument(Array(text.utf8), limits: limits).root
}

func written(_ write: (inout JSONWriter) -> Void) -> String {
    String(decoding: JSONWriter.bytes(write), as: UTF8.self)
}

func forwarded(_ value: JSONValue) -> String { written { $0.value(value) } }

extension JSONValue {
    var text: String { String(decoding: bytes, as: UTF8.self) }
}
