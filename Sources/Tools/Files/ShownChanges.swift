import Cells
import JSON
import MCP

/// What an edit or a patch did or would do.
struct ShownChanges {
    private let changes: FileResult.Changes
    /// What a file's changes are counted in.
    private let noun: String

    init(_ changes: FileResult.Changes, counted noun: String) { (self.changes, self.noun) = (changes, noun) }

    /// A difference that is longer is cut: the file is there to be read.
    static let longestDiff = 256 << 10

    static let members: [Schema.Member] = [
        .required("dry_run", .boolean("Nothing was changed; this is what would be")),
        .required(
            "files",
            .array(
                of: .object([
                    .required("path", .string()),
                    .required("act", .string(choices: ["changed", "created", "deleted"])),
                    .required("count", .count("Replacements of an edit, hunks of a patch")),
                    .required("diff", .string("A unified diff")),
                    .optional("diff_is_cut", .boolean("The diff is longer than this")),
                ]))),
    ]

    var answer: ToolResult {
        let diffs = Self.cut(changes.files.map(\.diff))
        var text = changes.wasDryRun ? "[dry run: nothing was changed]\n" : ""
        for (file, diff) in zip(changes.files, diffs) {
            let plural = file.count == 1 ? "" : "s"
            text += "\(file.act) \(Self.path(file)) (\(file.count) \(noun)\(plural))\n\(diff.text)"
            if !diff.text.isEmpty, !diff.text.hasSuffix("\n") { text += "\n" }
            if diff.isCut { text += "[cut: the diff goes on; read_file shows what the file is now]\n" }
        }
        if changes.files.isEmpty { text += "nothing to change\n" }
        return .answer(text) { json in
            json.member("dry_run", changes.wasDryRun)
            json.array("files") { array in
                for (file, diff) in zip(changes.files, diffs) {
                    array.object {
                        $0.member("path", Self.path(file))
                        $0.member("act", "\(file.act)")
                        $0.member("count", file.count)
                        $0.member("diff", diff.text)
                        if diff.isCut { $0.member("diff_is_cut", true) }
                    }
                }
            }
        }
    }

    private static func path(_ file: FileResult.Changes.File) -> String {
        file.path.hasPrefix("./") ? String(file.path.dropFirst(2)) : file.path
    }

    /// At the ends of lines, so that what is left is read as a diff.
    private static func cut(_ diffs: [String]) -> [(text: String, isCut: Bool)] {
        var room = longestDiff
        return diffs.map { diff in
            defer { room -= min(room, diff.utf8.count) }
            guard diff.utf8.count > room else { return (diff, false) }
            let kept = diff.utf8.prefix(room)
            let end = kept.lastIndex(of: UInt8(ascii: "\n")).map { diff.utf8.index(after: $0) }
            return (String(diff[..<(end ?? diff.startIndex)]), true)
        }
    }
}
