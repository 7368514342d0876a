/// A pattern of one word or one name, by bytes: `*` is any of them, also none, `?` is one, `[a-c]` one of these and
/// `[!a-c]` one of the others. A backslash takes the next byte as it is.
package struct NamePattern: Hashable, Sendable {
    package struct Fault: Error, Equatable, CustomStringConvertible, Sendable {
        package let description: String

        package init(_ description: String) { self.description = description }
    }

    enum Piece: Hashable, Sendable {
        case byte(UInt8)
        case one
        case any
        case set([ClosedRange<UInt8>], isNegated: Bool)
    }

    let pieces: [Piece]

    package init(_ text: some Collection<UInt8>) throws(Fault) {
        var pieces: [Piece] = []
        var rest = Array(text)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "*"):
                // Two side by side say no more than one.
                if pieces.last != .any { pieces.append(.any) }
            case UInt8(ascii: "?"): pieces.append(.one)
            case UInt8(ascii: "["): pieces.append(try Self.set(&rest))
            case UInt8(ascii: "\\"):
                guard let next = rest.popFirst() else { throw Fault("nothing follows its last backslash") }
                pieces.append(.byte(next))
            default: pieces.append(.byte(byte))
            }
        }
        self.pieces = pieces
    }

    private static func set(_ rest: inout ArraySlice<UInt8>) throws(Fault) -> Piece {
        let isNegated = rest.first == UInt8(ascii: "!")
        if isNegated { rest.removeFirst() }
        var ranges: [ClosedRange<UInt8>] = []
        while let low = rest.popFirst() {
            if low == UInt8(ascii: "]"), !ranges.isEmpty { return .set(ranges, isNegated: isNegated) }
            var high = low
            if rest.first == UInt8(ascii: "-"), let end = rest.dropFirst().first, end != UInt8(ascii: "]") {
                high = end
                rest = rest.dropFirst(2)
            }
            guard low <= high else { throw Fault("a range in it ends before it begins") }
            ranges.append(low...high)
        }
        throw Fault("a [ in it has no ]")
    }

    /// What it says when it says one thing only.
    package var literal: [UInt8]? {
        var bytes: [UInt8] = []
        for piece in pieces {
            guard case .byte(let byte) = piece else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    package func matches(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { unsafe matches($0.span) }
    }

    /// At most as many steps as the product of both lengths: only the last `*` is ever tried again.
    package func matches(_ text: Span<UInt8>) -> Bool {
        var (piece, place) = (0, 0)
        var again: (piece: Int, place: Int)?
        while place < text.count {
            if piece < pieces.count, pieces[piece] == .any {
                again = (piece, place)
                piece += 1
            } else if piece < pieces.count, pieces[piece].takes(text[place]) {
                (piece, place) = (piece + 1, place + 1)
            } else if let last = again {
                again = (last.piece, last.place + 1)
                (piece, place) = (last.piece + 1, last.place + 1)
            } else {
                return false
            }
        }
        return pieces[piece...].allSatisfy { $0 == .any }
    }
}

extension NamePattern.Piece {
    @inline(__always)
    func takes(_ byte: UInt8) -> Bool {
        switch self {
        case .byte(let wanted): wanted == byte
        case .one: true
        case .any: false
        case .set(let ranges, let isNegated): ranges.contains { $0.contains(byte) } != isNegated
        }
    }
}
