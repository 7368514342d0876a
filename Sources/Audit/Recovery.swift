import Linux

/// What a daemon finds where another one has written before: the place that the chain continues at, and what is
/// wrong with the end of it.
package struct Recovery: Equatable, Sendable {
    /// The file to go on with, and its size without what is torn.
    package internal(set) var number: UInt32 = 1
    package internal(set) var size: UInt64 = 0
    package internal(set) var last = ChainPlace.beginning
    /// The last writer was killed in the middle of a record of so many bytes.
    package internal(set) var tornBytes = 0
    /// Records that were signed and are not there.
    package internal(set) var missingRecords: UInt64 = 0
    /// Something that cannot be read as what it must be.
    package internal(set) var damagedFile: String?

    /// The longest line that is looked for.
    static let longestLine = 16 << 20

    static func look(in directory: AuditDirectory, key: PublicKey) throws(AuditFault) -> Recovery {
        var found = Recovery()
        let numbers = try faultingSystem { () throws(SystemError) in try directory.files() }
        if let newest = numbers.last {
            found.number = newest
            try faultingSystem { () throws(SystemError) in
                try found.readEnd(of: numbers, in: directory)
            }
        }
        found.compare(with: directory, key)
        return found
    }

    private mutating func readEnd(
        of numbers: [UInt32], in directory: AuditDirectory
    ) throws(SystemError) {
        for number in numbers.reversed() {
            let path = directory.file(number)
            let file = try File.open(path, .noFollow)
            let end = try FileEnd(of: file)
            if end.isEndless {
                // Not ours, and not ours to cut: records go on beside it.
                if number == self.number { self.number += 1 }
                damagedFile = path
                continue
            }
            if number == self.number {
                (size, tornBytes) = (end.wholeBytes, end.tornBytes)
            }
            // A file without any record yet: the chain's end is in the one before.
            if end.wholeBytes == 0 { continue }
            if let intact = end.intact {
                last = ChainPlace(
                    sequence: intact.sequence + UInt64(end.damagedLines), hash: intact.hash)
            }
            if end.damagedLines > 0 { damagedFile = path }
            return
        }
    }

    /// The signed head knows of records that may be gone.
    private mutating func compare(with directory: AuditDirectory, _ key: PublicKey) {
        do throws(AuditFault) {
            guard let head = try directory.statement(.checkpoint) else { return }
            guard head.isSigned(by: key) else { throw .unusable(directory.head, "") }
            if head.place.sequence > last.sequence {
                missingRecords = head.place.sequence - last.sequence
            }
        } catch {
            damagedFile = damagedFile ?? directory.head
        }
    }

    /// `nil` when there is none that can be read.
    static func firstLine(of path: String) throws(SystemError) -> ChainLine? {
        let file = try File.open(path, .noFollow)
        var count = 64 << 10
        while true {
            let bytes = try file.readBytes(count, at: 0)
            if let end = bytes.firstIndex(of: 0x0A) { return ChainLine(bytes[..<end]) }
            if bytes.count < count || count > longestLine { return nil }
            count *= 4
        }
    }
}

/// The last lines of a file.
private struct FileEnd {
    private(set) var wholeBytes: UInt64 = 0
    private(set) var tornBytes = 0
    /// The last line that is one.
    private(set) var intact: ChainLine?
    /// Lines behind it that are not.
    private(set) var damagedLines = 0
    /// More bytes without the end of a line than any record has.
    private(set) var isEndless = false

    init(of file: borrowing OwnedFD) throws(SystemError) {
        let size = try file.status().size
        var count: UInt64 = 64 << 10
        while true {
            let start = size - min(count, size)
            let bytes = try file.readBytes(Int(size - start), at: start)
            let isAll = start == 0 || count > UInt64(Recovery.longestLine)
            if read(bytes, from: start, isAll: isAll) { return }
            count *= 4
        }
    }

    /// False when more of the file must be seen.
    private mutating func read(_ bytes: [UInt8], from start: UInt64, isAll: Bool) -> Bool {
        let end = bytes.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        guard end > 0 || isAll else { return false }
        isEndless = end == 0 && start > 0
        wholeBytes = start + UInt64(end)
        tornBytes = bytes.count - end
        damagedLines = 0
        // The first piece may be the end of a line that begins before.
        var lines = bytes[..<end].split(separator: 0x0A, omittingEmptySubsequences: false).dropLast()
        if start > 0 { lines = lines.dropFirst() }
        for line in lines.reversed() {
            if let found = ChainLine(line), found.isIntact {
                intact = found
                return true
            }
            damagedLines += 1
        }
        return isAll
    }
}
