import JSON

/// The tools that a client may see, sorted by name and written once for each revision.
package struct ToolCatalogue: Sendable {
    package let tools: [Tool]
    package let pageSize: Int
    private let written: [Revision: [[UInt8]]]

    package init(_ tools: [Tool], pageSize: Int = 100) {
        precondition(pageSize > 0)
        let sorted = tools.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        precondition(
            zip(sorted, sorted.dropFirst()).allSatisfy { $0.name != $1.name }, "a tool's name is taken")
        self.tools = sorted
        self.pageSize = pageSize
        written = Dictionary(
            uniqueKeysWithValues: Revision.allCases.map { revision in
                (
                    revision,
                    sorted.map { tool in
                        JSONWriter.bytes { tool.write(to: &$0, for: revision) }
                    }
                )
            })
    }

    /// What of it somebody may see.
    package func filtered(_ isSeen: (String) -> Bool) -> ToolCatalogue {
        var places: [Int] = []
        for (place, tool) in tools.enumerated() where isSeen(tool.name) { places.append(place) }
        if places.count == tools.count { return self }
        return ToolCatalogue(
            tools: places.map { tools[$0] }, pageSize: pageSize,
            written: written.mapValues { written in places.map { written[$0] } })
    }

    private init(tools: [Tool], pageSize: Int, written: [Revision: [[UInt8]]]) {
        (self.tools, self.pageSize, self.written) = (tools, pageSize, written)
    }

    /// By bytes: two strings that Unicode holds equal are two names to everybody else.
    package func contains(_ name: String) -> Bool {
        tools.contains { $0.name.utf8.elementsEqual(name.utf8) }
    }

    /// A cursor names the last tool of the page before it, so that it stays good when tools come and go.
    private static let cursorPrefix = "after:"

    struct Page {
        let tools: ArraySlice<[UInt8]>
        let nextCursor: String?
    }

    /// No cursor and the empty cursor both mean the beginning.
    func page(
        after cursor: JSONValue?, for revision: Revision
    ) throws(ProtocolError) -> Page {
        var first = 0
        if let cursor {
            guard let text = cursor.string else {
                throw .invalidParams("cursor must be a string")
            }
            if !text.isEmpty {
                let name = String(text.dropFirst(Self.cursorPrefix.count))
                guard text.hasPrefix(Self.cursorPrefix), Tool.isValidName(name) else {
                    throw .invalidParams("cursor was not given out here")
                }
                first =
                    tools.firstIndex { name.utf8.lexicographicallyPrecedes($0.name.utf8) }
                    ?? tools.count
            }
        }
        let end = min(first + pageSize, tools.count)
        let nextCursor = end < tools.count ? Self.cursorPrefix + tools[end - 1].name : nil
        return Page(tools: (written[revision] ?? [])[first..<end], nextCursor: nextCursor)
    }
}
