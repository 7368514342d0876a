import JSON

// A chain of lines, each of which names the one before by its hash.
//
//   {"seq":1,…,"prev":"000…","hash":"4f1…"}
//   {"seq":2,…,"prev":"4f1…","hash":"9ac…"}
//
// `hash` is over all bytes of its line before `,"hash"`, `prev` among them: so it stands for every line so far, and
// who changes one has to change all that follow. Whether somebody did is what signatures of checkpoints tell.
// Nothing here reads or writes anything.

/// Where a chain stands: the record that was last, and its hash.
package struct ChainPlace: Hashable, Sendable, CustomStringConvertible {
    package let sequence: UInt64
    package let hash: Digest

    package init(sequence: UInt64, hash: Digest) { (self.sequence, self.hash) = (sequence, hash) }

    /// Before the first record.
    package static let beginning = ChainPlace(sequence: 0, hash: .zero)

    /// As people keep it, and hand it to `audit verify --since`: `1000:9ac…`
    package var description: String { "\(sequence):\(hash)" }

    package init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count == 2, let sequence = UInt64(String(parts[0]) ?? ""),
            let hash = Digest(hexadecimal: parts[1])
        else { return nil }
        self.init(sequence: sequence, hash: hash)
    }
}

package struct HashChain: Sendable {
    package private(set) var last: ChainPlace

    package init(after last: ChainPlace = .beginning) { self.last = last }

    /// Adds the next line, with its end, for members such as `"time":…,"kind":…`.
    package mutating func append(_ members: [UInt8], to lines: inout [UInt8]) {
        let start = lines.count
        let sequence = last.sequence + 1
        lines.append(contentsOf: ChainLine.first)
        lines.append(contentsOf: String(sequence).utf8)
        lines.append(UInt8(ascii: ","))
        lines.append(contentsOf: members)
        lines.append(contentsOf: ChainLine.beforePrevious)
        Hexadecimal.append(last.hash.bytes, to: &lines)
        lines.append(UInt8(ascii: "\""))
        let hash = Digest(of: lines.span.extracting(start...))
        lines.append(contentsOf: ChainLine.beforeHash)
        Hexadecimal.append(hash.bytes, to: &lines)
        lines.append(contentsOf: ChainLine.end)
        lines.append(0x0A)
        last = ChainPlace(sequence: sequence, hash: hash)
    }

    /// The numbers up to this one have been given away, though their records are not here.
    mutating func skip(to sequence: UInt64) {
        last = ChainPlace(sequence: max(last.sequence, sequence), hash: last.hash)
    }
}

/// A line as its bytes say, which says nothing about whether they are true.
package struct ChainLine: Sendable {
    static let first = Array(#"{"seq":"#.utf8)
    static let beforePrevious = Array(#","prev":""#.utf8)
    static let beforeHash = Array(#","hash":""#.utf8)
    static let end = Array(#""}"#.utf8)

    /// From the end of its members to its own.
    private static let tailCount =
        beforePrevious.count + 64 + 1 + beforeHash.count + 64 + end.count

    package let sequence: UInt64
    package let previous: Digest
    package let hash: Digest
    /// Whether the hash is that of the line.
    package let isIntact: Bool

    /// Without the line's end; `nil` when it does not have the form of one.
    package init?(_ line: ArraySlice<UInt8>) {
        guard line.count > Self.first.count + Self.tailCount, line.starts(with: Self.first) else {
            return nil
        }
        let number = line.dropFirst(Self.first.count).prefix { $0 &- 0x30 < 10 }
        guard let sequence = UInt64(String(decoding: number, as: UTF8.self)), sequence > 0,
            number.first != UInt8(ascii: "0"), line[number.endIndex] == UInt8(ascii: ",")
        else { return nil }
        var tail = line.suffix(Self.tailCount)
        guard Self.take(Self.beforePrevious, &tail), let previous = Digest(hexadecimal: tail.prefix(64)),
            Self.take(Array(tail.prefix(64)) + [UInt8(ascii: "\"")], &tail)
        else { return nil }
        let hashed = tail.startIndex - line.startIndex
        guard Self.take(Self.beforeHash, &tail), let hash = Digest(hexadecimal: tail.prefix(64)),
            tail.dropFirst(64).elementsEqual(Self.end)
        else { return nil }
        (self.sequence, self.previous, self.hash) = (sequence, previous, hash)
        isIntact = Digest(of: line.span.extracting(..<hashed)) == hash
    }

    private static func take(_ bytes: [UInt8], _ rest: inout ArraySlice<UInt8>) -> Bool {
        guard rest.starts(with: bytes) else { return false }
        rest.removeFirst(bytes.count)
        return true
    }

    package var place: ChainPlace { ChainPlace(sequence: sequence, hash: hash) }
}
