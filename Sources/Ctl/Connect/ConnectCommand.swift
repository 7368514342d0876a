import Applications
import Audit
import Linux

/// `cloisterctl connect`: the bridge in the lists of MCP servers that AI applications of this user have.
enum ConnectCommand {
    static let command = Command(
        "connect", operands: "APP…", "Put Cloister into the lists of MCP servers that AI applications have",
        details: """
            Without APP it lists the applications that are known. Only our entry is written; everything else in a file
            stays as it is, and the earlier file is kept beside it, as FILE.cloister-backup. With --root the
            applications get the standalone daemon of that directory.
            """,
        options: [
            .init("--list", "list the applications that are known, and change nothing"),
            .init("--all", "all applications that are found on this machine"),
            .init("--dry-run", "say what would change, as a diff, and write nothing"),
            .init("--undo", "take our entry out again"),
            .init("--name", value: "NAME", "what the server is called there (default cloister)"),
            .init("--config", value: "FILE", "the application's file, where it is not the usual one"),
            .init("--client", value: "NAME", "what the application calls itself (default APP)"),
            .init("--bridge", value: "FILE", "the bridge, where it is not the installed one"),
        ],
        run: run)

    private static func run(_ invocation: Invocation) throws(CtlFault) {
        let places = try UserPlaces()
        let name = try name(invocation)
        if invocation.isGiven("--list") || (invocation.operands.isEmpty && !invocation.isGiven("--all")) {
            return try ConnectionList(places: places, name: name).show(invocation)
        }
        let applications = try applications(invocation, places)
        let config = try invocation.value("--config").map(absolute)
        guard config == nil || applications.count == 1 else { throw .usage("--config is for one APP alone") }
        let root = try invocation.places.root.map(absolute)
        var acts: [ConnectionAct] = []
        var server = ServerEntry(command: "", arguments: [])
        for application in applications {
            server = try self.server(invocation, application, root)
            let connector = Connector(
                server: server, name: name, isDry: invocation.isGiven("--dry-run"), places: places)
            acts.append(
                invocation.isGiven("--undo")
                    ? connector.disconnect(application, in: config)
                    : connector.connect(application, in: config))
        }
        let isUndone = invocation.isGiven("--undo") || acts.allSatisfy { $0.outcome == .failed }
        let warnings =
            isUndone ? [] : BridgeAdvice.warnings(server, socket: root.map { $0 + "/mcp.sock" }, root: root)
        try ConnectionReport(acts: acts, warnings: warnings, isDry: invocation.isGiven("--dry-run"))
            .show(invocation)
    }

    // MARK: What is asked for

    private static func applications(
        _ invocation: Invocation, _ places: UserPlaces
    ) throws(CtlFault) -> [Application] {
        guard !invocation.isGiven("--all") else {
            guard invocation.operands.isEmpty else { throw .usage("--all or APP can be said, not both") }
            let found = Application.known.filter { places.isFound($0) && !$0.files.isEmpty }
            guard !found.isEmpty else { throw .failed("none of the applications that are known was found") }
            return found
        }
        var applications: [Application] = []
        for word in invocation.operands {
            guard let application = Application.named(word) else {
                throw .usage("\(word) is not known; cloisterctl connect --list lists those that are")
            }
            if !applications.contains(where: { $0.name == word }) { applications.append(application) }
        }
        return applications
    }

    private static func name(_ invocation: Invocation) throws(CtlFault) -> String {
        let name = invocation.value("--name") ?? "cloister"
        let isPlain = name.utf8.allSatisfy {
            ($0 | 0x20) &- UInt8(ascii: "a") < 26 || $0 &- UInt8(ascii: "0") < 10 || $0 == UInt8(ascii: "_")
                || $0 == UInt8(ascii: "-")
        }
        guard isPlain, name.utf8.count <= 64 else {
            throw .usage(
                "--name takes at most 64 letters, digits, - and _: that is what all applications take")
        }
        return name
    }

    private static func server(
        _ invocation: Invocation, _ application: Application, _ root: String?
    ) throws(CtlFault) -> ServerEntry {
        let bridge = try invocation.value("--bridge").map(absolute) ?? BridgeAdvice.path
        guard bridge.hasSuffix("/" + ServerEntry.program) else {
            throw .usage("--bridge names a program that is called \(ServerEntry.program)")
        }
        let socket = root.map { ["--socket", $0 + "/mcp.sock"] } ?? []
        let client = invocation.value("--client") ?? application.name
        let server = ServerEntry(command: bridge, arguments: socket + ["--client", client])
        for word in [bridge] + server.arguments {
            // Several applications put the values of variables in place of what begins with a dollar.
            guard word.unicodeScalars.allSatisfy(\.isPlain), !word.contains("$"), word.utf8.count <= 4096
            else {
                throw .usage("\(word): applications do not take $ and control characters as they are")
            }
        }
        guard client.utf8.count <= 128 else { throw .usage("--client takes at most 128 bytes") }
        return server
    }

    /// As an application would not find it, which starts elsewhere.
    private static func absolute(_ path: String) throws(CtlFault) -> String {
        guard !path.hasPrefix("/") else { return path }
        guard let here = try? File.readLink("/proc/self/cwd") else {
            throw .failed("there is no directory here")
        }
        return here + "/" + path
    }
}
