// A result as bytes: a tag, then the fields in the order in which the types have them.

extension FileResult {
    private enum Tag: UInt8 { case read, written, changed, entries, found, info, done }

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        write(to: &writer)
        return writer.finish()
    }

    package func write(to writer: inout ByteWriter) {
        func begin(_ tag: Tag) { writer.integer(tag.rawValue) }
        switch self {
        case .read(let content):
            begin(.read)
            content.write(to: &writer)
        case .written(let bytes, let isNew):
            begin(.written)
            writer.integer(bytes)
            writer.flag(isNew)
        case .changed(let changes):
            begin(.changed)
            changes.write(to: &writer)
        case .entries(let listing):
            begin(.entries)
            listing.write(to: &writer)
        case .found(let findings):
            begin(.found)
            findings.write(to: &writer)
        case .info(let info):
            begin(.info)
            info.write(to: &writer)
        case .done(let entries, let bytes):
            begin(.done)
            writer.integer(entries)
            writer.integer(bytes)
        }
    }

    package init(decoding bytes: ArraySlice<UInt8>) throws(CodingFault) {
        var reader = ByteReader(bytes)
        switch try reader.choice("result", as: Tag.self) {
        case .read: self = .read(try Content(from: &reader))
        case .written:
            self = .written(bytes: try reader.integer("bytes"), isNew: try reader.flag("isNew"))
        case .changed: self = .changed(try Changes(from: &reader))
        case .entries: self = .entries(try Listing(from: &reader))
        case .found: self = .found(try Findings(from: &reader))
        case .info: self = .info(try Info(from: &reader))
        case .done:
            self = .done(entries: try reader.integer("entries"), bytes: try reader.integer("bytes"))
        }
        try reader.finish("result")
    }
}

extension FileResult.Name {
    func write(to writer: inout ByteWriter) {
        writer.data(Array(text.utf8))
        writer.flag(isExact)
    }

    init(from reader: inout ByteReader) throws(CodingFault) {
        // A byte that is not UTF-8 is shown with three.
        text = try reader.content("name", most: 3 * FileLimits.longestShownPath)
        isExact = try reader.flag("isExact")
    }
}

extension FileResult.Content {
    func write(to writer: inout ByteWriter) {
        writer.reserve(bytes.count + 64)
        writer.data(bytes)
        for value in [totalSize, offset, firstLine, lineCount] { writer.integer(value) }
        writer.flag(isComplete)
        for value in [nextOffset, nextLine] { writer.integer(value) }
    }

    init(from reader: inout ByteReader) throws(CodingFault) {
        bytes = try reader.slice("bytes", most: FileLimits.mostContent)
        totalSize = try reader.integer("totalSize")
        offset = try reader.integer("offset")
        firstLine = try reader.integer("firstLine")
        lineCount = try reader.integer("lineCount")
        isComplete = try reader.flag("isComplete")
        nextOffset = try reader.integer("nextOffset")
        nextLine = try reader.integer("nextLine")
    }
}

extension FileResult.Changes {
    func write(to writer: inout ByteWriter) {
        writer.list(files) {
            $0.text($1.path)
            $0.integer($1.act.rawValue)
            $0.integer($1.count)
            $0.data(Array($1.diff.utf8))
        }
        writer.flag(wasDryRun)
    }

    init(from reader: inout ByteReader) throws(CodingFault) {
        files = try reader.list("files", most: FileLimits.mostPatchedFiles) {
            (reader) throws(CodingFault) in
            File(
                path: try reader.text("path", most: FileLimits.longestPath),
                act: try reader.choice("act"), count: try reader.integer("count"),
                diff: try reader.content("diff", most: 2 * FileLimits.mostContent))
        }
        wasDryRun = try reader.flag("wasDryRun")
    }
}

extension FileResult.Cut {
    func write(to writer: inout ByteWriter) {
        writer.integer(reason.rawValue)
        writer.data(after)
        writer.data(Array(advice.utf8))
    }

    init(from reader: inout ByteReader) throws(CodingFault) {
        reason = try reader.choice("reason")
        after = try reader.data("after", most: FileLimits.longestShownPath)
        advice = try reader.content("advice", most: FileLimits.longestMessage)
    }
}

extension FileResult.Listing {
    func write(to writer: inout ByteWriter) {
        writer.list(entries) {
            $1.name.write(to: &$0)
            $0.integer($1.kind.rawValue)
            $0.integer($1.mode)
            $0.integer($1.size)
            $0.integer($1.modified)
            $0.optional($1.target) { $1.write(to: &$0) }
        }
        writer.integer(unreadable)
        writer.optional(cut) { $1.write(to: &$0) }
    }

    init(from reader: inout ByteReader) throws(CodingFault) {
        entries = try reader.list("entries", most: FileLimits.mostEntries) {
            (reader) throws(CodingFault) in
            Entry(
                name: try FileResult.Name(from: &reader), kind: try reader.choice("kind"),
                mode: try reader.integer("mode", in: 0...0o7777), size: try reader.integer("size"),
                modified: try reader.integer("modified"),
                target: try reader.optional("target", FileResult.Name.init(from:)))
        }
        unreadable = try reader.integer("unreadable")
        cut = try reader.optional("cut", FileResult.Cut.init(from:))
    }
}

extension FileResult.Findings {
    func write(to writer: inout ByteWriter) {
        writer.list(files) {
            $1.name.write(to: &$0)
            $0.list($1.matches) {
                $0.integer($1.line)
                $0.integer($1.column)
                $0.data(Array($1.text.utf8))
                $0.list($1.before) { $0.data(Array($1.utf8)) }
                $0.list($1.after) { $0.data(Array($1.utf8)) }
            }
        }
        for count in [searchedFiles, searchedBytes, binaryFiles, unreadable] { writer.integer(count) }
        writer.optional(cut) { $1.write(to: &$0) }
    }

    init(from reader: inout ByteReader) throws(CodingFault) {
        files = try reader.list("files", most: FileLimits.mostMatches) { (reader) throws(CodingFault) in
            File(
                name: try FileResult.Name(from: &reader),
                matches: try reader.list("matches", most: FileLimits.mostMatches, Match.init(from:)))
        }
        searchedFiles = try reader.integer("searchedFiles")
        searchedBytes = try reader.integer("searchedBytes")
        binaryFiles = try reader.integer("binaryFiles")
        unreadable = try reader.integer("unreadable")
        cut = try reader.optional("cut", FileResult.Cut.init(from:))
    }
}

extension FileResult.Findings.Match {
    init(from reader: inout ByteReader) throws(CodingFault) {
        line = try reader.integer("line")
        column = try reader.integer("column")
        text = try reader.content("text", most: FileLimits.mostContent)
        before = try Self.lines(from: &reader)
        after = try Self.lines(from: &reader)
    }

    private static func lines(from reader: inout ByteReader) throws(CodingFault) -> [String] {
        try reader.list("context", most: FileLimits.mostContext) { (reader) throws(CodingFault) in
            try reader.content("context", most: FileLimits.mostContent)
        }
    }
}

extension FileResult.Info {
    func write(to writer: inout ByteWriter) {
        writer.integer(kind.rawValue)
        writer.integer(mode)
        for value in [size, allocated, links] { writer.integer(value) }
        for value in [uid, gid] { writer.integer(value) }
        for value in [device, inode] { writer.integer(value) }
        for value in [accessed, modified, changed] { writer.integer(value) }
        writer.optional(born) { $0.integer($1) }
        writer.optional(target) { $1.write(to: &$0) }
        writer.text(place)
        writer.flag(isWritablePlace)
    }

    init(from reader: inout ByteReader) throws(CodingFault) {
        kind = try reader.choice("kind")
        mode = try reader.integer("mode", in: 0...0o7777)
        size = try reader.integer("size")
        allocated = try reader.integer("allocated")
        links = try reader.integer("links")
        uid = try reader.integer("uid")
        gid = try reader.integer("gid")
        device = try reader.integer("device")
        inode = try reader.integer("inode")
        accessed = try reader.integer("accessed")
        modified = try reader.integer("modified")
        changed = try reader.integer("changed")
        born = try reader.optional("born") { (reader) throws(CodingFault) in try reader.integer("born") }
        target = try reader.optional("target", FileResult.Name.init(from:))
        place = try reader.text("place", most: FileLimits.longestPath)
        isWritablePlace = try reader.flag("isWritablePlace")
    }
}
