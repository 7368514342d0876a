import TestSupport
import Testing

@testable import Cells

/// Every message of the two protocols and of a cell's birth, as bytes, and what decoding those gives again.
@Suite struct ProtocolTests {
    struct Message: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bytes: [UInt8]
        /// Decodes, and encodes again.
        let again: @Sendable ([UInt8]) throws -> [UInt8]
    }

    static let report: WallReport = {
        var report = WallReport()
        report.landlockABI = 7
        report.gaps = [.init(.cgroup, because: "no memory"), .init(.workspace, because: "")]
        return report
    }()

    static let order: CellOrder = {
        var order = CellOrder(CellPlanTests.full)
        order.workspacePath = "/var/lib/é"
        (order.hasGroup, order.hasWorkspaceMount) = (true, true)
        order.report = report
        return order
    }()

    static let owner = CellOwner(
        uid: 1000, gid: 1001, dropsGroups: true, foreignNamespaces: [1, 1 << 40], programFilter: [1, 2],
        initFilter: [3])

    static let command = HostCommand(
        ["/usr/bin/systemctl", "status", "é", ""], environment: ["A=b", "C="], directory: "/srv",
        hasInput: true,
        timeoutMilliseconds: 5, mostOutput: 6, limits: CellPlanTests.full.limits, mayLack: .all)

    static let commandOrder: HostOrder = {
        var order = HostOrder(command, uid: 1000, gid: 0, groups: [4, 27], changesUser: true)
        (order.isDirectoryUsual, order.hasGroup, order.report) = (true, true, report)
        return order
    }()

    static let end: ProgramEnd = {
        var end = ProgramEnd(.signalled(9))
        (end.timedOut, end.ranOutOfMemory) = (true, false)
        (end.cpuMicroseconds, end.wallMicroseconds, end.peakMemoryBytes) = (1, 1 << 40, 3)
        (end.outputBytes, end.errorBytes, end.outputFile, end.errorFile) = (4, 5, "/workspace/o", "")
        return end
    }()

    static let status = ProcessStatus(
        process: 3, pid: 44, command: "python3 -m http.server", runningMicroseconds: 12, end: end)

    static let program = ProgramStart(
        arguments: ["sh", "-c", "écho"], environment: ["A=b", "C="], directory: "/tmp")

    static let requests: [ProgramRequest] = {
        var run = RunProgram(program)
        (run.input, run.timeoutMilliseconds, run.mostOutput) = ([0, 255], 5, 6)
        return [
            .run(run), .start(program), .output(process: 1, standardErrorToo: true, from: 1 << 33, most: 9),
            .input(process: 2, [1], closes: true), .stop(process: 3, signal: 15, graceMilliseconds: 7), .list,
        ]
    }()

    static let results: [ProgramResult] = [
        .ended(end), .ended(ProgramEnd(.exited(3))), .status(status),
        .output(ProcessOutput(from: 5, bytes: [1, 2], status: status)), .accepted(9),
        .processes([status, ProcessStatus(process: 1, pid: 2, command: "", runningMicroseconds: 0, end: nil)]
        ),
    ]

    static let messages: [Message] =
        [
            CelldRequest.build(cell: 7, CellPlanTests.full), .end(cell: .max), .identify(client: 8),
            .run(command: 9, command),
            .run(command: 10, HostCommand(["/bin/true"], isAsRoot: true)),
        ].map { message in
            Message(testDescription: "\(message)", bytes: message.encoded) {
                try CelldRequest(decoding: $0).encoded
            }
        }
        + [
            CelldReply.built(cell: 1, report), .built(cell: 2, WallReport()), .gone(cell: 3),
            .refused(cell: 4, CellRefusal(.netns, because: "clone3: é")),
            .refused(cell: 5, CellRefusal("too many", remedy: "fewer")),
            .identified(client: 6, ClientIdentity()),
            .identified(
                client: 7,
                ClientIdentity(
                    executable: "/usr/bin/é", parentExecutable: "/bin/sh", controlGroup: "/user.slice")),
        ].map { message in
            Message(testDescription: "\(message)", bytes: message.encoded) {
                try CelldReply(decoding: $0).encoded
            }
        }
        + [
            CellAnswer.ready(report), .refused(CellRefusal(.seccomp, because: "x")),
        ].map { message in
            Message(testDescription: "\(message)", bytes: message.encoded) {
                try CellAnswer(decoding: $0).encoded
            }
        }
        + [order].map { message in
            Message(testDescription: "order", bytes: message.encoded) { try CellOrder(decoding: $0).encoded }
        }
        + [owner].map { message in
            Message(testDescription: "owner", bytes: message.encoded) { try CellOwner(decoding: $0).encoded }
        }
        + [commandOrder].map { message in
            Message(testDescription: "a command's order", bytes: message.encoded) {
                try HostOrder(decoding: $0).encoded
            }
        }
        + requests.map { message in
            Message(testDescription: "\(message)", bytes: message.encoded) {
                try ProgramRequest(decoding: $0[...]).encoded
            }
        }
        + results.map { message in
            Message(testDescription: "\(message)", bytes: message.encoded) {
                try ProgramResult(decoding: $0[...]).encoded
            }
        }

    @Test("A message comes back as it went", arguments: messages)
    func roundTrip(message: Message) throws {
        #expect(try message.again(message.bytes) == message.bytes)
    }

    @Test("Values come back, not only bytes")
    func values() throws {
        #expect(try CellOwner(decoding: Self.owner.encoded) == Self.owner)
        #expect(try CellOrder(decoding: Self.order.encoded) == Self.order)
        #expect(try CellAnswer(decoding: CellAnswer.ready(Self.report).encoded) == .ready(Self.report))
        for request in Self.requests {
            #expect(try ProgramRequest(decoding: request.encoded[...]) == request)
        }
        for result in Self.results { #expect(try ProgramResult(decoding: result.encoded[...]) == result) }
        let plan = CelldRequest.build(cell: 7, CellPlanTests.full)
        #expect(try CelldRequest(decoding: plan.encoded) == plan)
        let run = CelldRequest.run(command: 9, Self.command)
        #expect(try CelldRequest(decoding: run.encoded) == run)
        #expect(try HostOrder(decoding: Self.commandOrder.encoded) == Self.commandOrder)
    }

    @Test("A message cut anywhere is refused, and so is one with a byte more", arguments: messages)
    func cut(message: Message) {
        for length in message.bytes.indices {
            #expect(throws: CodingFault.self) { try message.again(Array(message.bytes[..<length])) }
        }
        #expect(throws: CodingFault.self) { try message.again(message.bytes + [0]) }
    }

    @Test(
        "Changed bytes give a message or a fault, and a message says what the bytes say", arguments: messages)
    func mutated(message: Message) {
        var random = SeededGenerator(seed: message.bytes.count)
        for _ in 0..<2000 {
            var bytes = message.bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(
                    in: .min ... .max, using: &random)
            }
            if let again = try? message.again(bytes) { #expect(again == bytes) }
        }
    }

    @Test("No cell is root's", arguments: [0, UInt32.max])
    func root(id: UInt32) {
        for (uid, gid) in [(id, UInt32(1000)), (1000, id)] {
            let owner = CellOwner(uid: uid, gid: gid, dropsGroups: true)
            #expect(throws: CodingFault.self) { try CellOwner(decoding: owner.encoded) }
        }
    }

    @Test(
        "A command that could mean another one, or bring root something, is none",
        arguments: [
            ("arguments", HostCommand([])), ("arguments", HostCommand([""])),
            ("arguments", HostCommand(["ls"])),
            ("arguments", HostCommand(["./ls"])), ("arguments", HostCommand(["/usr/bin/../ls"])),
            ("arguments", HostCommand(["//bin/ls"])), ("arguments", HostCommand(["/proc/self/exe"])),
            ("arguments", HostCommand(["/bin/ls", "a\0b"])),
            ("environment", HostCommand(["/bin/ls"], environment: ["A"])),
            ("environment", HostCommand(["/bin/ls"], environment: ["=a"])),
            ("environment", HostCommand(["/bin/ls"], environment: ["A=b"], isAsRoot: true)),
            ("directory", HostCommand(["/bin/ls"], directory: "tmp")),
            ("directory", HostCommand(["/bin/ls"], directory: "/tmp", isAsRoot: true)),
            ("mostOutput", HostCommand(["/bin/ls"], mostOutput: 17 << 20)),
            ("arguments", HostCommand(["/bin/ls"] + Array(repeating: "xxxxxxx", count: 8192))),
        ])
    func commands(field: String, command: HostCommand) {
        #expect {
            try CelldRequest(decoding: CelldRequest.run(command: 1, command).encoded)
        } throws: { ($0 as? CodingFault)?.field == field }
    }

    @Test("An order makes nobody root who is not to change into root")
    func rootsOrder() throws {
        var order = HostOrder(Self.command, uid: 0, gid: 0, groups: [0], changesUser: true)
        #expect(try HostOrder(decoding: order.encoded).isRoot)
        order.changesUser = false
        #expect(throws: CodingFault.self) { try HostOrder(decoding: order.encoded) }
        for id in [\HostOrder.uid, \.gid] {
            var order = Self.commandOrder
            order[keyPath: id] = .max
            #expect(throws: CodingFault.self) { try HostOrder(decoding: order.encoded) }
        }
    }

    @Test("The largest order fits into a message")
    func largestOrder() {
        let text = String(repeating: "x", count: HostCommand.mostBytes - 10)
        var order = HostOrder(
            HostCommand(["/bin/ls", text]), uid: 1, gid: 1,
            groups: Array(repeating: 7, count: HostOrder.mostGroups), changesUser: true)
        order.environment = Array(repeating: "A=" + String(repeating: "y", count: 998), count: 10)
        #expect(order.encoded.count < longestCelldMessage)
    }

    @Test("More arguments than fit are refused with the number")
    func arguments() {
        let big = ProgramStart(
            arguments: ["a"] + Array(repeating: String(repeating: "x", count: 9999), count: 20))
        #expect {
            try ProgramRequest(decoding: ProgramRequest.start(big).encoded[...])
        } throws: { "\($0)".contains("200002 bytes are more than \(ProgramStart.mostBytes)") }
        let none = ProgramStart(arguments: [])
        #expect(throws: CodingFault.self) {
            try ProgramRequest(decoding: ProgramRequest.start(none).encoded[...])
        }
    }

    @Test("A refusal names the wall, the reason and the remedy, however long the reason is")
    func refusals() throws {
        let refusal = CellRefusal(.timens, because: "unshare: " + String(repeating: "é", count: 4000))
        let reply = CelldReply.refused(cell: 1, refusal)
        guard case .refused(1, let back) = try CelldReply(decoding: reply.encoded) else {
            Issue.record("not a refusal")
            return
        }
        #expect(back.wall == .timens && back.remedy == Wall.timens.remedy)
        #expect(back.reason.hasPrefix("unshare: éé") && back.reason.utf8.count <= 1024)
        #expect("\(back)".hasPrefix("no cell without its wall timens"))
    }
}

@Suite struct CellFrameTests {
    private static let frames = [
        CellFrame(.cancel, call: 1), CellFrame(.output, call: .max, [1, 2, 3]),
        CellFrame(.failure, call: 0, Array(repeating: 9, count: 70_000)),
    ]

    @Test("Frames come out whole, however the stream is cut", arguments: [1, 2, 8, 9, 10, 65_536, 1 << 20])
    func cut(piece: Int) throws {
        var reader = CellFrameReader()
        var found: [CellFrame] = []
        var rest = Self.frames.flatMap(\.encoded)[...]
        while !rest.isEmpty {
            let next = Array(rest.prefix(piece))
            rest = rest.dropFirst(piece)
            reader.append(next.span)
            while let frame = try reader.next() { found.append(frame) }
        }
        #expect(found == Self.frames)
    }

    @Test("A frame is the same bytes behind others, and what came before a fault comes out before it")
    func behindOthers() throws {
        var bytes: [UInt8] = []
        for frame in Self.frames {
            CellFrame.append(frame.kind, call: frame.call, to: &bytes) { $0.raw(frame.payload) }
        }
        #expect(bytes == Self.frames.flatMap(\.encoded))
        var reader = CellFrameReader()
        reader.append((bytes + [4, 0, 0, 0, 0, 0, 0, 0, 1]).span)
        for frame in Self.frames { #expect(try reader.next() == frame) }
        #expect(throws: CodingFault.self) { try reader.next() }
        reader.append(bytes.span)
        #expect(throws: CodingFault.self) { try reader.next() }
    }

    @Test(
        "A length that cannot be and a kind that is none are faults at once",
        arguments: [
            [UInt8](arrayLiteral: 4, 0, 0, 0, 0, 0, 0, 0, 1), [255, 255, 255, 255, 0, 0, 0, 0, 1],
            [5, 0, 0, 0, 0, 0, 0, 0, 0], [5, 0, 0, 0, 0, 0, 0, 0, 16],
        ])
    func faults(bytes: [UInt8]) {
        var reader = CellFrameReader()
        reader.append(bytes.span)
        #expect(throws: CodingFault.self) { try reader.next() }
    }
}
