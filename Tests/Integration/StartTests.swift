import Foundation
import Glibc
import Linux
import TestSupport
import Testing

/// How the daemon comes by its socket, and what it leaves behind.
@Suite struct StartTests {
    @Test(
        "A client is served over a socket of its own making and over one that it is handed",
        arguments: RunningDaemon.Start.allCases)
    func bothWays(start: RunningDaemon.Start) throws {
        let daemon = try RunningDaemon(.cloisterd, start)
        let client = try daemon.connect()
        let answer = try client.initialize()
        #expect(answer["result"]?["serverInfo"]?["name"]?.string == "cloister")
        #expect(try client.call(1, "system_info")["result"] != nil)
    }

    // A port of the network was served as well, to a "uid 4294967295".
    @Test("Several sockets may be handed over")
    func severalSockets() throws {
        let directory = try TemporaryDirectory()
        let one = try UnixSocket.listen(at: directory.path + "/one", mode: 0o600)
        let other = try UnixSocket.listen(at: directory.path + "/other", mode: 0o600)
        let daemon = try Launch(Executable.cloisterd.path, ["--audit", directory.path + "/audit"]).activated(
            sockets: 2
        ).start(
            descriptors: [3: one.number, 4: other.number])
        for name in ["one", "other"] {
            let client = try LineClient(
                try UnixSocket.connect(to: directory.path + "/" + name, waiting: true),
                recordedAs: #function)
            try client.initialize()
        }
        withExtendedLifetime(daemon) {}
    }

    // A port of the network knows no peer's credentials; packets are no stream.
    @Test("What is not a listening Unix stream is refused, and what is missing is not taken from elsewhere")
    func unusableSockets() throws {
        let directory = try TemporaryDirectory()
        let good = try UnixSocket.listen(at: directory.path + "/good", mode: 0o600)
        let pipe = try Linux.Pipe()
        let port = try UnixSocket.listenOnNetwork()
        let packets = try UnixSocket.listenForPackets(at: directory.path + "/packets")
        for number in [pipe.reading.number, port.number, packets.number] {
            let end = try Launch(Executable.cloisterd.path).activated(sockets: 2).run(
                descriptors: [3: good.number, 4: number])
            #expect(end.status == .exited(1))
            #expect(end.errors.contains("descriptor 4, which systemd passed, is not a listening"))
        }
        let missing = try Launch(Executable.cloisterd.path).activated(sockets: 9).run(
            descriptors: [3: good.number])
        #expect(missing.status == .exited(1))
        #expect(missing.errors.contains("Bad file descriptor"))
    }

    @Test(
        "Sockets that are meant for another process are not touched",
        arguments: ["1", "999999", "0", "-1", "x", "''", "$$x"])
    func wrongProcess(pid: String) throws {
        let directory = try TemporaryDirectory()
        let socket = try UnixSocket.listen(at: directory.path + "/mcp.sock", mode: 0o600)
        let end = try Launch(Executable.cloisterd.path).activated(pid: pid).run(
            descriptors: [3: socket.number])
        #expect(end.status == .exited(1))
        #expect(end.errors.contains("no socket was passed by systemd"))
    }

    @Test("Every user may connect to its socket: who that is, the kernel says")
    func mode() throws {
        let daemon = try RunningDaemon(.cloisterd)
        let attributes = try FileManager.default.attributesOfItem(atPath: daemon.socketPath)
        #expect(attributes[.posixPermissions] as? Int == 0o666)
    }

    @Test("The umask of whoever starts it makes no difference")
    func umask() throws {
        let directory = try TemporaryDirectory()
        let daemon = try RunningProgram(
            "/bin/sh",
            [
                "-c", "umask 077; exec \"$@\"", "sh", Executable.cloisterd.path, "--standalone",
                directory.path,
            ])
        _ = try daemon.errors.wait(for: "listening on")
        let attributes = try FileManager.default.attributesOfItem(atPath: directory.path + "/mcp.sock")
        #expect(attributes[.posixPermissions] as? Int == 0o666)
    }

    @Test("When it ends, its own socket is gone", arguments: [SIGTERM, SIGINT])
    func removal(signal: CInt) throws {
        let daemon = try RunningDaemon(.cloisterd)
        let client = try daemon.connect()
        try client.initialize()
        daemon.program.kill(signal)
        #expect(try daemon.program.waitForEnd() == .exited(0))
        #expect(!FileManager.default.fileExists(atPath: daemon.socketPath))
        try client.expectEnd()
    }

    @Test("A socket that it was handed stays, and keeps who waits there for the next daemon")
    func handedSocketStays() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/mcp.sock"
        let socket = try UnixSocket.listen(at: path, mode: 0o600)
        let launch = Launch(Executable.cloisterd.path, ["--audit", "none"]).activated()
        let first = try launch.start(descriptors: [3: socket.number])
        let client = try LineClient(
            try UnixSocket.connect(to: path, waiting: true), recordedAs: #function)
        try client.initialize()
        first.kill(SIGTERM)
        #expect(try first.waitForEnd() == .exited(0))
        let waiting = try LineClient(
            try UnixSocket.connect(to: path, waiting: true), recordedAs: #function)
        try waiting.send(Lines.initialize(id: 0))
        let second = try launch.start(descriptors: [3: socket.number])
        #expect(try waiting.answer(to: 0)["result"] != nil)
        #expect(second.isRunning)
    }

    @Test("A second daemon in one directory is refused, and the first does not notice")
    func second() throws {
        let daemon = try RunningDaemon(.cloisterd)
        let client = try daemon.connect()
        try client.initialize()
        let end = try Launch(Executable.cloisterd.path, ["--standalone", daemon.directory.path]).run()
        #expect(end.status == .exited(1))
        #expect(end.errors == "cloisterd: another cloisterd serves \(daemon.directory.path) already\n")
        try client.ping(1)
        try daemon.connect().initialize()
    }

    @Test("The socket of a daemon that was killed is replaced")
    func staleSocket() throws {
        let directory = try TemporaryDirectory()
        let killed = try RunningDaemon(.cloisterd, in: directory)
        killed.program.kill(SIGKILL)
        #expect(try killed.program.waitForEnd() == .signalled(SIGKILL))
        #expect(FileManager.default.fileExists(atPath: killed.socketPath))
        #expect(throws: SystemError("connect", .connectionRefused, killed.socketPath)) {
            _ = try UnixSocket.connect(to: killed.socketPath)
        }
        try unlink(directory.path + "/notify")
        let daemon = try RunningDaemon(.cloisterd, in: directory)
        try daemon.connect().initialize()
    }

    @Test("A directory that is not there is made")
    func makesDirectory() throws {
        let directory = try TemporaryDirectory()
        let daemon = try Launch(Executable.cloisterd.path, ["--standalone=\(directory.path)/new"])
            .start()
        _ = try daemon.errors.wait(for: "listening on \(directory.path)/new/mcp.sock")
        _ = try UnixSocket.connect(to: directory.path + "/new/mcp.sock")
    }

    @Test("A socket's path may have 107 bytes, and one more is explained")
    func pathLength() throws {
        let directory = try TemporaryDirectory()
        let most =
            directory.path + "/"
            + String(repeating: "d", count: 107 - "/control.sock".count - directory.path.count - 1)
        let daemon = try Launch(Executable.cloisterd.path, ["--standalone", most]).start()
        _ = try daemon.errors.wait(for: "listening on")
        _ = try UnixSocket.connect(to: most + "/mcp.sock")

        let end = try Launch(Executable.cloisterd.path, ["--standalone", most + "d"]).run()
        #expect(end.status == .exited(1))
        #expect(end.errors.contains("is longer than a socket's path may be (107 bytes)"))
        #expect(end.errors.contains("choose a directory with a shorter name"))
    }

    struct Obstacle: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let directory: String
        let complaint: String
    }

    static let obstacles = [
        Obstacle(
            testDescription: "no parent", directory: "/no/such",
            complaint: "mkdirat DIR/no/such: No such file or directory"),
        Obstacle(
            testDescription: "a file", directory: "/file", complaint: "open DIR/file: Not a directory"),
        Obstacle(
            testDescription: "a lock that is a link", directory: "/linked",
            complaint: "open DIR/linked/lock: Too many levels of symbolic links"),
    ]

    @Test("A directory that cannot be used is named with the reason", arguments: obstacles)
    func obstacle(_ obstacle: Obstacle) throws {
        let directory = try TemporaryDirectory()
        try writeFile(directory.path + "/file", [])
        try FileManager.default.createDirectory(
            atPath: directory.path + "/linked", withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(
            atPath: directory.path + "/linked/lock", withDestinationPath: "/dev/null")
        let place = directory.path + obstacle.directory
        let end = try Launch(Executable.cloisterd.path, ["--standalone", place]).run()
        #expect(end.status == .exited(1))
        let complaint = obstacle.complaint.replacing("DIR", with: directory.path)
        #expect(end.errors == "cloisterd: cannot use \(place): \(complaint)\n")
    }
}

private func unlink(_ path: String) throws { try File.remove(path) }
