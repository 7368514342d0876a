import Testing

@testable import CommandLine

/// A program that does one of several things.
private struct Options: ProgramOptions {
    enum Command: Equatable { case list, revoke(String) }

    var command: Command?
    var isVerbose = false

    static let program = "example"
    static let help = "Usage: example [--verbose] list | revoke NAME"

    mutating func take(_ name: String, from reader: inout OptionReader) throws(OptionReader.Fault) {
        switch name {
        case "--verbose":
            try reader.flag()
            isVerbose = true
        case "list": command = .list
        case "revoke": command = .revoke(try reader.value())
        default: throw reader.unknown()
        }
    }
}

@Suite struct ProgramOptionsTests {
    @Test("A command line of a program with commands is taken apart")
    func commands() throws {
        #expect(try Options.parse([]) == .run(Options()))
        #expect(try Options.parse(["list"]) == .run(Options(command: .list)))
        let revoking = Options(command: .revoke("a=b"), isVerbose: true)
        #expect(try Options.parse(["--verbose", "revoke", "a=b"]) == .run(revoking))
        #expect(try Options.parse(["revoke", "a=b", "--verbose"]) == .run(revoking))
        #expect(try Options.parse(["revoke", "--help"]) == .run(Options(command: .revoke("--help"))))
        #expect(try Options.parse(["list", "--help"]) == .help)
    }

    @Test("The work gets the options, and says the exit status")
    func work() {
        var seen: Options?
        let status = Options.run(["/usr/bin/example", "--verbose"], complain: { Issue.record("\($0)") }) {
            seen = $0
            return 7
        }
        #expect(status == 7)
        #expect(seen == Options(isVerbose: true))
    }

    @Test(
        "A mistake is a complaint and the status of wrong usage, and nothing is done",
        arguments: [
            (["example", "remove"], "example: unknown option remove\nTry example --help.\n"),
            (["example", "revoke"], "example: revoke needs a value\nTry example --help.\n"),
            (["example", "--help=me"], "example: --help takes no value\nTry example --help.\n"),
            (["example", "--version="], "example: --version takes no value\nTry example --help.\n"),
        ])
    func mistake(arguments: [String], complaint: String) {
        var complaints: [String] = []
        let status = Options.run(arguments, complain: { complaints.append($0) }) { _ in
            Issue.record("it ran")
            return ExitStatus.success
        }
        #expect(status == ExitStatus.usage)
        #expect(complaints == [complaint])
    }
}
