import Audit
import JSON
import TestSupport
import Testing

@Suite struct HashChainTests {
    private func chain(_ count: Int) -> [[UInt8]] {
        var chain = HashChain()
        var bytes: [UInt8] = []
        for number in 0..<count { chain.append(Array("\"n\":\(number)".utf8), to: &bytes) }
        return bytes.split(separator: 0x0A).map(Array.init)
    }

    private func report(_ lines: [[UInt8]]) -> ChainReport {
        var verifier = ChainVerifier(key: nil)
        for (place, line) in lines.enumerated() { verifier.add(line[...], file: "f", line: place + 1) }
        return verifier.finish()
    }

    @Test(
        "A line has its number first, the hash of the line before, and the hash of its own bytes at the end")
    func form() throws {
        var chain = HashChain()
        var lines: [UInt8] = []
        chain.append(Array(#""kind":"x""#.utf8), to: &lines)
        let hashed = #"{"seq":1,"kind":"x","prev":"\#(Digest.zero)""#
        let hash = Digest(of: Array(hashed.utf8))
        #expect(String(decoding: lines, as: UTF8.self) == "\(hashed),\"hash\":\"\(hash)\"}\n")
        #expect(chain.last == ChainPlace(sequence: 1, hash: hash))
        lines = []
        chain.append(Array(#""kind":"y""#.utf8), to: &lines)
        let root = try JSONDocument(lines).root
        #expect(root["seq"]?.integer == 2)
        #expect(root["prev"]?.string == hash.description)
    }

    @Test("A place is read as it is written, and in no other way")
    func place() {
        let place = ChainPlace(sequence: 12, hash: Digest(of: [1]))
        #expect(ChainPlace(place.description) == place)
        for text in ["", "12", "12:", ":\(place.hash)", "x:\(place.hash)", "\(place):", "-1:\(place.hash)"] {
            #expect(ChainPlace(text) == nil)
        }
    }

    @Test("A chain that nobody touched is right")
    func untouched() {
        let report = report(chain(100))
        #expect(report.fault == nil)
        #expect(report.records == 100)
        #expect(report.last.sequence == 100)
        #expect(self.report([]).fault == nil)
    }

    static let places = [0, 1, 2, 10, 18, 19]

    @Test("One changed byte, wherever it is, is found in its record", arguments: places)
    func changed(place: Int) {
        let lines = chain(20)
        for offset in lines[place].indices {
            for bit in [UInt8(1), 2, 16] {
                var changed = lines
                changed[place][offset] ^= bit
                let fault = report(changed).fault
                // A byte that became a line's end makes two lines of one; both are none.
                #expect(
                    fault?.sequence == UInt64(place + 1), "byte \(offset): \(fault?.description ?? "right")")
                #expect(fault?.kind == .changed)
                #expect(fault?.line == place + 1)
            }
        }
    }

    @Test("A removed record is named, whatever follows", arguments: places)
    func removed(place: Int) {
        var lines = chain(20)
        lines.remove(at: place)
        let fault = report(lines).fault
        // Only a signature tells that the last one was there.
        guard place < 19 else { return #expect(fault == nil) }
        #expect(fault?.kind == .removed)
        #expect(fault?.sequence == UInt64(place + 1))
        #expect(fault?.line == place + 1)
    }

    @Test("Several that are missing are counted")
    func severalRemoved() {
        var lines = chain(20)
        lines.removeSubrange(5..<8)
        #expect(report(lines).fault?.why.contains("it, and 2 after it, is not there") == true)
        #expect(report(lines).fault?.sequence == 6)
    }

    @Test("Swapped records are told from removed ones", arguments: [(0, 1), (4, 5), (4, 12), (18, 19)])
    func swapped(one: Int, other: Int) {
        var lines = chain(20)
        lines.swapAt(one, other)
        let fault = report(lines).fault
        #expect(fault?.kind == .reordered)
        #expect(fault?.sequence == UInt64(one + 1))
    }

    @Test("A record that was moved is named", arguments: [(3, 15), (15, 3)])
    func moved(from: Int, to: Int) {
        var lines = chain(20)
        lines.insert(lines.remove(at: from), at: to)
        let fault = report(lines).fault
        #expect(fault?.kind == .reordered)
        #expect(fault?.sequence == UInt64(min(from, to) + 1))
    }

    @Test("A copy of a record is an inserted one", arguments: [(3, 5), (3, 4), (0, 20), (19, 20)])
    func copied(from: Int, to: Int) {
        var lines = chain(20)
        lines.insert(lines[from], at: to)
        let fault = report(lines).fault
        #expect(fault?.kind == .inserted)
        #expect(fault?.sequence == UInt64(from + 1))
        #expect(fault?.line == to + 1)
    }

    @Test("A line that is no record is an inserted one", arguments: ["", "{}", "x", "{\"seq\":6,"])
    func garbage(text: String) {
        var lines = chain(20)
        lines.insert(Array(text.utf8), at: 5)
        let fault = report(lines).fault
        #expect(fault?.kind == .inserted)
        #expect(fault?.sequence == 6)
        #expect(fault?.line == 6)
    }

    @Test("A record that was made to fit those before it is found by the one behind it")
    func forged() {
        var lines = chain(20)
        var forger = HashChain(after: ChainLine(lines[4][...])!.place)
        var forged: [UInt8] = []
        forger.append(Array("\"n\":666".utf8), to: &forged)
        forged.removeLast()
        // In place of another.
        var replaced = lines
        replaced[5] = forged
        let fault = report(replaced).fault
        #expect(fault?.kind == .changed)
        #expect(fault?.sequence == 6)
        #expect(fault?.line == 6)
        // In between.
        lines.insert(forged, at: 5)
        #expect(report(lines).fault?.kind == .inserted)
        #expect(report(lines).fault?.sequence == 6)
    }

    @Test("A record that names another one before it, and stands in the way of the right one, was inserted")
    func forgedElsewhere() {
        var lines = chain(20)
        var forger = HashChain(after: ChainPlace(sequence: 5, hash: Digest(of: [9])))
        var forged: [UInt8] = []
        forger.append(Array("\"n\":666".utf8), to: &forged)
        lines.insert(forged.dropLast(), at: 5)
        let fault = report(lines).fault
        #expect(fault?.kind == .inserted)
        #expect(fault?.sequence == 6)
        #expect(fault?.line == 6)
    }

    @Test("From a place that was kept, what is before it does not matter, and the place itself does")
    func since() throws {
        let lines = chain(20)
        func fault(_ lines: [[UInt8]], since: ChainPlace) -> ChainFault? {
            var verifier = ChainVerifier(key: nil, since: since)
            for (place, line) in lines.enumerated() {
                verifier.add(line[...], file: "f", line: place + 1)
            }
            return verifier.finish().fault
        }
        let kept = try #require(ChainLine(lines[9][...])).place
        #expect(fault(lines, since: kept) == nil)
        #expect(fault(Array(lines[5...]), since: kept) == nil)
        #expect(fault(Array(lines[10...]), since: kept) == nil)
        #expect(fault(Array(lines[11...]), since: kept)?.sequence == 10)
        #expect(fault(Array(lines[..<9]), since: kept)?.kind == .removed)
        #expect(fault(lines, since: ChainPlace(sequence: 10, hash: .zero))?.kind == .changed)
        // A chain that was made again from its beginning, as who can write the files can.
        var again = HashChain()
        var bytes: [UInt8] = []
        for _ in 0..<20 { again.append(Array("\"n\":666".utf8), to: &bytes) }
        let forged = bytes.split(separator: 0x0A).map(Array.init)
        #expect(report(forged).fault == nil)
        #expect(fault(forged, since: kept)?.sequence == 10)
    }
}
