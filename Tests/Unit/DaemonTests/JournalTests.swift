import Linux
import TestSupport
import Testing

@testable import Daemon

struct JournalTests {
    /// A journal, its file as another process has it, and a socket to send to.
    private final class Place {
        let journal: Journal
        let file: OwnedFD
        let ours: OwnedFD
        let theirs: OwnedFD

        init() throws {
            journal = try Journal()
            var table = DescriptorTable()
            try journal.pass(into: &table)
            file = try table.duplicate(0)
            let pair = try UnixSocket.pair()
            ours = try pair.one.duplicate()
            theirs = try pair.other.duplicate()
        }

        var records: [[UInt8]] { get throws { try Journal.contents(of: file).records.map(\.bytes) } }
        var unsent: [Int] { get throws { try Journal.contents(of: file).records.map(\.unsent) } }

        func received() throws -> Int {
            var count = 0
            while let some = try theirs.readSome(atMost: 1 << 20), !some.isEmpty { count += some.count }
            return count
        }
    }

    @Test func `what is written is read, in its order, and an empty record is one`() throws {
        let place = try Place()
        #expect(try place.records == [])
        try place.journal.append([[1, 2], []])
        try place.journal.append([[3]])
        #expect(try place.records == [[1, 2], [], [3]])
    }

    @Test func `what replaces is read alone, and what comes behind it`() throws {
        let place = try Place()
        try place.journal.append([[1], [2]])
        _ = try place.journal.replace([[3]])
        try place.journal.append([[4]])
        #expect(try place.records == [[3], [4]])
        #expect(place.journal.size == 10)
    }

    @Test func `a record that is not whole was never written`() throws {
        let place = try Place()
        try place.journal.append([[1, 2, 3]])
        let whole = try MemoryFile.contents(of: place.file)
        for torn in 1...7 {
            let file = try MemoryFile.create("torn")
            let bytes = whole + [5, 0, 0, 0, 9, 9, 9, 9, 9].prefix(torn)
            _ = try file.write(bytes.span, at: 0)
            #expect(try Journal.contents(of: file).records.map(\.bytes) == [[1, 2, 3]])
        }
    }

    @Test(arguments: [[], [1, 2, 3], [255, 255, 255, 255, 255, 255, 255, 255], [0, 0, 0, 0, 0, 0, 0, 0]])
    func `a file that is no journal has no records`(bytes: [UInt8]) throws {
        let file = try MemoryFile.create("none")
        _ = try file.write(bytes.span, at: 0)
        #expect(try Journal.contents(of: file).records.isEmpty)
    }

    @Test func `another process goes on behind what was there`() throws {
        let place = try Place()
        try place.journal.append([[1]])
        let next = try Journal(try place.file.duplicate())
        _ = try next.replace([[2], [3]])
        #expect(try place.records == [[2], [3]])
    }

    @Test func `whoever reads it knows to the byte what was sent`() throws {
        let place = try Place()
        let end = try #require(try place.journal.append([[1, 2, 3, 4, 5], [9]]).first)
        #expect(try place.unsent == [5, 1])
        #expect(try place.journal.send(2, from: end - 4, to: place.ours) == 2)
        #expect(try place.unsent == [2, 1])
        #expect(try place.journal.send(2, from: end - 2, to: place.ours) == 2)
        #expect(try place.unsent == [0, 1])
        #expect(try place.theirs.readSome(atMost: 100) == [2, 3, 4, 5])
    }

    @Test func `a socket that is full takes a part, then nothing, and what it took is known`() throws {
        let place = try Place()
        let bytes = [UInt8](repeating: 7, count: 4 << 20)
        let end = try #require(try place.journal.append([bytes]).last)
        let start = end - UInt64(bytes.count)
        let first = try #require(try place.journal.send(bytes.count, from: start, to: place.ours))
        #expect((1..<bytes.count).contains(first))
        #expect(
            try place.journal.send(bytes.count - first, from: start + UInt64(first), to: place.ours) == nil)
        #expect(try place.unsent == [bytes.count - first])
        #expect(try place.received() == first)
    }

    // Pages that were sent are the socket's, too: they must not be freed while somebody still has to read them.
    @Test func `what was sent and is not read yet survives that it is freed`() throws {
        let place = try Place()
        for round in 0..<200 {
            let line = [UInt8](repeating: UInt8(round), count: 10_000)
            let end = try #require(try place.journal.append([line]).last)
            #expect(
                try place.journal.send(line.count, from: end - UInt64(line.count), to: place.ours)
                    == line.count)
            _ = try place.journal.replace([[1]])
            if round % 10 == 9 {
                for earlier in (round - 9)...round {
                    #expect(
                        try place.theirs.readSome(atMost: line.count)
                            == [UInt8](repeating: UInt8(earlier), count: line.count))
                }
            }
        }
    }

    @Test func `a journal that goes on for long takes no more memory`() throws {
        let place = try Place()
        let record = [UInt8](repeating: 1, count: 64 << 10)
        for _ in 0..<200 { _ = try place.journal.replace([record]) }
        #expect(try place.file.status().allocated < 2 << 20)
        #expect(try place.records == [record])
    }

    // MARK: The landing

    private func landed(_ place: Place) throws -> (bytes: [UInt8], number: UInt64) {
        let contents = try Journal.contents(of: place.file)
        return (contents.landing, contents.landingNumber)
    }

    private func receive(_ place: Place, room: Int = 100) throws -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: room)
        let count = try unsafe bytes.withUnsafeMutableBytes {
            try unsafe place.journal.receive(into: $0, from: place.ours)
        }
        return count.map { Array(bytes[..<$0]) }
    }

    @Test func `what is read is there for another process until it is on record`() throws {
        let place = try Place()
        #expect(try landed(place).bytes == [] && landed(place).number == 1)
        #expect(try receive(place) == nil)
        _ = try UnixSocket.send(place.theirs, [1, 2, 3].span)
        #expect(try receive(place) == [1, 2, 3])
        #expect(try landed(place).bytes == [1, 2, 3] && landed(place).number == 1)
        place.journal.clearLanding()
        #expect(try landed(place).bytes == [] && landed(place).number == 2)
        // Longer first, then shorter: nothing of the first is left.
        for bytes in [[9, 9, 9, 9, 9], [8, 8]] as [[UInt8]] {
            _ = try UnixSocket.send(place.theirs, bytes.span)
            #expect(try receive(place) == bytes)
            #expect(try landed(place).bytes == bytes)
            place.journal.clearLanding()
        }
    }

    @Test func `the next process begins with an empty landing`() throws {
        let place = try Place()
        _ = try UnixSocket.send(place.theirs, [1, 2, 3].span)
        #expect(try receive(place) == [1, 2, 3])
        let next = try Journal(try place.file.duplicate())
        #expect(try landed(place).bytes == [] && next.landingNumber == 2)
    }

    @Test func `more than the landing holds is read in pieces`() throws {
        let place = try Place()
        let bytes = [UInt8](repeating: 5, count: 100_000)
        _ = try UnixSocket.send(place.theirs, bytes.span)
        #expect(try receive(place, room: 200_000)?.count == 65_536)
        place.journal.clearLanding()
        #expect(try receive(place, room: 200_000)?.count == 100_000 - 65_536)
    }
}
