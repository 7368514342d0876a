import JSON

/// What an entry says under one name. Other kinds of values are nobody's business here.
enum EntryValue: Equatable, Sendable {
    case text(String)
    case texts([String])
    case flag(Bool)
    case number(Int)
    /// An object or table without anything in it.
    case nothing

    /// As JSON on one line, which TOML and YAML read as the same value: what they write differently is `nothing` in
    /// TOML, and no application asks for that.
    var written: [UInt8] {
        switch self {
        case .text(let text): Self.quoted(text)
        case .texts(let texts):
            Array("[".utf8) + texts.map(Self.quoted).joined(separator: ", ".utf8) + Array("]".utf8)
        case .flag(let flag): Array((flag ? "true" : "false").utf8)
        case .number(let number): Array(number.description.utf8)
        case .nothing: Array("{}".utf8)
        }
    }

    private static func quoted(_ text: String) -> [UInt8] { JSONWriter.string(text) }
}

/// One line of an entry.
struct EntryField: Equatable, Sendable {
    let key: String
    let value: EntryValue
    /// Kept as we say it. Others are said when the entry is made, and are the user's from then on.
    let isOurs: Bool

    init(_ key: String, _ value: EntryValue, isOurs: Bool = true) {
        (self.key, self.value, self.isOurs) = (key, value, isOurs)
    }
}

extension JSONWriter {
    static func string(_ text: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.string(text)
        return writer.finish()
    }
}
