import JSON

// A record as RFC 5424 has it, for collectors that read syslog:
//
//   <86>1 2026-11-21T08:00:00.000000Z host cloisterd 4711 call [cloister@32473 seq="7" tool="read_file" …] text
//
// Every field of the record is a parameter of the structured data: those in groups by their path (`client.uid`),
// those there are several of as often. The number is that of examples (RFC 5612): we have none of our own.
// Control characters are replaced everywhere: a line is a line.

package struct SyslogForm: Sendable {
    /// authpriv
    private static let facility = 10

    package let host: String
    /// Of the daemon, where that is known.
    package let process: Int?

    package init(host: String, process: Int? = nil) { (self.host, self.process) = (host, process) }

    package func line(of entry: AuditEntry) -> String {
        let priority = Self.facility * 8 + entry.priority
        let kind = Self.printable(entry.kindName, most: 32)
        let process = process.map { String($0) } ?? "-"
        let sender = "\(Self.printable(host, most: 255)) cloisterd \(process)"
        var text = "<\(priority)>1 \(entry.time) \(sender) \(kind) [cloister@32473"
        for (name, member) in entry.json.members where !["time", "kind", "prev"].contains(name) {
            append(name, member, depth: 0, to: &text)
        }
        let client = entry.clientText
        let message = client.isEmpty ? entry.summary : "\(client): \(entry.summary)"
        return text + "] " + Self.escaped(message, isParameter: false)
    }

    private func append(_ name: String, _ value: JSONValue, depth: Int, to text: inout String) {
        if name == "arguments" || depth > 2 { return parameter(name, Self.source(value), to: &text) }
        switch value.kind {
        case .object:
            for (inner, member) in value.members {
                append("\(name).\(inner)", member, depth: depth + 1, to: &text)
            }
        case .array:
            for element in value.elements { append(name, element, depth: depth + 1, to: &text) }
        case .string: parameter(name, value.string ?? "", to: &text)
        default: parameter(name, Self.source(value), to: &text)
        }
    }

    private func parameter(_ name: String, _ value: String, to text: inout String) {
        text += " \(Self.printable(name, most: 32))=\"\(Self.escaped(value, isParameter: true))\""
    }

    private static func source(_ value: JSONValue) -> String {
        String(decoding: value.bytes, as: UTF8.self)
    }

    /// PRINTUSASCII without what ends a name.
    private static func printable(_ text: String, most: Int) -> String {
        let plain = text.utf8.prefix(most).map { byte in
            (0x21...0x7E).contains(byte) && ![0x22, 0x3D, 0x5D].contains(byte) ? byte : UInt8(ascii: "_")
        }
        return plain.isEmpty ? "-" : String(decoding: plain, as: UTF8.self)
    }

    private static func escaped(_ text: String, isParameter: Bool) -> String {
        var escaped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\", "]":
                if isParameter { escaped.append("\\") }
                escaped.append(scalar)
            case _ where scalar.isPlain: escaped.append(scalar)
            default: escaped.append(" ")
            }
        }
        return String(escaped)
    }
}
