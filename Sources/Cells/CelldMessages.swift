// What cloisterd and celld say to each other: one datagram each, of fixed layout (SOCK_SEQPACKET).
//
//   cloisterd ─ build(cell, plan) + the client's own socket ─▶ celld
//   cloisterd ◀─ built(cell, report) + pidfd and socket of the cell ─ celld
//             ◀─ refused(cell, refusal) ─
//   cloisterd ─ end(cell) ─▶
//             ◀─ gone(cell) ─   once for every cell that was built, whoever ended it
//
// The numbers of cells are cloisterd's, and mean something on its own connection alone.

/// The longest message in either direction. What is longer arrives cut, and a cut message does not decode.
package let longestCelldMessage = 128 << 10

package enum CelldRequest: Equatable, Sendable {
    case build(cell: UInt32, CellPlan)
    case end(cell: UInt32)

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        switch self {
        case .build(let cell, let plan):
            writer.integer(UInt8(1))
            writer.integer(cell)
            writer.data(plan.encoded)
        case .end(let cell):
            writer.integer(UInt8(2))
            writer.integer(cell)
        }
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(CodingFault) {
        var reader = ByteReader(bytes[...])
        let kind = try reader.integer("kind", in: UInt8(1)...2)
        let cell: UInt32 = try reader.integer("cell")
        if kind == 1 {
            let plan = try reader.data("plan", most: longestCelldMessage)
            self = .build(cell: cell, try CellPlan(decoding: plan[...]))
        } else {
            self = .end(cell: cell)
        }
        try reader.finish("request")
    }
}

package enum CelldReply: Equatable, Sendable {
    case built(cell: UInt32, WallReport)
    case refused(cell: UInt32, CellRefusal)
    case gone(cell: UInt32)

    package var encoded: [UInt8] {
        var writer = ByteWriter()
        switch self {
        case .built(let cell, let report):
            writer.integer(UInt8(1))
            writer.integer(cell)
            report.write(to: &writer)
        case .refused(let cell, let refusal):
            writer.integer(UInt8(2))
            writer.integer(cell)
            refusal.write(to: &writer)
        case .gone(let cell):
            writer.integer(UInt8(3))
            writer.integer(cell)
        }
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(CodingFault) {
        var reader = ByteReader(bytes[...])
        let kind = try reader.integer("kind", in: UInt8(1)...3)
        let cell: UInt32 = try reader.integer("cell")
        switch kind {
        case 1: self = .built(cell: cell, try WallReport(from: &reader))
        case 2: self = .refused(cell: cell, try CellRefusal(from: &reader))
        default: self = .gone(cell: cell)
        }
        try reader.finish("reply")
    }
}
