import JSON

/// What a tool call came to. A tool that failed is a result too (`isError`), which the model can read;
/// a call that never was one (no such tool) is a ProtocolError.
package struct ToolResult: Sendable {
    package var content: [Content]
    /// An object, as compact JSON, that conforms to the tool's output schema.
    package var structured: [UInt8]?
    package var isError: Bool

    package init(_ content: [Content], structured: [UInt8]? = nil, isError: Bool = false) {
        (self.content, self.structured, self.isError) = (content, structured, isError)
    }

    package static func text(_ text: String) -> ToolResult { ToolResult([.text(text)]) }

    package static func failure(_ explanation: String) -> ToolResult {
        ToolResult([.text(explanation)], isError: true)
    }

    /// Structured content, and the same JSON as text for clients that know only text.
    package static func structured(_ write: (inout JSONWriter) -> Void) -> ToolResult {
        let json = JSONWriter.bytes { $0.object(write) }
        return ToolResult([.text(String(decoding: json, as: UTF8.self))], structured: json)
    }

    func writeMembers(to writer: inout JSONWriter, for revision: Revision) {
        writer.array("content") { array in
            for each in content { each.write(to: &array, for: revision) }
        }
        if let structured, revision.isAtLeast(.v2025_06_18) {
            writer.key("structuredContent")
            writer.written(structured)
        }
        if isError { writer.member("isError", true) }
    }
}

/// One block of a tool's result.
package enum Content: Sendable {
    case text(String)
    /// Base64 of the image or sound.
    case image(base64: String, mimeType: String)
    case audio(base64: String, mimeType: String)
    case resource(uri: String, mimeType: String, ResourceBody)
    case resourceLink(uri: String, name: String, mimeType: String?)

    package enum ResourceBody: Sendable {
        case text(String)
        case blob(base64: String)
    }

    /// Kinds that an older revision has no word for become the nearest thing that it has one for.
    func write(to writer: inout JSONWriter, for revision: Revision) {
        switch self {
        case .text(let text):
            writer.object {
                $0.member("type", "text")
                $0.member("text", text)
            }
        case .image(let base64, let mimeType):
            writeMedia("image", base64, mimeType, to: &writer)
        case .audio(let base64, let mimeType):
            if revision.isAtLeast(.v2025_03_26) {
                writeMedia("audio", base64, mimeType, to: &writer)
            } else {
                Content.resource(uri: "data:\(mimeType)", mimeType: mimeType, .blob(base64: base64))
                    .write(to: &writer, for: revision)
            }
        case .resource(let uri, let mimeType, let body):
            writer.object {
                $0.member("type", "resource")
                $0.object("resource") {
                    $0.member("uri", uri)
                    $0.member("mimeType", mimeType)
                    switch body {
                    case .text(let text): $0.member("text", text)
                    case .blob(let base64): $0.member("blob", base64)
                    }
                }
            }
        case .resourceLink(let uri, let name, let mimeType):
            guard revision.isAtLeast(.v2025_06_18) else {
                return Content.text("\(name): \(uri)").write(to: &writer, for: revision)
            }
            writer.object {
                $0.member("type", "resource_link")
                $0.member("uri", uri)
                $0.member("name", name)
                $0.optionalMember("mimeType", mimeType)
            }
        }
    }

    private func writeMedia(
        _ type: String, _ base64: String, _ mimeType: String, to writer: inout JSONWriter
    ) {
        writer.object {
            $0.member("type", type)
            $0.member("data", base64)
            $0.member("mimeType", mimeType)
        }
    }
}
