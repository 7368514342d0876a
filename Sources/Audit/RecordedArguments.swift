import JSON

/// The arguments of a call as a record shows them: without the values of secret members, and with long ones cut.
///
/// The digest is over the compact form of what the client sent, so that who has a request can say whether it is
/// the one of a record. Where something was secret, it is over the form without secrets instead: a digest of a
/// short password would be found by trying.
package struct RecordedArguments: Equatable, Sendable {
    package static let mostBytes = 4096
    package static let longestText = 1024

    package let digest: Digest
    package let json: [UInt8]

    /// Members of these names are secret, however deep they lie.
    package init(_ arguments: JSONValue?, secret: Set<String> = []) {
        guard let arguments else {
            json = Array("{}".utf8)
            digest = Digest(of: json)
            return
        }
        let canonical = JSONWriter.bytes { $0.value(arguments) }
        var redaction = Redaction(secret: secret)
        let shown = redaction.form(of: arguments)
        digest = Digest(of: redaction.found ? shown : canonical)
        if shown.count <= Self.mostBytes {
            json = shown
            return
        }
        redaction.longestText = Self.longestText
        let short = redaction.form(of: arguments)
        json = short.count <= Self.mostBytes ? short : Self.cut(short, to: Self.mostBytes / 2)
    }

    /// `{"cut":true,"bytes":9000,"start":"…"}`
    fileprivate static func cut(_ text: [UInt8], to count: Int) -> [UInt8] {
        // Back to where a character begins.
        var end = min(count, text.count)
        while end > 0, end < text.count, text[end] & 0xC0 == 0x80 { end -= 1 }
        return JSONWriter.bytes { writer in
            writer.object { writer in
                writer.member("cut", true)
                writer.member("bytes", text.count)
                writer.member("start", String(decoding: text[..<end], as: UTF8.self))
            }
        }
    }
}

private struct Redaction {
    let secret: Set<String>
    var longestText = Int.max
    private(set) var found = false

    init(secret: Set<String>) { self.secret = secret }

    mutating func form(of value: JSONValue) -> [UInt8] {
        var writer = JSONWriter()
        write(value, to: &writer)
        return writer.finish()
    }

    private mutating func write(_ value: JSONValue, to writer: inout JSONWriter) {
        switch value.kind {
        case .object:
            writer.object { writer in
                for (name, member) in value.members {
                    writer.key(text: name)
                    if secret.contains(name) {
                        redact(member, &writer)
                    } else {
                        write(member, to: &writer)
                    }
                }
            }
        case .array:
            writer.array { writer in
                for element in value.elements { write(element, to: &writer) }
            }
        case .string where value.byteRange.count > longestText:
            let text = Array((value.string ?? "").utf8)
            if text.count > longestText {
                writer.written(RecordedArguments.cut(text, to: longestText / 2))
            } else {
                writer.value(value)
            }
        default: writer.value(value)
        }
    }

    private mutating func redact(_ value: JSONValue, _ writer: inout JSONWriter) {
        found = true
        writer.object { writer in
            writer.member("redacted", true)
            writer.member("bytes", value.string?.utf8.count ?? value.byteRange.count)
        }
    }
}
