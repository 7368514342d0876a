import Cells
import JSON
import MCP

/// The entries of a directory or of a tree, as they are shown.
struct FileListing {
    private let base: String
    private let listing: FileResult.Listing

    init(_ listing: FileResult.Listing, below base: String) { (self.base, self.listing) = (base, listing) }

    static let members: [Schema.Member] = [
        .required(
            "entries",
            .array(
                "Sorted by path",
                of: .object(
                    ShownPath.members + [
                        .required("kind", FileResult.FileKind.schema),
                        .required("mode", .string("Permission bits in octal, such as 644")),
                        .required("size_bytes", .count()),
                        .required("modified", .string("RFC 3339, in UTC")),
                        .optional("target", .string("Where a symbolic link leads to")),
                    ]))),
        .required("unreadable_directories", .count("Directories that could not be looked into")),
        .required("is_complete", .boolean("These are all")),
        .optional("after", .string("Continue with this `after`")),
        .optional("advice", .string("Why it is cut, and how to get the rest")),
    ]

    /// As ls shows them.
    var long: ToolResult {
        let width = listing.entries.map { String($0.size).utf8.count }.max() ?? 0
        return answer { entry in
            let size = String(entry.size)
            let mode = entry.kind.letter + FileMode.letters(entry.mode)
            let padding = String(repeating: " ", count: width - size.utf8.count)
            return
                "\(mode) \(padding)\(size) \(Timestamp.text(nanoseconds: entry.modified)) \(name(of: entry))"
        }
    }

    /// A path a line.
    var short: ToolResult { answer { name(of: $0) } }

    private func name(of entry: FileResult.Listing.Entry) -> String {
        var text = Self.oneLine(ShownPath(entry.name, below: base).text)
        if entry.kind == .directory { text += "/" }
        if let target = entry.target { text += " -> \(Self.oneLine(target.text))" }
        return entry.name.isExact ? text : text + " [the name is not UTF-8]"
    }

    /// A name with line ends in it would pass for several.
    static func oneLine(_ name: String) -> String {
        guard name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return name }
        return name.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? "?" : String($0) }.joined()
    }

    private func answer(_ line: (FileResult.Listing.Entry) -> String) -> ToolResult {
        var lines = listing.entries.map(line)
        if lines.isEmpty, listing.cut == nil { lines.append("[nothing]") }
        if listing.unreadable > 0 {
            lines.append("[\(listing.unreadable) directories could not be looked into]")
        }
        if let cut = listing.cut {
            let count = listing.entries.count
            lines.append("[cut: \(count) shown; \(cut.advice) after=\"\(Continuation.text(cut.after))\"]")
        }
        return .answer(lines.joined(separator: "\n")) { json in
            json.array("entries") { array in
                for entry in listing.entries { array.object { write(entry, to: &$0) } }
            }
            json.member("unreadable_directories", listing.unreadable)
            json.member("is_complete", listing.cut == nil)
            if let cut = listing.cut {
                json.member("after", Continuation.text(cut.after))
                json.member("advice", cut.advice)
            }
        }
    }

    private func write(_ entry: FileResult.Listing.Entry, to json: inout JSONWriter) {
        ShownPath(entry.name, below: base).write(to: &json)
        json.member("kind", entry.kind.name)
        json.member("mode", FileMode.octal(entry.mode))
        json.member("size_bytes", entry.size)
        json.member("modified", Timestamp.text(nanoseconds: entry.modified))
        json.optionalMember("target", entry.target?.text)
    }
}
