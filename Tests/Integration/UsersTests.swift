import Glibc
import JSON
import Linux
import TestSupport
import Testing

/// Who is served: everybody, or whom a daemon without privileges can act for.
@Suite struct UsersTests {
    /// Neither has a name on most machines; they own nothing.
    static let (one, another): (uid_t, uid_t) = (64_001, 64_002)

    /// What a user hears who connects and asks for a session.
    private struct Greeting {
        let answer: JSONValue
        let bridge: RunningProgram
        let application: LineClient
    }

    private func greeting(
        of user: uid_t, to daemon: RunningDaemon, recordedAs name: String? = #function
    ) throws
        -> Greeting
    {
        let programs = try TemporaryDirectory()
        try programs.giveAway(to: user)
        let input = try Linux.Pipe()
        let output = try Linux.Pipe()
        let bridge = try Launch(try programs.copy(of: .bridge), ["--socket", daemon.socketPath])
            .asUser(user)
            .start(descriptors: [0: input.reading.number, 1: output.writing.number])
        let application = LineClient(
            reading: try output.reading.duplicate(), writing: try input.writing.duplicate(),
            recordedAs: name)
        try application.send(Lines.initialize(id: 0))
        return Greeting(answer: try application.receive(), bridge: bridge, application: application)
    }

    @Test(
        "A daemon of an ordinary user serves that user and root, and refuses all others with a reason")
    func ordinaryUser() throws {
        try Requirement.root()
        let directory = try TemporaryDirectory()
        try directory.giveAway(to: Self.one)
        let program = try directory.copy(of: .cloisterd)
        let daemon = try RunningDaemon(in: directory, program: program, asUser: Self.one)
        // The socket itself lets everybody in, so it is the daemon that refuses.
        try directory.open()

        let own = try greeting(of: Self.one, to: daemon)
        #expect(own.answer["result"]?["serverInfo"] != nil)
        try daemon.connect().initialize()

        let other = try greeting(of: Self.another, to: daemon, recordedAs: nil)
        #expect(other.answer["result"] == nil)
        #expect(other.answer.errorCode == -32603)
        #expect(
            other.answer.errorMessage == "this cloisterd runs as uid \(Self.one) and serves nobody else"
        )
        try other.application.expectEnd()
        #expect(try other.bridge.waitForEnd() == .exited(1))
        try daemon.log(
            saying: "a connection of uid \(Self.another) was refused: this cloisterd runs as uid")
        // The refused one left no trace.
        try daemon.connect().initialize()
    }

    @Test(
        "A daemon of root serves everybody, and knows who they are",
        arguments: RunningDaemon.Start.allCases)
    func root(start: RunningDaemon.Start) throws {
        try Requirement.root()
        let daemon = try RunningDaemon(.cloisterd, start, options: ["--verbose"])
        try daemon.directory.open()
        for user in [Self.one, Self.another] {
            let greeting = try greeting(of: user, to: daemon)
            #expect(greeting.answer["result"]?["serverInfo"] != nil)
            try daemon.log(saying: "(uid \(user), pid \(greeting.bridge.pid)")
        }
    }

    @Test("Two users cannot share a directory: the lock of one is not the other's to take")
    func lockOfAnotherUser() throws {
        try Requirement.root()
        let daemon = try RunningDaemon(.cloisterd)
        try daemon.directory.open()
        let programs = try TemporaryDirectory()
        try programs.giveAway(to: Self.one)
        let end = try Launch(
            try programs.copy(of: .cloisterd), ["--standalone", daemon.directory.path]
        )
        .asUser(Self.one).run()
        #expect(end.status == .exited(1))
        #expect(
            end.errors == "cloisterd: cannot use \(daemon.directory.path): "
                + "open \(daemon.directory.path)/lock: Permission denied\n")
        try daemon.connect().initialize()
    }
}
