// What a session's journal says, in the order in which it came about.

import Audit
import Cells
import MCP

enum SessionRecord: Equatable, Sendable {
    /// Who it is, as celld said when they connected: a process that has become another program since is not asked again.
    case client(ClientMemory)
    case standing(SessionStanding)
    case claim(String)
    /// The names of the tools that it was told of.
    case tools([String])
    case opened(ServerSession.OpenRequest)
    /// Without a word.
    case closed(call: UInt64)
    case batch(ServerSession.OpenBatch)
    case batchIsOver(Int)
    /// What was left unhandled by a process that crashed is being handled: should this one crash, too, it is the cause.
    case isSuspect(Bool)
    /// Bytes that were read and not handled: more of them, or these instead of all others.
    case input([UInt8], isMore: Bool)
    /// What came to the journal's landing under this number is on record, or done with.
    case landed(UInt64)
    /// Lines for the client, and the calls that are answered with them. The last in its record.
    case said([UInt8], closed: [UInt64])
    case cell(CellMemory)
    case cellIsGone
    case cellInput([UInt8], isMore: Bool)
    case cellIsBehind(Bool)
    /// What a call waits for in its cell.
    case job(call: UInt64, number: UInt32)
    /// What celld was asked for a call: a command on the host.
    case hostRequest(call: UInt64, number: UInt32)
    /// A command on the host, which a call waits for.
    case command(call: UInt64, CommandMemory)
    // From here on: what only a process writes that ends in order.
    case stage(call: UInt64, CallMemory)
    case cellOutput([UInt8])
    /// What a person allowed for as long as the session lasts.
    case grant([UInt8])
    /// Nothing is missing: calls go on.
    case complete
}

/// Who a session is of, as it was known when it began.
struct ClientMemory: Equatable, Sendable {
    var session: UInt64
    var uid: UInt32
    var pid: Int32
    var identity: ClientIdentity
    var digest: String?
    /// As the bus said, where they came over the bus.
    var bus: BusMemory?

    struct BusMemory: Equatable, Sendable {
        var name: String
        var groups: [UInt32]
        var label: String?
        var isExact: Bool
    }
}

/// A cell that stands.
struct CellMemory: Equatable, Sendable {
    var number: UInt32
    var plan: CellPlan
    var report: WallReport
    var lastJob: UInt32
}

/// A command on the host, and where its socket is kept.
struct CommandMemory: Equatable, Sendable {
    var slot: UInt32
    var number: UInt32
    var report: WallReport
}

/// How far a call had come.
struct CallMemory: Equatable, Sendable {
    var isPermitted = false
    var began: Duration = .zero
    var consent: AuditCall.Consent?
    /// How its earlier requests to its cell ended, one frame each.
    var past: [CellFrame] = []
    /// What the request under way has brought so far.
    var seen: [CellFrame] = []
    /// Of a command: what came of the next frame.
    var held: [UInt8] = []
}

// MARK: Coding

extension SessionRecord {
    /// What one record may hold: a line of a client, a backlog.
    private static let most = 256 << 20
    private static let longestText = 1 << 16

    var encoded: [UInt8] {
        var writer = ByteWriter()
        func kind(_ number: UInt8) { writer.integer(number) }
        switch self {
        case .client(let client):
            kind(1)
            writer.integer(client.session)
            writer.integer(client.uid)
            writer.integer(client.pid)
            client.identity.write(to: &writer)
            writer.optional(client.digest) { $0.text($1) }
            writer.optional(client.bus) { writer, bus in
                writer.text(bus.name)
                writer.integer(UInt32(bus.groups.count))
                for group in bus.groups { writer.integer(group) }
                writer.optional(bus.label) { $0.text($1) }
                writer.flag(bus.isExact)
            }
        case .standing(let standing):
            kind(2)
            writer.data(standing.encoded)
        case .claim(let name):
            kind(3)
            writer.text(name)
        case .tools(let names):
            kind(4)
            writer.integer(UInt32(names.count))
            for name in names { writer.text(name) }
        case .opened(let request):
            kind(5)
            writer.integer(request.call)
            writer.integer(UInt64(request.batch ?? 0))
            writer.integer(request.progress.bitPattern)
            writer.data(request.json)
        case .closed(let call):
            kind(6)
            writer.integer(call)
        case .batch(let batch):
            kind(7)
            writer.integer(UInt64(batch.number))
            writer.integer(UInt32(batch.responses.count))
            for response in batch.responses { writer.data(response) }
        case .input(let bytes, let isMore):
            kind(8)
            writer.flag(isMore)
            writer.data(bytes)
        case .said(let bytes, let closed):
            kind(9)
            writer.integer(UInt32(closed.count))
            for call in closed { writer.integer(call) }
            writer.data(bytes)
        case .cell(let cell):
            kind(10)
            writer.integer(cell.number)
            writer.data(cell.plan.encoded)
            cell.report.write(to: &writer)
            writer.integer(cell.lastJob)
        case .cellIsGone:
            kind(11)
        case .cellInput(let bytes, let isMore):
            kind(12)
            writer.flag(isMore)
            writer.data(bytes)
        case .cellIsBehind(let isBehind):
            kind(13)
            writer.flag(isBehind)
        case .job(let call, let number):
            kind(14)
            writer.integer(call)
            writer.integer(number)
        case .stage(let call, let memory):
            kind(15)
            writer.integer(call)
            memory.write(to: &writer)
        case .cellOutput(let bytes):
            kind(16)
            writer.data(bytes)
        case .complete:
            kind(17)
        case .batchIsOver(let number):
            kind(18)
            writer.integer(UInt64(number))
        case .isSuspect(let isSuspect):
            kind(19)
            writer.flag(isSuspect)
        case .landed(let number):
            kind(20)
            writer.integer(number)
        case .grant(let bytes):
            kind(22)
            writer.data(bytes)
        case .hostRequest(let call, let number):
            kind(23)
            writer.integer(call)
            writer.integer(number)
        case .command(let call, let command):
            kind(21)
            writer.integer(call)
            writer.integer(command.slot)
            writer.integer(command.number)
            command.report.write(to: &writer)
        }
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(CodingFault) {
        var reader = ByteReader(bytes[...])
        switch try reader.integer("kind", in: UInt8(1)...23) {
        case 1:
            self = .client(
                ClientMemory(
                    session: try reader.integer("session"), uid: try reader.integer("uid"),
                    pid: try reader.integer("pid"), identity: try ClientIdentity(from: &reader),
                    digest: try reader.optional("digest") { (reader) throws(CodingFault) in
                        try reader.text("digest", most: Self.longestText)
                    },
                    bus: try reader.optional("bus") { (reader) throws(CodingFault) in
                        try ClientMemory.BusMemory(from: &reader)
                    }))
        case 2:
            let data = try reader.data("standing", most: Self.most)
            guard let standing = SessionStanding(decoding: data) else {
                throw reader.fault("standing", "it is not one")
            }
            self = .standing(standing)
        case 3: self = .claim(try reader.text("claim", most: Self.longestText))
        case 4:
            var names: [String] = []
            for _ in 0..<(try reader.integer("tools", in: UInt32(0)...100_000)) {
                names.append(try reader.text("tool", most: Self.longestText))
            }
            self = .tools(names)
        case 5:
            let call: UInt64 = try reader.integer("call")
            let batch = try reader.integer("batch", in: UInt64(0)...UInt64(Int32.max))
            let progress = Double(bitPattern: try reader.integer("progress"))
            self = .opened(
                ServerSession.OpenRequest(
                    call: call, json: try reader.data("json", most: Self.most),
                    batch: batch == 0 ? nil : Int(batch), progress: progress))
        case 6: self = .closed(call: try reader.integer("call"))
        case 7:
            let number = try reader.integer("batch", in: UInt64(1)...UInt64(Int32.max))
            var responses: [[UInt8]] = []
            for _ in 0..<(try reader.integer("responses", in: UInt32(0)...100_000)) {
                responses.append(try reader.data("response", most: Self.most))
            }
            self = .batch(ServerSession.OpenBatch(number: Int(number), responses: responses))
        case 8:
            let isMore = try reader.flag("isMore")
            self = .input(try reader.data("input", most: Self.most), isMore: isMore)
        case 9:
            var closed: [UInt64] = []
            for _ in 0..<(try reader.integer("closed", in: UInt32(0)...100_000)) {
                closed.append(try reader.integer("call"))
            }
            self = .said(try reader.data("said", most: Self.most), closed: closed)
        case 10:
            let number: UInt32 = try reader.integer("cell")
            let plan = try reader.data("plan", most: longestCelldMessage)
            self = .cell(
                CellMemory(
                    number: number, plan: try CellPlan(decoding: plan[...]),
                    report: try WallReport(from: &reader), lastJob: try reader.integer("lastJob")))
        case 11: self = .cellIsGone
        case 12:
            let isMore = try reader.flag("isMore")
            self = .cellInput(try reader.data("cellInput", most: Self.most), isMore: isMore)
        case 13: self = .cellIsBehind(try reader.flag("cellIsBehind"))
        case 14: self = .job(call: try reader.integer("call"), number: try reader.integer("job"))
        case 15:
            let call: UInt64 = try reader.integer("call")
            self = .stage(call: call, try CallMemory(from: &reader))
        case 16: self = .cellOutput(try reader.data("cellOutput", most: Self.most))
        case 17: self = .complete
        case 18: self = .batchIsOver(Int(try reader.integer("batch", in: UInt64(1)...UInt64(Int32.max))))
        case 19: self = .isSuspect(try reader.flag("isSuspect"))
        case 20: self = .landed(try reader.integer("landed"))
        case 22: self = .grant(try reader.data("grant", most: Self.most))
        case 23:
            self = .hostRequest(call: try reader.integer("call"), number: try reader.integer("request"))
        default:
            let call: UInt64 = try reader.integer("call")
            self = .command(
                call: call,
                CommandMemory(
                    slot: try reader.integer("slot"), number: try reader.integer("command"),
                    report: try WallReport(from: &reader)))
        }
        try reader.finish("record")
    }
}

extension ClientMemory.BusMemory {
    fileprivate init(from reader: inout ByteReader) throws(CodingFault) {
        name = try reader.text("name", most: 255)
        groups = []
        for _ in 0..<(try reader.integer("groups", in: UInt32(0)...65_536)) {
            groups.append(try reader.integer("group"))
        }
        label = try reader.optional("label") { (reader) throws(CodingFault) in
            try reader.text("label", most: 4096)
        }
        isExact = try reader.flag("isExact")
    }
}

extension CallMemory {
    fileprivate func write(to writer: inout ByteWriter) {
        writer.flag(isPermitted)
        writer.integer(Int64(began / .microseconds(1)))
        writer.text(consent?.who ?? "")
        writer.text(consent?.how ?? "")
        for frames in [past, seen] { writer.data(frames.flatMap(\.encoded)) }
        writer.data(held)
    }

    fileprivate init(from reader: inout ByteReader) throws(CodingFault) {
        isPermitted = try reader.flag("isPermitted")
        began = .microseconds(try reader.integer("began", as: Int64.self))
        let (who, how) = (try reader.text("who", most: 1024), try reader.text("how", most: 1024))
        consent = who.isEmpty ? nil : AuditCall.Consent(who: who, how: how)
        past = try Self.frames(&reader)
        seen = try Self.frames(&reader)
        held = try reader.data("held", most: 256 << 20)
    }

    private static func frames(_ reader: inout ByteReader) throws(CodingFault) -> [CellFrame] {
        let bytes = try reader.data("frames", most: 256 << 20)
        var (frames, cutter) = ([CellFrame](), CellFrameReader())
        cutter.append(bytes.span)
        while let frame = try cutter.next() { frames.append(frame) }
        return frames
    }
}
