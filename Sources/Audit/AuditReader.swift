import Linux

/// Reads the records of a directory in order, over all its files, and goes on when there are more.
package struct AuditReader: ~Copyable {
    private let directory: AuditDirectory
    private var file: LineFile?
    private var number: UInt32 = 0
    /// Lines that are no record.
    package private(set) var damaged = 0

    package init(_ directory: AuditDirectory) { self.directory = directory }

    /// The next record; `nil` when there is none now. It may be asked again.
    package mutating func next() throws(SystemError) -> AuditEntry? {
        while true {
            if let line = try file?.next() {
                if let entry = AuditEntry(line) { return entry }
                damaged += 1
                continue
            }
            // Only when there is a newer file is this one finished, and it has to be looked at once more then.
            guard let newer = try newerFile() else { return nil }
            if let line = try file?.next() {
                if let entry = AuditEntry(line) { return entry }
                damaged += 1
                continue
            }
            do throws(SystemError) {
                file = try LineFile(directory.file(newer), name: AuditDirectory.name(of: newer))
            } catch  where error.errno == .notFound {
                // Rotated away just now.
            }
            number = newer
        }
    }

    private func newerFile() throws(SystemError) -> UInt32? {
        let current = number
        return try directory.files().first { $0 > current }
    }

    /// The last so many that fit, oldest first.
    package mutating func last(
        _ count: Int, where fits: (AuditEntry) -> Bool
    ) throws(SystemError) -> [AuditEntry] {
        var found: [AuditEntry] = []
        var oldest = 0
        while let entry = try next() {
            guard fits(entry) else { continue }
            if found.count < count {
                found.append(entry)
            } else if count > 0 {
                found[oldest] = entry
                oldest = (oldest + 1) % count
            }
        }
        return Array(found[oldest...] + found[..<oldest])
    }
}
