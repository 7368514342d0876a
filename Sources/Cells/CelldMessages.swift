// What cloisterd and celld say to each other: one datagram each, of fixed layout (SOCK_SEQPACKET).
//
//   cloisterd ─ build(cell, plan) + the client's own socket ─▶ celld
//   cloisterd ◀─ built(cell, report) + pidfd and socket of the cell ─ celld
//             ◀─ refused(cell, refusal) ─
//   cloisterd ─ end(cell) ─▶
//             ◀─ gone(cell) ─   once for every cell that was built, whoever ended it
//   cloisterd ─ identify(client) + the client's own socket ─▶
//             ◀─ identified(client, identity) ─, or refused: it is gone
//   cloisterd ─ run(command) + the client's own socket, and what the command reads ─▶
//             ◀─ built ─, or refused, and gone, as for a cell; end takes it back, also while a person is asked
//
//   cloisterd ─ meet(client, its unique name on the system bus) ─▶
//             ◀─ met(client, identity) + a voucher ─, or refused
//
// celld asks the bus itself who that is. The voucher is a socket by which it knows them again: whoever has no socket of
// their own is named by it, wherever a client's socket is wanted, until the voucher is closed.
//
// The numbers of cells, clients and commands are cloisterd's, one for each request that wants an answer, and mean something on
// its own connection alone.

/// The longest message in either direction. What is longer arrives cut, and a cut message does not decode.
package let longestCelldMessage = 128 << 10

package enum CelldRequest: Equatable, Sendable {
    case build(cell: UInt32, CellPlan)
    case end(cell: UInt32)
    case identify(client: UInt32)
    case run(command: UInt32, HostCommand)
    case meet(client: UInt32, name: String)

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
        case .identify(let client):
            writer.integer(UInt8(3))
            writer.integer(client)
        case .run(let command, let order):
            writer.integer(UInt8(4))
            writer.integer(command)
            order.write(to: &writer)
        case .meet(let client, let name):
            writer.integer(UInt8(5))
            writer.integer(client)
            writer.text(name)
        }
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(CodingFault) {
        var reader = ByteReader(bytes[...])
        let kind = try reader.integer("kind", in: UInt8(1)...5)
        let number: UInt32 = try reader.integer("number")
        switch kind {
        case 1:
            let plan = try reader.data("plan", most: longestCelldMessage)
            self = .build(cell: number, try CellPlan(decoding: plan[...]))
        case 2: self = .end(cell: number)
        case 3: self = .identify(client: number)
        case 4: self = .run(command: number, try HostCommand(from: &reader))
        default:
            let name = try reader.text("name", most: UniqueName.longest)
            guard UniqueName.isOne(name) else { throw reader.fault("name", "it is no unique name") }
            self = .meet(client: number, name: name)
        }
        try reader.finish("request")
    }
}

package enum CelldReply: Equatable, Sendable {
    case built(cell: UInt32, WallReport)
    case refused(cell: UInt32, CellRefusal)
    case gone(cell: UInt32)
    case identified(client: UInt32, ClientIdentity)
    case met(client: UInt32, ClientIdentity)

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
        case .identified(let client, let identity):
            writer.integer(UInt8(4))
            writer.integer(client)
            identity.write(to: &writer)
        case .met(let client, let identity):
            writer.integer(UInt8(5))
            writer.integer(client)
            identity.write(to: &writer)
        }
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(CodingFault) {
        var reader = ByteReader(bytes[...])
        let kind = try reader.integer("kind", in: UInt8(1)...5)
        let number: UInt32 = try reader.integer("number")
        switch kind {
        case 1: self = .built(cell: number, try WallReport(from: &reader))
        case 2: self = .refused(cell: number, try CellRefusal(from: &reader))
        case 3: self = .gone(cell: number)
        case 4: self = .identified(client: number, try ClientIdentity(from: &reader))
        default: self = .met(client: number, try ClientIdentity(from: &reader))
        }
        try reader.finish("reply")
    }
}
