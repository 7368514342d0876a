import Cells
import JSON
import Linux
import MCP

/// `run_system_command`: a command outside of any cell, as the client's own user or as root.
struct RunSystemCommand: CellCall {
    private let request: RunProgram
    private let isAsRoot: Bool
    let needs: [Permission]

    // MARK: Arguments

    private static let argv = Parameter<[String]>.list(
        "argv",
        """
        The program and its arguments, which no shell touches. The program is a name, which is looked for in the \
        system's directories, or an absolute path.
        """, least: 1, most: 10_000, of: .text("", "", longest: HostCommand.mostBytes))
    private static let directory = Parameter.text(
        "working_directory",
        "Where the command runs, an absolute path; without it, the user's home. As root there is no other.",
        shortest: 1,
        longest: HostCommand.longestPath, called: "an absolute path")
    private static let environment = ProgramEnvironment.parameter(
        """
        Variables for the command that concern its language, time zone and output alone: \
        \(harmless.joined(separator: ", ")) and those that begin with LC_. There can be none as root.
        """)
    private static let asRoot = Parameter.flag(
        "as_root", "Run it as root and not as your own user: the system's polkit is asked as well, each time."
    )

    static let parameters =
        [argv.required, directory.optional, environment.optional, asRoot.optional] + ProgramInput.parameters

    /// A rule allows a command by its words. By most other variables it could be made to run a different one.
    static let harmless = ["COLUMNS", "LANG", "LANGUAGE", "LINES", "NO_COLOR", "TERM", "TZ"]

    init(_ json: JSONValue?) throws(Arguments.Fault) {
        let arguments = try Arguments(json, known: Self.parameters)
        let words = try Self.command(try arguments.required(Self.argv))
        isAsRoot = try arguments.required(Self.asRoot)
        let variables = try arguments.optional(Self.environment) ?? []
        if isAsRoot, let variable = variables.first {
            throw Arguments.Fault(
                "argument \"environment\" sets \(variable.name), and a command as root gets no variables of a call"
            )
        }
        for (name, value) in variables where !Self.isHarmless(name, value) {
            throw Arguments.Fault(
                "argument \"environment\" sets \(name), by which a command could be made to run another; an"
                    + " administrator can set it in the policy")
        }
        let directory = try arguments.optional(Self.directory) ?? ""
        if isAsRoot, !directory.isEmpty {
            throw Arguments.Fault(
                "argument \"working_directory\" is there, and a command as root always runs in root's home; use absolute"
                    + " paths")
        }
        guard directory.isEmpty || directory.utf8.first == UInt8(ascii: "/") else {
            throw Arguments.Fault("argument \"working_directory\" is no absolute path")
        }
        let start = ProgramStart(
            arguments: words, environment: variables.map { "\($0.name)=\($0.value)" }, directory: directory)
        guard start.byteCount <= HostCommand.mostBytes else {
            throw Arguments.Fault(
                "the arguments and the environment are \(start.byteCount) bytes together, and a command can be given at"
                    + " most \(HostCommand.mostBytes); put what is long into stdin")
        }
        request = try ProgramInput.run(start, with: arguments)
        needs = [Permission(isAsRoot ? .sudo : .systemCommand, command: words)]
    }

    /// From here on the program has one path, by which it is decided about, shown, recorded and run.
    private static func command(_ argv: [String]) throws(Arguments.Fault) -> [String] {
        let name = argv[0]
        let hasPath = name.utf8.contains(UInt8(ascii: "/"))
        guard !name.isEmpty, !hasPath || HostCommand.isProgram(name) else {
            throw Arguments.Fault(
                "argument \"argv[0]\" has to be the name of a program, or an absolute path without . and ..")
        }
        guard let path = HostPrograms.find(name), HostCommand.isProgram(path) else {
            throw Arguments.Fault(
                "argument \"argv[0]\": there is no program of that name in \(HostPrograms.path)")
        }
        return [path] + argv.dropFirst()
    }

    /// A time zone or a language is also looked up as a file.
    private static func isHarmless(_ name: String, _ value: String) -> Bool {
        (harmless.contains(name) || name.hasPrefix("LC_"))
            && !value.utf8.contains(UInt8(ascii: "/")) && !value.utf8.contains(UInt8(ascii: "%"))
    }

    func run(in context: CallContext) async throws(CellFailure) -> ToolResult {
        try await ProgramRun.result(ofCommand: request, asRoot: isAsRoot, in: context)
    }

    static func registered() -> RegisteredTool {
        RegisteredTool(onHost: tool) { (json) throws(Arguments.Fault) in try RunSystemCommand(json) }
    }

    private static let tool = Tool(
        name: "run_system_command",
        title: "Run a system command",
        description: """
            Runs one command on the machine itself, outside of the sandbox, and waits for its end: for what concerns \
            the machine or the user's own files and services, and nothing that run_command can do. It runs as the \
            user, without any way to become somebody else, or with as_root as root; each command has to be allowed \
            by the administrator, and a person may be asked first. Answers with its output, its exit status (another \
            than 0 is no error of the tool), and what it used; output comes as progress meanwhile. There is no \
            terminal and no shell. Of each stream the first 256 KiB come back. What it leaves running is ended with it.
            """,
        inputSchema: Schema.object(parameters).document,
        outputSchema: Schema.object(ProgramRun.membersOfCommand).document,
        annotations: Tool.Annotations(readOnly: false, destructive: true, idempotent: false, openWorld: true))
}
