import Cells
import Linux

/// What waits to be taken by cloisterd.
struct OutgoingFrames {
    private var bytes: [UInt8] = []
    private var sent = 0

    /// While more than this waits, nothing more of what would add to it is begun.
    static let most = 1 << 20

    var isEmpty: Bool { bytes.isEmpty }
    var isBackedUp: Bool { bytes.count - sent > Self.most }

    mutating func append(_ kind: CellFrame.Kind, call: UInt32, _ payload: (inout ByteWriter) -> Void) {
        CellFrame.append(kind, call: call, to: &bytes, payload)
    }

    mutating func append(_ frame: CellFrame) {
        append(frame.kind, call: frame.call) { $0.raw(frame.payload) }
    }

    /// As much as is taken now. How many bytes have gone of what is kept in one piece.
    mutating func flush(to socket: borrowing OwnedFD) throws(SystemError) -> Int {
        while sent < bytes.count,
            let count = try Self.send(bytes.span.extracting(sent..<bytes.count), to: socket).get()
        {
            sent += count
        }
        let gone = sent
        if sent == bytes.count {
            (bytes, sent) = ([], 0)
        } else if sent > bytes.count / 2 {
            bytes.removeFirst(sent)
            sent = 0
        }
        return gone
    }

    private static func send(
        _ bytes: Span<UInt8>, to socket: borrowing OwnedFD
    ) -> Result<Int?, SystemError> {
        do throws(SystemError) {
            return .success(try UnixSocket.send(socket, bytes))
        } catch {
            return .failure(error)
        }
    }
}
