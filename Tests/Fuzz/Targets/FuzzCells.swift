// Any bytes go in, the first of which says whose message they shall be. What must hold: a message decodes or is a
// fault, and one that decodes says what the bytes say: it is encoded to the same bytes again. For frames:
// however the stream is cut, the same ones come out.

import Cells

package func fuzzCells(_ bytes: [UInt8]) {
    guard let kind = bytes.first else { return }
    let rest = Array(bytes.dropFirst())
    switch kind % 12 {
    case 0: check(rest) { try CelldRequest(decoding: $0).encoded }
    case 1: check(rest) { try CelldReply(decoding: $0).encoded }
    case 2: check(rest) { try CellPlan(decoding: $0[...]).encoded }
    case 3: check(rest) { try CellOrder(decoding: $0).encoded }
    case 4: check(rest) { try CellAnswer(decoding: $0).encoded }
    case 5: check(rest) { try ProgramRequest(decoding: $0[...]).encoded }
    case 6: check(rest) { try ProgramResult(decoding: $0[...]).encoded }
    case 7: check(rest) { try FileRequest(decoding: $0[...]).encoded }
    case 8: check(rest) { try FileResult(decoding: $0[...]).encoded }
    case 11: check(rest) { try CellOwner(decoding: $0).encoded }
    case 10: check(rest) { try HostOrder(decoding: $0).encoded }
    default: checkFrames(rest)
    }
}

private func check(_ bytes: [UInt8], _ again: ([UInt8]) throws -> [UInt8]) {
    guard let written = try? again(bytes) else { return }
    require(written == bytes, "decoded from \(bytes), encoded as \(written)")
}

private func checkFrames(_ bytes: [UInt8]) {
    let whole = frames(bytes, piece: max(1, bytes.count))
    for piece in [1, 3, 9] {
        let cut = frames(bytes, piece: piece)
        require(cut.found == whole.found, "other frames come out of pieces of \(piece)")
        require(cut.failed == whole.failed, "a fault depends on the pieces")
    }
}

private func frames(_ bytes: [UInt8], piece: Int) -> (found: [CellFrame], failed: Bool) {
    var reader = CellFrameReader()
    var found: [CellFrame] = []
    var rest = bytes[...]
    do throws(CodingFault) {
        while !rest.isEmpty {
            let next = Array(rest.prefix(piece))
            rest = rest.dropFirst(piece)
            reader.append(next.span)
            while let frame = try reader.next() { found.append(frame) }
        }
        return (found, false)
    } catch {
        return (found, true)
    }
}
