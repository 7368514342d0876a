import Cells
import JSON

/// What the tools that start programs have in common: what to start, where, and with what around it.
struct ProgramArguments: Sendable {
    let start: ProgramStart
    let needs: [Permission]

    /// The kernel's limit of one argument or variable, with the NUL that ends it.
    static let longestArgument = 128 << 10 - 1

    // MARK: Arguments

    private static let command = Parameter.text(
        "command",
        "A line for /bin/sh, with pipes, redirections and so on. Give either this or argv.", shortest: 1,
        longest: longestArgument)
    private static let argv = Parameter<[String]>.list(
        "argv",
        "The program and its arguments, which no shell touches. Give either this or command.", least: 1,
        most: 10_000, of: .text("", "", longest: longestArgument))
    private static let directory = Parameter.path(
        "working_directory", "Where the program runs; without it, the workspace.")

    static let parameters = [
        command.optional, argv.optional, directory.optional, ProgramEnvironment.parameter.optional,
    ]

    init(_ arguments: Arguments) throws(Arguments.Fault) {
        let directory = try Self.directory(arguments)
        let words: [String]
        switch (try arguments.optional(Self.command), try arguments.optional(Self.argv)) {
        case (let line?, nil): words = ["/bin/sh", "-c", line]
        case (nil, let argv?): words = argv
        case (nil, nil):
            throw Arguments.Fault(
                "one of the arguments \"command\" (a line for the shell) and \"argv\" (a program and its arguments) has"
                    + " to be there")
        case (_?, _?):
            throw Arguments.Fault(
                "the arguments \"command\" and \"argv\" are both there, and only one of them can be")
        }
        guard !words[0].isEmpty else {
            throw Arguments.Fault("argument \"argv[0]\" is empty, and has to name a program")
        }
        try self.init(
            words, in: directory,
            environment: try arguments.optional(ProgramEnvironment.parameter) ?? [])
    }

    init(
        _ words: [String], in directory: String, environment: [(name: String, value: String)]
    ) throws(Arguments.Fault) {
        start = ProgramStart(
            arguments: words, environment: ProgramEnvironment.variables(adding: environment),
            directory: directory)
        needs = [
            Self.permission(toRun: words[0], in: directory, setsEnvironment: !environment.isEmpty)
        ]
        if let variable = start.environment.first(where: { $0.utf8.count > Self.longestArgument }) {
            throw Arguments.Fault(
                "argument \"environment.\(variable.prefix { $0 != "=" })\" and its name are \(variable.utf8.count) bytes;"
                    + " the kernel takes at most \(Self.longestArgument) in one")
        }
        guard start.byteCount <= ProgramStart.mostBytes else {
            throw Arguments.Fault(
                "the arguments and the environment are \(start.byteCount) bytes together, and a program can be given at"
                    + " most \(ProgramStart.mostBytes); put what is long into stdin or a file")
        }
    }

    /// Absolute: the cell's own idea of where it is does not matter.
    static func directory(_ arguments: Arguments) throws(Arguments.Fault) -> String {
        guard let directory = try arguments.optional(Self.directory) else { return "" }
        let whole =
            directory.utf8.first == UInt8(ascii: "/") ? directory : "/workspace/" + directory
        guard whole.utf8.count <= FileLimits.longestPath else {
            throw Arguments.Fault(
                "argument \"working_directory\" is \(whole.utf8.count) bytes as \"\(whole.prefix(40))…\", and a path is at"
                    + " most \(FileLimits.longestPath)")
        }
        return whole
    }

    static let directoryMember = directory.optional

    /// A name is looked for along PATH. A path is one from where the program runs.
    static func permission(
        toRun program: String, in directory: String, setsEnvironment: Bool
    ) -> Permission {
        let slash = UInt8(ascii: "/")
        guard program.utf8.contains(slash) else {
            return Permission(.run, program, setsEnvironment: setsEnvironment)
        }
        let whole =
            program.utf8.first == slash
            ? program : (directory.isEmpty ? "/workspace" : directory) + "/" + program
        return Permission(.run, Permission.path(.run, whole).object, setsEnvironment: setsEnvironment)
    }
}
