import JSON
import Linux
import TestSupport
import Testing

/// `--client NAME`: what the application is called, as its bridge tells the daemon.
@Suite struct BridgeClaimTests {
    static let names = [
        "x", "Claude Desktop", "with \"quotes\" and \\", "ünï · 名前 🦀", "--help", "{}",
        String(repeating: "x", count: 128), String(repeating: "é", count: 64),
    ]

    @Test(
        "The claim is one line before the application's first byte, and there is one only",
        arguments: names)
    func claim(name: String) throws {
        let bridge = try RunningBridge(["--client", name])
        try bridge.application.writer.write("first bytes\nsecond\n")
        let line = try #require(try bridge.server.reader.readLine())
        let claim = try JSONDocument(line).root
        #expect(claim["jsonrpc"]?.string == "2.0")
        #expect(claim["method"]?.string == "notifications/cloister/client")
        #expect(claim["id"] == nil)
        #expect(claim["params"]?["name"]?.string == name)
        bridge.application.writer.finish()
        #expect(try bridge.server.reader.readToEnd() == Array("first bytes\nsecond\n".utf8))
    }

    @Test("It is made even by an application that says nothing")
    func silence() throws {
        let bridge = try RunningBridge(["--client=x"])
        #expect(try bridge.server.reader.readLine() != nil)
    }

    @Test("Without a name there is no claim")
    func anonymous() throws {
        let bridge = try RunningBridge()
        try bridge.application.writer.write("first bytes\n")
        #expect(try bridge.server.reader.readLine() == Array("first bytes".utf8))
    }

    @Test("The daemon's log shows it with who the kernel says it is")
    func log() throws {
        let daemon = try RunningDaemon(options: ["--verbose"])
        let input = try Linux.Pipe()
        let bridge = try Launch(
            Executable.bridge.path, ["--socket", daemon.socketPath, "--client", "Claude Desktop"]
        ).start(descriptors: [0: input.reading.number])
        try daemon.log(
            saying: "session 1 (uid \(Process.userID), pid \(bridge.pid)) says it is Claude Desktop\n")
    }

    static let hostileNames = [
        #"a\ncloisterd: session 9 (uid 0, pid 1) opened"#, #"a\r\nb"#, #"a\rb"#, #"a\u000bb\u000cc"#,
        #"a\u0085b\u2028c\u2029d"#,
    ]

    @Test("Whatever a claim holds, it stays on one line of the log", arguments: hostileNames)
    func hostile(name: String) throws {
        let daemon = try RunningDaemon(options: ["--verbose"])
        let client = try daemon.connect()
        try client.send(
            #"{"jsonrpc":"2.0","method":"notifications/cloister/client","params":{"name":"\#(name)"}}"#)
        try client.initialize()
        let log = try daemon.log(saying: "says it is ")
        // celld, which is started for the first client, shares the log.
        let lines = log.split(separator: "\n").filter { !$0.hasPrefix("cloister-celld: ") }
        #expect(lines.allSatisfy { $0.hasPrefix("cloisterd: ") })
        #expect(lines.count { $0.contains("opened") && !$0.contains("says it is") } == 1)
        #expect(lines.last?.contains("says it is a") == true)
    }

    // The journal ends a line at NUL too, and reads a severity from the line's beginning; a terminal obeys ESC.
    @Test(
        "No control character of a claim reaches the log",
        arguments: [#"a\u0000<3>b"#, #"a\u001b[31mb"#, #"a\u009b2Jb"#, #"a\u007fb"#])
    func controlCharacters(name: String) throws {
        let daemon = try RunningDaemon(options: ["--verbose"])
        let client = try daemon.connect()
        try client.send(
            #"{"jsonrpc":"2.0","method":"notifications/cloister/client","params":{"name":"\#(name)"}}"#)
        try client.initialize()
        let log = try daemon.log(saying: "says it is a")
        #expect(
            log.unicodeScalars.allSatisfy {
                $0 == "\n" || $0.properties.generalCategory != .control
            })
    }

    @Test("Only the first message can be a claim, and only one of 128 bytes")
    func laterClaims() throws {
        let daemon = try RunningDaemon(options: ["--verbose"])
        let long = try daemon.connect()
        try long.send(
            """
            {"jsonrpc":"2.0","method":"notifications/cloister/client",\
            "params":{"name":"\(String(repeating: "x", count: 129))"}}
            """)
        let late = try daemon.connect()
        try late.initialize()
        try late.send(
            #"{"jsonrpc":"2.0","method":"notifications/cloister/client","params":{"name":"late"}}"#)
        for client in [long, late] { try client.ping(1) }
        daemon.terminate()
        #expect(try daemon.program.waitForEnd() == .exited(0))
        let log = daemon.program.said
        #expect(log.contains("session 2 "))
        #expect(!log.contains("says it is"))
    }
}
