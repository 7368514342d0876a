import Cells
import MCP

/// What a journal comes to: a session as the process before us left it.
struct SessionMemory: Equatable, Sendable {
    struct Call: Equatable, Sendable {
        var request: ServerSession.OpenRequest
        var job: UInt32?
        var hostRequest: UInt32?
        var command: CommandMemory?
        var memory: CallMemory?
    }

    let client: ClientMemory
    var standing = SessionStanding.new
    var claim: String?
    var tools: [String]?
    var calls: [Call] = []
    var batches: [ServerSession.OpenBatch] = []
    var input: [UInt8] = []
    /// The last landing that is on record.
    private var landed: UInt64 = 0
    /// What was said and not sent.
    var output: [UInt8] = []
    var cell: CellMemory?
    var cellInput: [UInt8] = []
    var cellOutput: [UInt8] = []
    var grants: [[UInt8]] = []
    var cellIsBehind = false
    /// Twice what it sent was being handled when a process crashed.
    var isSuspect = false
    /// It was left in order, and its calls go on.
    var isComplete = false

    /// `nil` where a journal does not even say whose it is.
    /// Each with how many of its last bytes were not sent.
    init?(_ records: [(record: SessionRecord, unsent: Int)]) {
        guard case .client(let client)? = records.first?.record else { return nil }
        self.client = client
        for (record, unsent) in records.dropFirst() { take(record, unsent) }
    }

    /// What was read, and did not come to be on record.
    mutating func add(landing: [UInt8], _ number: UInt64) {
        if number != landed { input += landing }
    }

    private mutating func take(_ record: SessionRecord, _ unsent: Int) {
        switch record {
        case .client: break
        case .standing(let standing): self.standing = standing
        case .claim(let name): claim = name
        case .tools(let names): tools = names
        case .opened(let request): calls.append(Call(request: request))
        case .closed(let call): calls.removeAll { $0.request.call == call }
        case .batch(let batch):
            batches.removeAll { $0.number == batch.number }
            batches.append(batch)
        case .batchIsOver(let number): batches.removeAll { $0.number == number }
        case .landed(let number): landed = number
        case .isSuspect(let isSuspect): self.isSuspect = isSuspect
        case .input(let bytes, let isMore): input = isMore ? input + bytes : bytes
        case .said(let bytes, let closed):
            output += bytes.suffix(unsent)
            calls.removeAll { closed.contains($0.request.call) }
        case .cell(let cell):
            self.cell = cell
            (cellInput, cellIsBehind) = ([], false)
        case .cellIsGone: cell = nil
        case .cellInput(let bytes, let isMore): cellInput = isMore ? cellInput + bytes : bytes
        case .cellIsBehind(let isBehind): cellIsBehind = isBehind
        case .hostRequest(let call, let number): change(call) { $0.hostRequest = number }
        case .command(let call, let command): change(call) { ($0.hostRequest, $0.command) = (nil, command) }
        case .job(let call, let number):
            change(call) { $0.job = number }
            guard calls.first(where: { $0.request.call == call })?.command == nil else { break }
            if let last = cell?.lastJob { cell?.lastJob = max(last, number) }
        case .stage(let call, let memory): change(call) { $0.memory = memory }
        case .grant(let bytes): grants.append(bytes)
        case .cellOutput(let bytes): cellOutput = bytes
        case .complete: isComplete = true
        }
    }

    private mutating func change(_ call: UInt64, _ body: (inout Call) -> Void) {
        guard let place = calls.firstIndex(where: { $0.request.call == call }) else { return }
        body(&calls[place])
    }
}
