import Linux
import TestSupport
import Testing

/// How the bridge ends, and what it says then.
@Suite struct BridgeEndTests {
    @Test("When the application has finished, its answers still come, and the status is 0")
    func applicationFinishes() throws {
        let bridge = try RunningBridge()
        try bridge.application.writer.write("question")
        bridge.application.writer.finish()
        #expect(try bridge.server.reader.readToEnd() == Array("question".utf8))
        try bridge.server.writer.write("answer")
        #expect(try bridge.application.reader.read(6) == Array("answer".utf8))
        bridge.server.writer.finish()
        #expect(try bridge.application.reader.readToEnd().isEmpty)
        #expect(try bridge.program.waitForEnd() == .exited(0))
        #expect(bridge.program.said == "")
    }

    @Test(
        "When the server has finished, the application may still speak",
        arguments: RunningBridge.Plumbing.allCases)
    func serverFinishes(plumbing: RunningBridge.Plumbing) throws {
        let bridge = try RunningBridge(input: plumbing, output: plumbing)
        try bridge.server.writer.write("last words")
        bridge.server.writer.finish()
        #expect(try bridge.application.reader.readToEnd() == Array("last words".utf8))
        try bridge.application.writer.write("still here")
        #expect(try bridge.server.reader.read(10) == Array("still here".utf8))
        bridge.application.writer.finish()
        #expect(try bridge.server.reader.readToEnd().isEmpty)
        #expect(try bridge.program.waitForEnd() == .exited(0))
    }

    @Test("When the daemon goes away, the bridge says so and fails")
    func daemonGoes() throws {
        let bridge = try RunningBridge()
        try bridge.server.writer.write("last words")
        bridge.server.hangUp()
        #expect(try bridge.application.reader.readToEnd() == Array("last words".utf8))
        #expect(try bridge.program.waitForEnd() == .exited(1))
        #expect(bridge.program.said.contains("cloisterd closed the connection"))
    }

    @Test("A daemon that goes away with a question unread is no different")
    func daemonGoesInTheMiddle() throws {
        let bridge = try RunningBridge()
        try bridge.server.writer.write("last words")
        try bridge.application.writer.write("a question")
        try bridge.server.reader.waitForBytes()
        bridge.server.hangUp()
        #expect(try bridge.application.reader.readToEnd() == Array("last words".utf8))
        #expect(try bridge.program.waitForEnd() == .exited(1))
        #expect(bridge.program.said.contains("cloisterd closed the connection"))
    }

    // The bridge gave up what it held for a slow reader as soon as it could not pass on the next question.
    @Test("What the daemon said before it went arrives, however slow its reader is")
    func everythingBeforeTheEnd() throws {
        let bridge = try RunningBridge()
        let said = try bridge.server.writer.writeSome(
            [UInt8](repeating: 7, count: 8 << 20), within: .milliseconds(200))
        bridge.server.hangUp()
        try bridge.application.writer.write("a question too late")
        // It cannot be passed on, and the bridge knows as soon as it has read it.
        try Deadline().wait(for: "the question to be read") { bridge.hasReadItsInput }
        #expect(try bridge.application.reader.readToEnd().count == said)
        #expect(try bridge.program.waitForEnd() == .exited(1))
    }

    // poll(2) reports a hang-up whether it is asked for or not, so the bridge spun until its reader came.
    @Test("Waiting for a slow reader after the daemon went costs nothing")
    func idleAfterTheEnd() throws {
        let bridge = try RunningBridge()
        let said = try bridge.server.writer.writeSome(
            [UInt8](repeating: 7, count: 8 << 20), within: .milliseconds(200))
        bridge.server.hangUp()
        let before = try bridge.program.processorTime()
        letTimePass(.milliseconds(500))
        #expect(try bridge.program.processorTime() - before < .milliseconds(100))
        #expect(try bridge.application.reader.readToEnd().count == said)
        #expect(try bridge.program.waitForEnd() == .exited(1))
    }

    @Test("When nobody reads its output any more, it ends", arguments: RunningBridge.Plumbing.allCases)
    func readerGoes(plumbing: RunningBridge.Plumbing) throws {
        let bridge = try RunningBridge(input: plumbing, output: plumbing)
        bridge.application.reader.close()
        #expect(try bridge.server.reader.readToEnd().isEmpty)
        #expect(try bridge.program.waitForEnd() == .exited(0))
    }

    // An application that closes a socket with answers unread resets it, which reading then reports.
    @Test("An application that leaves without reading its answers has finished, and nothing else")
    func applicationLeaves() throws {
        let pair = try SocketPair()
        let bridge = try RunningBridge(descriptors: [0: pair.programsNumber, 1: pair.programsNumber])
        try bridge.server.writer.write("unread")
        try pair.ours.reader.waitForBytes()
        pair.ours.hangUp()
        #expect(try bridge.program.waitForEnd() == .exited(0))
        #expect(bridge.program.said == "")
    }

    @Test("It ends with its parent, even if its standard input stays open elsewhere")
    func parentEnds() throws {
        let bridge = try RunningBridge(wrappedBy: \.runByShell)
        try bridge.application.writer.write("x")
        #expect(try bridge.server.reader.read(1) == Array("x".utf8))
        bridge.program.kill(9)
        #expect(try bridge.server.reader.readToEnd().isEmpty)
        #expect(try bridge.application.reader.readToEnd().isEmpty)
        // And while its parent is there and all is silent, it stays.
        let other = try RunningBridge(wrappedBy: \.runByShell)
        #expect(throws: TestFault.self) {
            try other.server.reader.readToEnd(within: .milliseconds(100))
        }
        other.application.writer.finish()
        other.server.writer.finish()
        #expect(try other.program.waitForEnd() == .exited(7))
    }
}
