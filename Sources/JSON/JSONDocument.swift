// A parsed text: the sender's bytes, and a tape that says where each value lies in them.
//
//     {"a":[1,2]}      tape:  object ─┐ key "a"  array ─┐ 1  2
//                             next = 6└──────────────── │─────▶ next = 6
//
// Nothing is converted while parsing. A number stays the text that was sent, a string stays its
// escaped bytes, members stay in their order; so a value that is handed on is handed on unchanged,
// and 2^63, 1e400 and 1.0 survive. A container's node knows where its subtree ends, so skipping a
// value costs the same whatever is inside.
//
// Invariants: `bytes` is valid UTF-8 and one RFC 8259 value; every node's range lies inside it;
// an object's children alternate key, value.

package final class JSONDocument: Sendable {
    struct Node: Sendable {
        var kind: JSONValue.Kind
        /// A string that has a backslash in it: its bytes are not its text.
        var escaped: Bool
        var start: UInt32
        var end: UInt32
        /// The index of the node behind this value's subtree.
        var next: UInt32
    }

    package let bytes: [UInt8]
    let tape: [Node]
    /// No white space between tokens: the bytes of any value in here are already its compact form.
    package let isCompact: Bool
    /// Where an object names a member twice, if one does. RFC 8259 lets it pass; MCP does not.
    package let duplicateKeyOffset: Int?

    package convenience init(
        _ bytes: consuming [UInt8], limits: JSONLimits = .standard
    ) throws(JSONError) {
        let parsed = try JSONParser.parse(bytes, limits: limits)
        self.init(bytes: bytes, parsed)
    }

    /// JSON that stands in our own source. A mistake in it is ours, and traps.
    package convenience init(literal: StaticString) {
        let bytes = Array(literal.description.utf8)
        do {
            try self.init(bytes)
        } catch {
            preconditionFailure("malformed JSON literal: \(error): \(literal)")
        }
    }

    private init(bytes: consuming [UInt8], _ parsed: consuming JSONParser.Output) {
        self.bytes = bytes
        tape = parsed.tape
        isCompact = parsed.isCompact
        duplicateKeyOffset = parsed.duplicateKeyOffset
    }

    package var root: JSONValue { JSONValue(document: self, index: 0) }
}
