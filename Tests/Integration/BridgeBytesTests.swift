import Glibc
import Linux
import TestSupport
import Testing

/// What goes in comes out, in both directions, whatever the plumbing and whoever is slow.
@Suite struct BridgeBytesTests {
    static let sizes = [
        0, 1, 4095, 4096, 4097, 65_535, 65_536, 65_537, 1 << 20, 20 << 20,
    ]

    @Test(
        "Every byte arrives unchanged, both ways, through pipes and through sockets",
        arguments: sizes, RunningBridge.Plumbing.allCases)
    func bytes(count: Int, plumbing: RunningBridge.Plumbing) throws {
        let bridge = try RunningBridge(input: plumbing, output: plumbing)
        let (up, down) = (randomBytes(count), randomBytes(count))
        let application = Beside {
            try bridge.application.writer.write(up)
            bridge.application.writer.finish()
        }
        let server = Beside { try bridge.server.writer.write(down) }
        let arrivedBelow = Beside { try bridge.application.reader.read(count) }
        #expect(areEqual(try bridge.server.reader.readToEnd(), up))
        #expect(areEqual(try arrivedBelow.value(), down))
        try application.value()
        try server.value()
        bridge.server.writer.finish()
        #expect(try bridge.application.reader.readToEnd().isEmpty)
        #expect(try bridge.program.waitForEnd() == .exited(0))
    }

    @Test("A regular file is read to its end, and answers are appended to another")
    func files() throws {
        let directory = try TemporaryDirectory()
        let (up, down) = (randomBytes(300_001), randomBytes(200_003))
        let existing = Array("what was there before\n".utf8)
        let (inputPath, outputPath) = (directory.path + "/in", directory.path + "/out")
        try writeFile(inputPath, up)
        try writeFile(outputPath, existing)
        let input = try File.open(inputPath)
        let output = try openForAppending(outputPath)
        let bridge = try RunningBridge(descriptors: [0: input.number, 1: output.number])
        #expect(areEqual(try bridge.server.reader.readToEnd(), up))
        try bridge.server.writer.write(down)
        bridge.server.writer.finish()
        #expect(try bridge.program.waitForEnd() == .exited(0))
        #expect(areEqual(try File.read(outputPath), existing + down))
    }

    @Test("One socket may be standard input and output at once")
    func oneSocket() throws {
        let pair = try SocketPair()
        let bridge = try RunningBridge(descriptors: [0: pair.programsNumber, 1: pair.programsNumber])
        try pair.ours.writer.write("up")
        #expect(try bridge.server.reader.read(2) == Array("up".utf8))
        try bridge.server.writer.write("down")
        #expect(try pair.ours.reader.read(4) == Array("down".utf8))
    }

    @Test("A byte without a newline is passed on at once, up and down")
    func latency() throws {
        let bridge = try RunningBridge()
        try bridge.application.writer.write("x")
        #expect(try bridge.server.reader.read(1) == Array("x".utf8))
        try bridge.server.writer.write("y")
        #expect(try bridge.application.reader.read(1) == Array("y".utf8))
    }

    @Test(
        "A server that writes a lot before it reads stops nobody",
        arguments: RunningBridge.Plumbing.allCases
    )
    func busyServer(plumbing: RunningBridge.Plumbing) throws {
        let bridge = try RunningBridge(input: plumbing, output: plumbing)
        let (up, down) = (randomBytes(4 << 20), randomBytes(4 << 20))
        let writing = Beside { try bridge.application.writer.write(up) }
        let arrived = Beside { try bridge.application.reader.read(down.count) }
        // What goes up is stuck until all that goes down is through.
        try bridge.server.writer.write(down)
        #expect(areEqual(try arrived.value(), down))
        #expect(areEqual(try bridge.server.reader.read(up.count), up))
        try writing.value()
    }

    @Test(
        "An application that writes a lot before it reads stops nobody",
        arguments: RunningBridge.Plumbing.allCases)
    func busyApplication(plumbing: RunningBridge.Plumbing) throws {
        let bridge = try RunningBridge(input: plumbing, output: plumbing)
        let (up, down) = (randomBytes(4 << 20), randomBytes(4 << 20))
        let writing = Beside { try bridge.server.writer.write(down) }
        let arrived = Beside { try bridge.server.reader.read(up.count) }
        try bridge.application.writer.write(up)
        #expect(areEqual(try arrived.value(), up))
        #expect(areEqual(try bridge.application.reader.read(down.count), down))
        try writing.value()
    }

    // A pipe of another user cannot be opened anew. The bridge then wrote to a pipe that blocks, more than it
    // had room for, and took nothing more from the application that was to make the room.
    @Test("It is no different in a pipe that belongs to another user")
    func pipeOfAnotherUser() throws {
        try Requirement.root()
        let copies = try TemporaryDirectory()
        let nobody: uid_t = 65_534
        try copies.giveAway(to: nobody)
        let program = try copies.copy(of: .bridge)
        let bridge = try RunningBridge(program: program, asUser: nobody)
        let (up, down) = (randomBytes(1 << 20), randomBytes(1 << 20))
        // A little first, so that the pipe has room for a part of the rest.
        try bridge.server.writer.write(Array(down.prefix(1)))
        try bridge.application.reader.waitForBytes()
        let writing = Beside { try bridge.server.writer.write(Array(down.dropFirst())) }
        let arrived = Beside { try bridge.server.reader.read(up.count) }
        try bridge.application.writer.write(up)
        #expect(areEqual(try arrived.value(), up))
        #expect(areEqual(try bridge.application.reader.read(down.count), down))
        try writing.value()
    }

    @Test("The slowness of one side reaches the other: the bridge stores no more than its buffers")
    func backPressure() throws {
        let bridge = try RunningBridge()
        let much = [UInt8](repeating: 7, count: 8 << 20)
        // Nobody reads at the other end: it takes what pipe, buffer and socket hold, and no more.
        let up = try bridge.application.writer.writeSome(much, within: .milliseconds(200))
        let down = try bridge.server.writer.writeSome(much, within: .milliseconds(200))
        #expect(up < 2 << 20)
        #expect(down < 2 << 20)
        #expect(try bridge.program.peakMemory() < 64 << 20)
        #expect(try bridge.server.reader.read(up).count == up)
        #expect(try bridge.application.reader.read(down).count == down)
    }

    @Test(
        "The open files that it shares with others keep their mode", arguments: [false, true],
        RunningBridge.Plumbing.allCases)
    func modes(areBlocking: Bool, plumbing: RunningBridge.Plumbing) throws {
        let input = try RunningBridge.ends(plumbing)
        let output = try RunningBridge.ends(plumbing)
        try input.reading.setBlocking(areBlocking)
        try output.writing.setBlocking(areBlocking)
        let bridge = try RunningBridge(
            descriptors: [0: input.reading.number, 1: output.writing.number])
        let (writer, reader) = (
            ByteWriter(try input.writing.duplicate()), ByteReader(try output.reading.duplicate())
        )
        try writer.write("up")
        #expect(try bridge.server.reader.read(2) == Array("up".utf8))
        // More than the way down holds: the bridge meets "not now".
        let down = randomBytes(1 << 20)
        let writing = Beside { try bridge.server.writer.write(down) }
        try Deadline().wait(for: "a full way down") { try !reader.peek().isEmpty }
        #expect(areEqual(try reader.read(down.count), down))
        try writing.value()
        #expect(isBlocking(input.reading) == areBlocking)
        #expect(isBlocking(output.writing) == areBlocking)
        bridge.server.writer.finish()
        bridge.program.kill(9)
    }
}
