import Linux
import TestSupport
import Testing

/// What the programs say to a command line, without doing anything.
@Suite struct CommandLineTests {
    static let programs: [Executable] = [.cloisterd, .bridge, .cloisterctl]

    @Test("--help and -h print the options to standard output", arguments: programs, ["--help", "-h"])
    func help(program: Executable, option: String) throws {
        let end = try Launch(program.path, [option]).run()
        #expect(end.status == .exited(0))
        #expect(end.output.hasPrefix("Usage: \(program.rawValue) "))
        #expect(end.output.contains("--version"))
        #expect(end.errors == "")
    }

    @Test("--version prints a name and a number", arguments: programs)
    func version(program: Executable) throws {
        let end = try Launch(program.path, ["--version"]).run()
        #expect(end.status == .exited(0))
        #expect(end.output.wholeMatch(of: /[a-z-]+ \d+\.\d+\.\d+\n/) != nil)
        #expect(end.output.hasPrefix(program.rawValue + " "))
        #expect(end.errors == "")
    }

    struct Mistake: Sendable, CustomTestStringConvertible {
        let program: Executable
        let arguments: [String]
        let complaint: String

        init(_ program: Executable, _ arguments: [String], _ complaint: String) {
            (self.program, self.arguments, self.complaint) = (program, arguments, complaint)
        }

        var testDescription: String { ([program.rawValue] + arguments).joined(separator: " ") }
    }

    static let mistakes = [
        Mistake(.cloisterd, ["--nonsense"], "unknown option --nonsense"),
        Mistake(.cloisterd, ["extra"], "unknown option extra"),
        Mistake(.cloisterd, [""], "unknown option "),
        Mistake(.cloisterd, ["--help=yes"], "--help takes no value"),
        Mistake(.cloisterd, ["--verbose=1"], "--verbose takes no value"),
        Mistake(.cloisterd, ["--standalone"], "--standalone needs a value"),
        Mistake(.cloisterd, ["--standalone="], "--standalone needs a value"),
        Mistake(.cloisterd, ["--idle-timeout"], "--idle-timeout needs a value"),
        Mistake(
            .cloisterd, ["--idle-timeout", "soon"],
            "--idle-timeout takes a number from 0 to 31536000, not \"soon\""),
        Mistake(.cloisterd, ["--idle-timeout", "-1"], "not \"-1\""),
        Mistake(.cloisterd, ["--idle-timeout=1.5"], "not \"1.5\""),
        Mistake(
            .cloisterd, ["--idle-timeout", "99999999999999999999"], "not \"99999999999999999999\""),
        Mistake(
            .cloisterd, ["--line-limit", "1023"], "--line-limit takes a number from 1024 to 1073741824"),
        Mistake(.cloisterd, ["--line-limit", ""], "--line-limit needs a value"),
        Mistake(
            .cloisterd, ["--stall-timeout", "0"], "--stall-timeout takes a number from 1 to 86400"),
        Mistake(.bridge, ["--nonsense"], "unknown option --nonsense"),
        Mistake(.bridge, ["extra"], "unknown option extra"),
        Mistake(.bridge, ["--version=1"], "--version takes no value"),
        Mistake(.bridge, ["--socket"], "--socket needs a value"),
        Mistake(.bridge, ["--socket="], "--socket needs a value"),
        Mistake(.bridge, ["--client"], "--client needs a value"),
        Mistake(
            .bridge, ["--client", "a\nb"], "--client takes at most 128 bytes without control characters"
        ),
        Mistake(.bridge, ["--client", "a\u{7F}"], "without control characters"),
        Mistake(.bridge, ["--client", "a\u{9B}31m"], "without control characters"),
        Mistake(.bridge, ["--client", "\u{1B}[31m"], "without control characters"),
        Mistake(.bridge, ["--client", String(repeating: "x", count: 129)], "at most 128 bytes"),
        Mistake(.bridge, ["--client", String(repeating: "é", count: 65)], "at most 128 bytes"),
        Mistake(.cloisterctl, [], "a command is needed"),
        Mistake(.cloisterctl, ["--nonsense"], "unknown option --nonsense"),
        Mistake(.cloisterctl, ["nonsense"], "unknown command nonsense"),
        Mistake(.cloisterctl, ["--root"], "--root needs a value"),
        Mistake(.cloisterctl, ["--help=yes"], "--help takes no value"),
    ]

    @Test("A mistake is named on standard error, and the status is 2", arguments: mistakes)
    func mistake(_ mistake: Mistake) throws {
        let end = try Launch(mistake.program.path, mistake.arguments).run()
        #expect(end.status == .exited(2))
        #expect(end.output == "")
        let name = mistake.program.rawValue
        #expect(end.errors.hasPrefix("\(name): "))
        #expect(end.errors.contains(mistake.complaint))
        #expect(end.errors.hasSuffix("\nTry \(name) --help.\n"))
    }

    @Test("Without a socket and without --standalone the daemon says how to start it")
    func nothingToServe() throws {
        let end = try Launch(Executable.cloisterd.path).run()
        #expect(end.status == .exited(1))
        #expect(end.errors.contains("nothing to serve: no socket was passed by systemd"))
        #expect(end.errors.contains("cloisterd --standalone DIR"))
    }
}
