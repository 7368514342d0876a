import Audit
import Cells
import JSON
import MCP
import TestSupport
import Testing

@testable import Daemon

struct SessionRecordTests {
    static let client = ClientMemory(
        session: 7, uid: 1000, pid: 4711,
        identity: ClientIdentity(executable: "/usr/bin/app", controlGroup: "/user.slice"), digest: "ab12",
        bus: .init(name: ":1.5", groups: [1000, 4], label: "unconfined", isExact: true))
    static let frame = CellFrame(.output, call: 3, [1, 2, 3])
    static let report: WallReport = {
        var report = WallReport()
        report.gaps = [.init(.cgroup, because: "there is none")]
        return report
    }()
    static let cell = CellMemory(
        number: 9, plan: CellPlan(application: "app"), report: report, lastJob: 12)
    static let call = CallMemory(
        isPermitted: true, began: .microseconds(5),
        consent: AuditCall.Consent(who: "uid 0", how: "queue"), past: [frame, frame], seen: [frame])
    static let open = ServerSession.OpenRequest(call: 4, json: [0x7B, 0x7D], batch: 2, progress: 0.5)

    static let all: [SessionRecord] = [
        .client(client), .standing(.new), .claim("My Editor"), .tools(["one", "two"]), .opened(open),
        .closed(call: 4), .batch(.init(number: 2, responses: [[1], []])), .batchIsOver(2), .isSuspect(true),
        .landed(7), .hostRequest(call: 4, number: 5),
        .command(call: 4, CommandMemory(slot: 3, number: 9, report: report)),
        .input([1, 2], isMore: true), .said([3, 4], closed: [1, 2]), .cell(cell), .cellIsGone,
        .cellInput([5], isMore: false), .cellIsBehind(true), .job(call: 4, number: 11),
        .stage(call: 4, call), .cellOutput([6]), .grant([7]), .complete,
    ]

    @Test(arguments: all) func `a record is read as it was written`(record: SessionRecord) throws {
        #expect(try SessionRecord(decoding: record.encoded) == record)
    }

    @Test(arguments: all) func `a record that is cut or longer is refused`(record: SessionRecord) {
        let bytes = record.encoded
        for count in 0..<bytes.count {
            #expect(throws: CodingFault.self) { try SessionRecord(decoding: Array(bytes[..<count])) }
        }
        #expect(throws: CodingFault.self) { try SessionRecord(decoding: bytes + [0]) }
    }

    private func memory(_ records: [SessionRecord], unsent: Int = 0) throws -> SessionMemory {
        try #require(SessionMemory([(.client(Self.client), 0)] + records.map { ($0, unsent) }))
    }

    @Test func `without a client nobody goes on`() {
        #expect(SessionMemory([]) == nil)
        #expect(SessionMemory([(.standing(.new), 0)]) == nil)
    }

    @Test func `calls are those that were opened and neither closed nor answered`() throws {
        func open(_ call: UInt64) -> SessionRecord {
            .opened(.init(call: call, json: [], batch: nil, progress: 0))
        }
        let memory = try memory([
            open(1), open(2), open(3), .closed(call: 1), .said([1], closed: [3]), .job(call: 2, number: 8),
        ])
        #expect(memory.calls.map(\.request.call) == [2])
        #expect(memory.calls.first?.job == 8)
        #expect(!memory.isComplete)
    }

    @Test func `what was read and not handled is put together`() throws {
        let memory = try memory([
            .input([1], isMore: false), .input([2], isMore: true), .cell(Self.cell),
            .cellInput([9], isMore: false), .cellInput([8], isMore: true),
        ])
        #expect(memory.input == [1, 2])
        #expect(memory.cellInput == [9, 8])
        #expect(try self.memory([.input([1], isMore: false), .input([2], isMore: false)]).input == [2])
    }

    @Test func `what was said and not sent is put together`() throws {
        #expect(try memory([.said([1, 2, 3], closed: [])], unsent: 2).output == [2, 3])
        #expect(
            try memory([.said([1, 2], closed: []), .said([3], closed: [])], unsent: 99).output == [1, 2, 3])
        #expect(try memory([.said([1, 2], closed: [])]).output == [])
    }

    @Test func `a new cell begins anew, and one that is gone is none`() throws {
        let other = CellMemory(
            number: 10, plan: CellPlan(application: "app"), report: WallReport(), lastJob: 0)
        let memory = try memory([
            .cell(Self.cell), .cellInput([1], isMore: false), .cellIsBehind(true), .cellIsGone, .cell(other),
            .job(call: 1, number: 5),
        ])
        #expect(memory.cell?.number == 10 && memory.cell?.lastJob == 5)
        #expect(memory.cellInput == [] && !memory.cellIsBehind)
        #expect(try self.memory([.cell(Self.cell), .cellIsGone]).cell == nil)
    }

    @Test func `what landed is new unless its number is on record`() throws {
        var memory = try memory([.input([1], isMore: false), .landed(4)])
        memory.add(landing: [2], 4)
        #expect(memory.input == [1])
        memory.add(landing: [2], 5)
        #expect(memory.input == [1, 2])
    }
}
