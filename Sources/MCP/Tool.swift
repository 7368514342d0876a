import JSON

/// A tool as clients see it.
package struct Tool: Sendable {
    /// Hints about behaviour. Absent ones mean what the protocol says: writes, destroys, repeats, reaches out.
    package struct Annotations: Sendable {
        package var readOnly: Bool?
        package var destructive: Bool?
        package var idempotent: Bool?
        package var openWorld: Bool?

        package init(
            readOnly: Bool? = nil, destructive: Bool? = nil, idempotent: Bool? = nil,
            openWorld: Bool? = nil
        ) {
            (self.readOnly, self.destructive) = (readOnly, destructive)
            (self.idempotent, self.openWorld) = (idempotent, openWorld)
        }
    }

    package let name: String
    package let title: String
    package let description: String
    package let inputSchema: JSONValue
    package let outputSchema: JSONValue?
    package let annotations: Annotations

    package init(
        name: String, title: String, description: String, inputSchema: JSONDocument,
        outputSchema: JSONDocument? = nil, annotations: Annotations
    ) {
        precondition(Self.isValidName(name), "not a tool name: \(name)")
        precondition(inputSchema.root["type"]?.isString("object") == true)
        (self.name, self.title, self.description) = (name, title, description)
        self.inputSchema = inputSchema.root
        self.outputSchema = outputSchema?.root
        self.annotations = annotations
    }

    /// `[A-Za-z0-9_-]{1,64}`: what every revision, suite and client accepts.
    package static func isValidName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    /// As a client of that revision knows tools; nothing that its schema has no word for.
    func write(to writer: inout JSONWriter, for revision: Revision) {
        writer.object { tool in
            tool.member("name", name)
            if revision.isAtLeast(.v2025_06_18) { tool.member("title", title) }
            tool.member("description", description)
            tool.member("inputSchema", inputSchema)
            if let outputSchema, revision.isAtLeast(.v2025_06_18) {
                tool.member("outputSchema", outputSchema)
            }
            if revision.isAtLeast(.v2025_03_26) {
                tool.object("annotations") { hints in
                    hints.member("title", title)
                    if let hint = annotations.readOnly { hints.member("readOnlyHint", hint) }
                    if let hint = annotations.destructive { hints.member("destructiveHint", hint) }
                    if let hint = annotations.idempotent { hints.member("idempotentHint", hint) }
                    if let hint = annotations.openWorld { hints.member("openWorldHint", hint) }
                }
            }
        }
    }
}
