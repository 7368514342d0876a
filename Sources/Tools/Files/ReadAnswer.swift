import Cells
import JSON
import MCP

/// What was read of a file, as it is shown.
struct ReadAnswer {
    /// What is longer is not said twice.
    static let longestRepeated = 64 << 10

    private let path: String
    private var content: FileResult.Content

    init(_ path: String, _ content: FileResult.Content) { (self.path, self.content) = (path, content) }

    static let members: [Schema.Member] = [
        .required("path", .string("As it was asked for")),
        .required(
            "encoding",
            .string(
                "The encoding that the text was found to be in (it is given in UTF-8), or base64",
                choices: FoundText.Encoding.allCases.map(\.rawValue) + ["base64"])),
        .optional("mime_type", .string()),
        .optional(
            "content",
            .string(
                "The text or base64; absent for an image, and above 64 KiB: then it is in the content blocks"
                    + " alone")),
        .optional("is_lossy", .boolean("Some bytes had no meaning as text and are U+FFFD in it")),
        .required("size_bytes", .count("The size of the whole file; 0 for files that the kernel makes up")),
        .required("offset", .count("The byte that this begins at")),
        .optional("first_line", .count("The line that this begins at")),
        .optional("line_count", .count("How many lines this is")),
        .required("is_complete", .boolean("Nothing comes behind it")),
        .optional("next_line", .count("Continue with this first_line")),
        .optional("next_offset", .count("Continue with this offset")),
    ]

    // MARK: Images

    func image(_ type: String) -> ToolResult {
        guard content.isComplete, content.offset == 0 else {
            return .failure(
                "\(path) is an image (\(type)) of \(content.totalSize) bytes; images of more than"
                    + " \(ReadFile.largestImage) bytes are not shown. Its bytes can be read in parts, with"
                    + " encoding=\"base64\", offset and length.")
        }
        let base64 = Base64.encode(Array(content.bytes))
        return ToolResult(
            [.image(base64: base64, mimeType: type)],
            structured: JSONWriter.bytes {
                $0.object { write(to: &$0, encoding: "base64", type: type, content: nil) }
            })
    }

    // MARK: Text and bytes

    func shown(as form: ReadFile.Form, mediaType: String?) -> ToolResult {
        var answer = self
        if form != .base64, mediaType == nil || form == .text, let text = answer.takeText(form) {
            return answer.text(text)
        }
        return binary(mediaType ?? "application/octet-stream")
    }

    /// Leaves halves of characters to whoever reads on.
    private mutating func takeText(_ form: ReadFile.Form) -> FoundText? {
        if FoundText.hasNUL(content.bytes) {
            var bytes = Array(content.bytes)
            // A unit of UTF-16 that a line's end, which is looked for by byte, has halved.
            if content.offset % 2 == 1 { bytes.removeFirst() }
            if let found = FoundText(finding: bytes) {
                if !content.isComplete, bytes.count % 2 == 1, content.firstLine == 0 {
                    content.nextOffset -= 1
                }
                return found
            }
            return form == .text ? FoundText(lossy: Array(content.bytes)) : nil
        }
        let bytes = content.bytes
        let begun = content.offset > 0 ? bytes.continuedCharacterLength : 0
        let open = content.isComplete ? 0 : bytes.dropFirst(begun).count > 4 ? bytes.openCharacterLength : 0
        if let found = FoundText(utf8: bytes.dropFirst(begun).dropLast(open)) {
            content.offset += UInt64(begun)
            content.nextOffset -= UInt64(open)
            return found
        }
        let other = Array(bytes)
        return FoundText(finding: other) ?? (form == .text ? FoundText(lossy: other) : nil)
    }

    private func text(_ found: FoundText) -> ToolResult {
        var notes: [String] = []
        if found.encoding != .utf8 { notes.append("[the file is in \(found.encoding.rawValue)]") }
        if found.isLossy { notes.append("[bytes that are not text are shown as U+FFFD]") }
        if let marker { notes.append(marker) }
        var shown = found.text
        if !notes.isEmpty {
            if !shown.isEmpty, !shown.hasSuffix("\n") { shown += "\n" }
            shown += notes.joined(separator: "\n")
        }
        return .answer(shown) {
            write(
                to: &$0, encoding: found.encoding.rawValue, type: "text/plain", content: found.text,
                isLossy: found.isLossy)
        }
    }

    private func binary(_ type: String) -> ToolResult {
        let base64 = Base64.encode(Array(content.bytes))
        let uri = "file://" + Self.escaped(Permission.path(.read, path).object)
        var blocks: [Content] = [.resource(uri: uri, mimeType: type, .blob(base64: base64))]
        if let marker { blocks.append(.text(marker)) }
        return ToolResult(
            blocks,
            structured: JSONWriter.bytes {
                $0.object { write(to: &$0, encoding: "base64", type: type, content: base64) }
            })
    }

    private static func escaped(_ path: String) -> String {
        var text = ""
        for byte in path.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            case _ where "/-._~".utf8.contains(byte): text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                text += byte < 16 ? "%0" : "%"
                text += String(byte, radix: 16, uppercase: true)
            }
        }
        return text
    }

    // MARK: What is missing

    /// Whoever asked by lines goes on by lines, unless this ends within one.
    private var nextLine: UInt64? {
        guard !content.isComplete, content.firstLine > 0, content.bytes.last == UInt8(ascii: "\n") else {
            return nil
        }
        return content.nextLine
    }

    private var marker: String? {
        guard !content.isComplete else { return nil }
        if let nextLine {
            return
                "[cut: lines \(content.firstLine) to \(nextLine - 1)\(ofAboutLines); continue with first_line=\(nextLine)]"
        }
        let end = max(content.nextOffset, 1) - 1
        let size = content.totalSize > end ? " of \(content.totalSize)" : ""
        return "[cut: bytes \(content.offset) to \(end)\(size); continue with offset=\(content.nextOffset)]"
    }

    /// As if all lines were as long as those up to here.
    private var ofAboutLines: String {
        let lines = content.nextLine - 1
        guard content.nextOffset > 0, content.totalSize > content.nextOffset else { return "" }
        let estimate = Double(content.totalSize) / Double(content.nextOffset) * Double(lines)
        return " of about \(max(UInt64(estimate), lines + 1))"
    }

    private func write(
        to json: inout JSONWriter, encoding: String, type: String, content shown: String?,
        isLossy: Bool = false
    ) {
        json.member("path", path)
        json.member("encoding", encoding)
        json.member("mime_type", type)
        if let shown, shown.utf8.count <= Self.longestRepeated { json.member("content", shown) }
        if isLossy { json.member("is_lossy", true) }
        json.member("size_bytes", content.totalSize)
        json.member("offset", content.offset)
        if content.firstLine > 0 {
            json.member("first_line", content.firstLine)
            json.member("line_count", content.lineCount)
        }
        json.member("is_complete", content.isComplete)
        guard !content.isComplete else { return }
        if let nextLine { json.member("next_line", nextLine) }
        json.member("next_offset", content.nextOffset)
    }
}
