import Linux

/// Records in a file in memory, one behind the other. It is read by another process, after we have ended, whenever that
/// was: what is not whole was never written.
///
///   start 8 │ landing's number 8 │ landing, from 4096 │ (freed) │ length 4 │ record │ length 4 │ record …
///
/// What a client says is read to the landing first, which is this file: so it is here as soon as it is nowhere else. When
/// it is on record, or done with, the landing is cleared and gets its next number; a landing whose number is on record is
/// empty, whatever it holds.
///
/// What is said to a client is sent from here, and by the kernel in one step with the file's own position: so whoever
/// reads it knows to the byte what was sent.
final class Journal {
    private let file: OwnedFD
    private var end: UInt64
    private var start: UInt64
    private var freed: UInt64
    private let memory: SharedMemory
    /// How much of the landing is in use.
    private var landed = 0

    private static let landing = 4096
    private static let header = UInt64(landing + 64 << 10)
    private static let placeOfStart = 0
    private static let placeOfNumber = 8
    /// What was sent, and is not read, is in these very pages; no socket takes more.
    private static let mostUnread: UInt64 = 512 << 10

    init() throws(SystemError) {
        file = try MemoryFile.create("session")
        memory = try SharedMemory(of: file, count: Int(Self.header))
        (start, end, freed) = (Self.header, Self.header, Self.header)
        memory[word: Self.placeOfStart] = start
        memory[word: Self.placeOfNumber] = 1
    }

    /// Goes on where another process ended.
    init(_ file: consuming OwnedFD) throws(SystemError) {
        self.file = file
        memory = try SharedMemory(of: self.file, count: Int(Self.header))
        end = try self.file.status().size
        (start, freed) = (end, Self.header)
        try MemoryFile.release(self.file, from: UInt64(Self.landing), to: Self.header)
        clearLanding()
    }

    // MARK: The landing

    /// The number under which it is to be on record that its contents are somewhere else.
    var landingNumber: UInt64 { memory[word: Self.placeOfNumber] }

    var hasLanded: Bool { landed > 0 }

    func receive(
        into buffer: UnsafeMutableRawBufferPointer, from socket: borrowing OwnedFD
    ) throws(SystemError) -> Int? {
        let room = unsafe UnsafeMutableRawBufferPointer(
            rebasing: buffer[..<min(buffer.count, Int(Self.header) - Self.landing)])
        let count = try unsafe memory.read(from: socket, at: Self.landing, into: room)
        landed = max(landed, count ?? 0)
        return count
    }

    func clearLanding() {
        memory.clear(landed, at: Self.landing)
        landed = 0
        memory[word: Self.placeOfNumber] += 1
    }

    // MARK: Records

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
        try file.writeAll(bytes.span, at: end)
        end += UInt64(bytes.count)
        return ends
    }

    /// These, and nothing that was before: at every moment it is one or the other.
    func replace(_ records: [[UInt8]]) throws(SystemError) -> [UInt64] {
        start = end
        let ends = try append(records)
        memory[word: Self.placeOfStart] = start
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

    struct Record {
        let bytes: [UInt8]
        /// How many of its last bytes have not been sent, if they are for somebody.
        let unsent: Int
    }

    /// What another process has left.
    struct Contents {
        var records: [Record] = []
        /// What was read last, and under which number: on record or not.
        var landing: [UInt8] = []
        var landingNumber: UInt64 = 0
    }

    static func contents(of file: borrowing OwnedFD) throws(SystemError) -> Contents {
        let bytes = try MemoryFile.contents(of: file)
        let sent = Int(try MemoryFile.position(of: file))
        func integer(_ width: Int, at place: Int) -> Int? {
            guard place <= bytes.count - width else { return nil }
            return (0..<width).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
        }
        var contents = Contents()
        guard var place = integer(8, at: placeOfStart), place >= header, bytes.count >= header else {
            return contents
        }
        while let length = integer(4, at: place), place + 4 + length <= bytes.count {
            let end = place + 4 + length
            contents.records.append(
                Record(
                    bytes: Array(bytes[(place + 4)..<end]), unsent: max(0, min(length, end - sent))))
            place = end
        }
        contents.landingNumber = UInt64(integer(8, at: placeOfNumber) ?? 0)
        let landing = bytes[Self.landing..<Int(header)]
        // Nobody says NUL who says anything that means something.
        contents.landing = Array(landing[...(landing.lastIndex { $0 != 0 } ?? landing.startIndex - 1)])
        return contents
    }
}
