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
        /// What policy says to the files of the requests behind it; nothing answers it.
        case fileRules
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
        var bytes: [UInt8] = []
        Self.append(kind, call: call, to: &bytes) {
            $0.reserve(payload.count)
            $0.raw(payload)
        }
        return bytes
    }

    /// A frame behind what waits to be sent, written where it is sent from.
    package static func append(
        _ kind: Kind, call: UInt32, to bytes: inout [UInt8], _ payload: (inout ByteWriter) -> Void
    ) {
        let start = bytes.count
        var waiting: [UInt8] = []
        swap(&waiting, &bytes)
        var writer = ByteWriter(behind: waiting)
        writer.integer(UInt32(0))
        writer.integer(call)
        writer.integer(kind.rawValue)
        payload(&writer)
        writer.replaceInteger(at: start, with: UInt32(writer.bytes.count - start - 4))
        bytes = writer.finish()
    }
}

/// Puts frames together from the pieces in which a stream brings them. Every byte of a payload is copied
/// once, to where it stays.
package struct CellFrameReader: Sendable {
    private struct Begun: Sendable {
        let kind: CellFrame.Kind
        let call: UInt32
        let length: Int
        var payload: [UInt8] = []
    }

    private var header: [UInt8] = []
    private var begun: Begun?
    private var whole: [CellFrame] = []
    private var taken = 0
    private var fault: CodingFault?

    /// No more is set aside for a frame because of what its header says; the rest grows as it comes.
    private static let mostReserved = 2 << 20

    package init() {}

    package mutating func append(_ more: Span<UInt8>) {
        var place = 0
        while fault == nil, place < more.count {
            if begun == nil {
                let end = min(place + CellFrame.headerBytes - header.count, more.count)
                while place < end {
                    header.append(more[place])
                    place += 1
                }
                guard header.count == CellFrame.headerBytes else { return }
                begin()
            }
            guard let missing = begun.map({ $0.length - $0.payload.count }) else { return }
            let piece = more.extracting(place..<min(place + missing, more.count))
            unsafe piece.withUnsafeBufferPointer { unsafe begun?.payload.append(contentsOf: $0) }
            place += piece.count
            if piece.count == missing { end() }
        }
    }

    private mutating func begin() {
        do throws(CodingFault) {
            var reader = ByteReader(header[...])
            let length = Int(
                try reader.integer("length", in: UInt32(5)...UInt32(CellFrame.longestPayload + 5)))
            let call: UInt32 = try reader.integer("call")
            let number: UInt8 = try reader.integer("kind")
            guard let kind = CellFrame.Kind(rawValue: number) else {
                throw reader.fault("kind", "\(number) is none")
            }
            begun = Begun(kind: kind, call: call, length: length - 5)
            begun?.payload.reserveCapacity(min(length - 5, Self.mostReserved))
            header.removeAll(keepingCapacity: true)
        } catch {
            fault = error
        }
    }

    private mutating func end() {
        guard let frame = begun.take() else { return }
        whole.append(CellFrame(frame.kind, call: frame.call, frame.payload))
    }

    /// What has come of a frame that is not whole, as it came.
    package var held: Int { begun.map { CellFrame.headerBytes + $0.payload.count } ?? header.count }

    /// The last so many bytes of that.
    package func heldBytes(_ count: Int) -> [UInt8] {
        guard let begun else { return header.suffix(count) }
        if count <= begun.payload.count { return begun.payload.suffix(count) }
        var writer = ByteWriter()
        writer.integer(UInt32(begun.length + 5))
        writer.integer(begun.call)
        writer.integer(begun.kind.rawValue)
        writer.raw(begun.payload)
        return writer.bytes
    }

    /// The next whole one. After a fault the stream makes no sense any more.
    package mutating func next() throws(CodingFault) -> CellFrame? {
        if taken < whole.count {
            defer { taken += 1 }
            return whole[taken]
        }
        (whole, taken) = ([], 0)
        if let fault { throw fault }
        return nil
    }
}
