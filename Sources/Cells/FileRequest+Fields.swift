// The fields of each request, in the order in which its type has them, with what each may be at most.

extension ByteReader {
    mutating func path(_ field: StaticString) throws(CodingFault) -> String {
        try text(field, most: FileLimits.longestPath)
    }

    mutating func globs(_ field: StaticString) throws(CodingFault) -> [String] {
        try list(field, most: FileLimits.mostGlobs) { (reader) throws(CodingFault) in
            try reader.text(field, most: FileLimits.longestGlob)
        }
    }

    mutating func mode(_ field: StaticString) throws(CodingFault) -> UInt16? {
        try optional(field) { (reader) throws(CodingFault) in try reader.integer(field, in: 0...0o777) }
    }
}

extension FileRequest.Read {
    private enum PartTag: UInt8 { case lines, bytes }

    func write(to writer: inout ByteWriter) {
        writer.text(path)
        switch part {
        case .lines(let first, let count):
            writer.integer(PartTag.lines.rawValue)
            writer.integer(first)
            writer.integer(count)
        case .bytes(let offset, let count):
            writer.integer(PartTag.bytes.rawValue)
            writer.integer(offset)
            writer.integer(count)
        }
        writer.integer(limit)
    }

    init(from reader: inout ByteReader) throws(CodingFault) {
        path = try reader.path("path")
        switch try reader.choice("part", as: PartTag.self) {
        case .lines:
            part = .lines(
                first: try reader.integer("first", in: 1...(1 << 62)),
                count: try reader.integer("count"))
        case .bytes:
            part = .bytes(
                offset: try reader.integer("offset", in: 0...(1 << 62)),
                count: try reader.integer("count"))
        }
        limit = try reader.integer("limit", in: 1...UInt32(FileLimits.mostContent))
    }
}

extension FileRequest.Write {
    func write(to writer: inout ByteWriter) {
        writer.text(path)
        writer.data(data)
        writer.integer(disposition.rawValue)
        writer.optional(mode) { $0.integer($1) }
        writer.flag(makeParents)
    }

    init(from reader: inout ByteReader) throws(CodingFault) {
        path = try reader.path("path")
        data = try reader.data("data", most: FileLimits.mostContent)
        disposition = try reader.choice("disposition")
        mode = try reader.mode("mode")
        makeParents = try reader.flag("makeParents")
    }
}

extension FileRequest.Edit {
    func write(to writer: inout ByteWriter) {
        writer.text(path)
        writer.list(replacements) {
            $0.data($1.old)
            $0.data($1.new)
            $0.flag($1.replaceAll)
        }
        writer.flag(isDryRun)
    }

    init(from reader: inout ByteReader) throws(CodingFault) {
        path = try reader.path("path")
        replacements = try reader.list("replacements", most: FileLimits.mostReplacements) {
            (reader) throws(CodingFault) in
            Replacement(
                old: try reader.data("old", most: FileLimits.mostContent),
                new: try reader.data("new", most: FileLimits.mostContent),
                replaceAll: try reader.flag("replaceAll"))
        }
        isDryRun = try reader.flag("isDryRun")
    }
}

extension FileRequest.List {
    func write(to writer: inout ByteWriter) {
        writer.text(path)
        writer.integer(depth)
        writer.integer(limit)
        writer.list(ignores) { $0.text($1) }
        writer.flag(includeHidden)
        writer.data(after)
    }

    init(from reader: inout ByteReader) throws(CodingFault) {
        path = try reader.path("path")
        depth = try reader.integer("depth", in: 1...1_000_000)
        limit = try reader.integer("limit", in: 1...UInt32(FileLimits.mostEntries))
        ignores = try reader.globs("ignores")
        includeHidden = try reader.flag("includeHidden")
        after = try reader.data("after", most: FileLimits.longestShownPath)
    }
}

extension FileRequest.Find {
    func write(to writer: inout ByteWriter) {
        writer.text(path)
        writer.text(glob)
        writer.integer(limit)
        writer.list(ignores) { $0.text($1) }
        writer.data(after)
    }

    init(from reader: inout ByteReader) throws(CodingFault) {
        path = try reader.path("path")
        glob = try reader.text("glob", most: FileLimits.longestGlob)
        limit = try reader.integer("limit", in: 1...UInt32(FileLimits.mostEntries))
        ignores = try reader.globs("ignores")
        after = try reader.data("after", most: FileLimits.longestShownPath)
    }
}

extension FileRequest.Search {
    func write(to writer: inout ByteWriter) {
        writer.text(path)
        writer.text(pattern)
        writer.flag(isLiteral)
        writer.flag(ignoreCase)
        writer.text(glob)
        writer.list(ignores) { $0.text($1) }
        for value in [contextLines, mostMatches, mostBytes] { writer.integer(value) }
    }

    init(from reader: inout ByteReader) throws(CodingFault) {
        path = try reader.path("path")
        pattern = try reader.content("pattern", most: FileLimits.longestPattern)
        isLiteral = try reader.flag("isLiteral")
        ignoreCase = try reader.flag("ignoreCase")
        glob = try reader.text("glob", most: FileLimits.longestGlob)
        ignores = try reader.globs("ignores")
        contextLines = try reader.integer("contextLines", in: 0...UInt32(FileLimits.mostContext))
        mostMatches = try reader.integer("mostMatches", in: 1...UInt32(FileLimits.mostMatches))
        mostBytes = try reader.integer("mostBytes", in: 1...UInt32(FileLimits.mostContent))
    }
}

extension FileRequest.MakeDirectory {
    func write(to writer: inout ByteWriter) {
        writer.text(path)
        writer.flag(makeParents)
        writer.optional(mode) { $0.integer($1) }
    }

    init(from reader: inout ByteReader) throws(CodingFault) {
        path = try reader.path("path")
        makeParents = try reader.flag("makeParents")
        mode = try reader.mode("mode")
    }
}

extension FileRequest.Transfer {
    func write(to writer: inout ByteWriter) {
        writer.text(from)
        writer.text(to)
        writer.flag(overwrite)
    }

    init(from reader: inout ByteReader) throws(CodingFault) {
        from = try reader.path("from")
        to = try reader.path("to")
        overwrite = try reader.flag("overwrite")
    }
}

extension FileRequest.Patch {
    func write(to writer: inout ByteWriter) {
        writer.data(text)
        writer.text(directory)
        writer.flag(isDryRun)
    }

    init(from reader: inout ByteReader) throws(CodingFault) {
        text = try reader.data("text", most: FileLimits.mostContent)
        directory = try reader.path("directory")
        isDryRun = try reader.flag("isDryRun")
    }
}
