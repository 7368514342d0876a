// What cloisterd and a cell say to each other, over a stream: frames, each behind its length.
//
//   length (of the rest) 4 │ call 4 │ kind 1 │ payload
//
// A call is begun by a request, may send output, and ends with one result or one failure. Its number is
// cloisterd's. A cancelled call ends too, with a failure, once everything it started is gone.

package struct CellFrame: Equatable, Sendable {
    package enum Kind: UInt8, Sendable {
        // cloisterd → cell
        case fileRequest = 1
        case programRequest, cancel
        // cell → cloisterd
        case fileResult = 17
        case programResult, failure, output, errorOutput
    }

    /// The largest request carries what one line of a client may hold; no result is larger.
    package static let longestPayload = 24 << 20
    static let headerBytes = 9

    package let call: UInt32
    package let kind: Kind
    package let payload: [UInt8]

    package init(_ kind: Kind, call: UInt32, _ payload: [UInt8] = []) {
        (self.call, self.kind, self.payload) = (call, kind, payload)
    }

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.integer(UInt32(payload.count + 5))
        writer.integer(call)
        writer.integer(kind.rawValue)
        return writer.bytes + payload
    }
}

/// Puts frames together from the pieces in which a stream brings them.
package struct CellFrameReader: Sendable {
    private var bytes: [UInt8] = []
    private var consumed = 0

    package init() {}

    package mutating func append(_ more: Span<UInt8>) {
        if consumed > 0 {
            bytes.removeFirst(consumed)
            consumed = 0
        }
        unsafe more.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
    }

    /// The next whole one. After a fault the stream makes no sense any more.
    package mutating func next() throws(CodingFault) -> CellFrame? {
        let waiting = bytes.count - consumed
        guard waiting >= CellFrame.headerBytes else { return nil }
        var header = ByteReader(bytes[consumed..<(consumed + CellFrame.headerBytes)])
        let length = Int(try header.integer("length", in: UInt32(5)...UInt32(CellFrame.longestPayload + 5)))
        let call: UInt32 = try header.integer("call")
        let number: UInt8 = try header.integer("kind")
        guard let kind = CellFrame.Kind(rawValue: number) else {
            throw header.fault("kind", "\(number) is none")
        }
        guard waiting >= length + 4 else { return nil }
        let start = consumed + CellFrame.headerBytes
        consumed += length + 4
        defer {
            if consumed == bytes.count { (bytes, consumed) = ([], 0) }
        }
        return CellFrame(kind, call: call, Array(bytes[start..<consumed]))
    }
}
