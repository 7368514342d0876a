// A record as journald's native protocol has it (systemd.io/JOURNAL_NATIVE_PROTOCOL): `NAME=value` lines, and for
// values with a newline the name alone, the value's length in eight bytes, and the value.

package struct JournalEntry: Sendable {
    package let bytes: [UInt8]

    /// Names have at most 64 characters there, and journald takes at most 1,024 fields of an entry.
    static let mostRepeats = 64

    package init(_ record: AuditRecord, sequence: UInt64, hash: Digest?, time: AuditTime) {
        var fields = JournalFields()
        fields.append("MESSAGE", Self.message(of: record))
        fields.append("PRIORITY", String(record.priority))
        fields.append("MESSAGE_ID", MessageID.of(record.kind))
        fields.append("SYSLOG_IDENTIFIER", "cloisterd")
        fields.append("CLOISTER_SEQ", String(sequence))
        fields.append("CLOISTER_TIME", time.description)
        fields.append("CLOISTER_KIND", record.kind.rawValue)
        record.describe(to: &fields)
        if let hash { fields.append("CLOISTER_HASH", hash.description) }
        bytes = fields.bytes
    }

    private static func message(of record: AuditRecord) -> String {
        let client = record.clientText
        return client.isEmpty ? record.summary : "\(client): \(record.summary)"
    }
}

/// `client.uid` becomes CLOISTER_CLIENT_UID; what there is several of is repeated.
struct JournalFields: RecordFields {
    private(set) var bytes: [UInt8] = []
    private var prefix = Array("CLOISTER_".utf8)

    init() { bytes.reserveCapacity(2048) }

    /// A field of journald's own, or one that is not described by a record.
    mutating func append(_ name: StaticString, _ value: String) {
        appendName(name, isCapital: true)
        appendValue(value)
    }

    mutating func text(_ name: StaticString, _ value: String) {
        bytes.append(contentsOf: prefix)
        appendName(name, isCapital: false)
        appendValue(value)
    }

    mutating func number(_ name: StaticString, _ value: Int64) { text(name, String(value)) }
    mutating func flag(_ name: StaticString, _ value: Bool) { text(name, value ? "true" : "false") }

    mutating func json(_ name: StaticString, _ value: [UInt8]) {
        bytes.append(contentsOf: prefix)
        appendName(name, isCapital: false)
        appendValue(value.span)
    }

    private mutating func appendName(_ name: StaticString, isCapital: Bool) {
        let start = bytes.count
        unsafe bytes.append(
            contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        guard !isCapital else { return }
        for place in start..<bytes.count where bytes[place] &- UInt8(ascii: "a") < 26 {
            bytes[place] -= 32
        }
    }

    private mutating func appendValue(_ value: String) {
        var value = value
        value.withUTF8 { unsafe appendValue($0.span) }
    }

    private mutating func appendValue(_ value: Span<UInt8>) {
        if value.indices.contains(where: { value[$0] == 0x0A }) {
            bytes.append(0x0A)
            var count = UInt64(value.count)
            for _ in 0..<8 {
                bytes.append(UInt8(truncatingIfNeeded: count))
                count >>= 8
            }
        } else {
            bytes.append(UInt8(ascii: "="))
        }
        unsafe value.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
        bytes.append(0x0A)
    }

    mutating func texts(_ name: StaticString, _ values: [String]) {
        for value in values.prefix(JournalEntry.mostRepeats) { text(name, value) }
    }

    mutating func group(_ name: StaticString, _ members: (inout JournalFields) -> Void) {
        let outer = prefix.count
        let start = bytes.count
        appendName(name, isCapital: false)
        prefix += bytes[start...]
        bytes.removeLast(bytes.count - start)
        prefix.append(UInt8(ascii: "_"))
        members(&self)
        prefix.removeLast(prefix.count - outer)
    }

    mutating func groups(
        _ name: StaticString, count: Int, _ members: (inout JournalFields, Int) -> Void
    ) {
        group(name) { fields in
            for place in 0..<min(count, JournalEntry.mostRepeats) { members(&fields, place) }
        }
    }
}
