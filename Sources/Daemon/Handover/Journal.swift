import Linux

/// Records in a file in memory, one behind the other. It is read by another process, after we have ended, whenever that
/// was: what is not whole was never written.
///
///   start 8 │ (freed) │ length 4 │ record │ length 4 │ record …
///
/// What is said to a client is sent from here, and by the kernel in one step with the file's own position: so whoever
/// reads it knows to the byte what was sent.
final class Journal {
    private let file: OwnedFD
    private var end: UInt64
    private var start: UInt64
    private var freed: UInt64

    private static let header: UInt64 = 8
    /// What was sent, and is not read, is in these very pages; no socket takes more.
    private static let mostUnread: UInt64 = 512 << 10

    init() throws(SystemError) {
        file = try MemoryFile.create("session")
        (start, end, freed) = (Self.header, Self.header, Self.header)
        try writeStart()
    }

    /// Goes on where another process ended.
    init(_ file: consuming OwnedFD) throws(SystemError) {
        self.file = file
        end = UInt64(try MemoryFile.contents(of: self.file).count)
        (start, freed) = (end, Self.header)
    }

    var size: Int { Int(end - start) }

    func pass(into table: inout DescriptorTable) throws(SystemError) { try table.add(file) }

    /// Where each of them ends.
    @discardableResult
    func append(_ records: [[UInt8]]) throws(SystemError) -> [UInt64] {
        var (bytes, ends) = ([UInt8](), [UInt64]())
        bytes.reserveCapacity(records.reduce(0) { $0 + $1.count + 4 })
        for record in records {
            for place in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: record.count >> (8 * place))) }
            bytes += record
            ends.append(end + UInt64(bytes.count))
        }
        try write(bytes, at: end)
        end += UInt64(bytes.count)
        return ends
    }

    /// These, and nothing that was before: at every moment it is one or the other.
    func replace(_ records: [[UInt8]]) throws(SystemError) -> [UInt64] {
        start = end
        let ends = try append(records)
        try writeStart()
        let free = start < Self.mostUnread ? freed : max(freed, (start - Self.mostUnread) & ~4095)
        try MemoryFile.release(file, from: freed, to: free)
        freed = free
        return ends
    }

    /// `nil` when the socket takes nothing now.
    func send(
        _ count: Int, from offset: UInt64, to socket: borrowing OwnedFD
    ) throws(SystemError) -> Int? {
        try MemoryFile.send(file, from: offset, count, to: socket)
    }

    private func writeStart() throws(SystemError) {
        try write((0..<8).map { UInt8(truncatingIfNeeded: start >> (8 * $0)) }, at: 0)
    }

    private func write(_ bytes: [UInt8], at offset: UInt64) throws(SystemError) {
        var place = 0
        while place < bytes.count {
            place += try file.write(bytes.span.extracting(place...), at: offset + UInt64(place))
        }
    }

    struct Record {
        let bytes: [UInt8]
        /// How many of its last bytes have not been sent, if they are for somebody.
        let unsent: Int
    }

    static func records(of file: borrowing OwnedFD) throws(SystemError) -> [Record] {
        let bytes = try MemoryFile.contents(of: file)
        let sent = Int(try MemoryFile.position(of: file))
        func integer(_ width: Int, at place: Int) -> Int? {
            guard place <= bytes.count - width else { return nil }
            return (0..<width).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
        }
        guard var place = integer(8, at: 0), place >= Self.header else { return [] }
        var records: [Record] = []
        while let length = integer(4, at: place), place + 4 + length <= bytes.count {
            let end = place + 4 + length
            records.append(
                Record(bytes: Array(bytes[(place + 4)..<end]), unsent: max(0, min(length, end - sent))))
            place = end
        }
        return records
    }
}
