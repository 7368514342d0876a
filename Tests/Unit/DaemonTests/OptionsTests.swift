import CommandLine
import Testing

@testable import Daemon

struct OptionsTests {
    @Test func `without options everything is as it is documented`() throws {
        #expect(try Options.parse([]) == .run(Options()))
        let defaults = Options()
        #expect(defaults.standalone == nil)
        #expect(!defaults.isVerbose)
        #expect(Options.help.contains("default \(defaults.idleSeconds);"))
        #expect(Options.help.contains("default \(defaults.lineLimit))"))
        #expect(Options.help.contains("default \(defaults.stallSeconds))"))
    }

    private static func options<Value>(
        _ option: WritableKeyPath<Options, Value>, _ value: Value
    ) -> Options {
        var options = Options()
        options[keyPath: option] = value
        return options
    }

    @Test(arguments: [
        (["--standalone", "/run/c"], options(\.standalone, "/run/c")),
        (["--standalone=/run/c"], options(\.standalone, "/run/c")),
        (["--standalone=a=b"], options(\.standalone, "a=b")),
        (["--idle-timeout", "5"], options(\.idleSeconds, 5)),
        (["--idle-timeout=0"], options(\.idleSeconds, 0)),
        (["--idle-timeout=31536000"], options(\.idleSeconds, 31_536_000)),
        (["--idle-timeout=1", "--idle-timeout=2"], options(\.idleSeconds, 2)),
        (["--line-limit", "1024"], options(\.lineLimit, 1024)),
        (["--line-limit=1073741824"], options(\.lineLimit, 1 << 30)),
        (["--stall-timeout", "1"], options(\.stallSeconds, 1)),
        (["--stall-timeout=86400"], options(\.stallSeconds, 86_400)),
        (["--verbose"], options(\.isVerbose, true)),
    ])
    func `every option is read, with its value behind it or beside it`(
        arguments: [String], options: Options
    ) throws {
        #expect(try Options.parse(arguments) == .run(options))
    }

    @Test func `options come together in any order`() throws {
        var options = Options()
        (options.isVerbose, options.standalone, options.lineLimit) = (true, "d", 2048)
        let arguments = ["--verbose", "--standalone", "d", "--line-limit=2048"]
        #expect(try Options.parse(arguments) == .run(options))
        #expect(
            try Options.parse(["--line-limit", "2048", "--standalone=d", "--verbose"]) == .run(options))
    }

    @Test(arguments: [
        (["--help"], Invocation<Options>.help), (["-h"], .help), (["--version"], .version),
        (["--verbose", "--help"], .help), (["--version", "--nonsense"], .version),
    ])
    func `help and version are answered as they are met`(
        arguments: [String], request: Invocation<Options>
    ) throws {
        #expect(try Options.parse(arguments) == request)
    }

    @Test(arguments: [
        (["--nonsense"], "unknown option --nonsense"),
        (["nonsense"], "unknown option nonsense"),
        ([""], "unknown option "),
        (["-v"], "unknown option -v"),
        (["--verbose=yes"], "--verbose takes no value"),
        (["--help=me"], "--help takes no value"),
        (["--version="], "--version takes no value"),
        (["--standalone"], "--standalone needs a value"),
        (["--standalone="], "--standalone needs a value"),
        (["--standalone", ""], "--standalone needs a value"),
        (["--idle-timeout"], "--idle-timeout needs a value"),
        (["--idle-timeout", "-1"], "--idle-timeout takes a number from 0 to 31536000, not \"-1\""),
        (["--idle-timeout=31536001"], "--idle-timeout takes a number from 0 to 31536000, not \"31536001\""),
        (["--idle-timeout=5s"], "--idle-timeout takes a number from 0 to 31536000, not \"5s\""),
        (["--line-limit="], "--line-limit needs a value"),
        (["--line-limit=1023"], "--line-limit takes a number from 1024 to 1073741824, not \"1023\""),
        (
            ["--line-limit=99999999999999999999"],
            "--line-limit takes a number from 1024 to 1073741824, not \"99999999999999999999\""
        ),
        (["--stall-timeout=0"], "--stall-timeout takes a number from 1 to 86400, not \"0\""),
        (["--stall-timeout", "1.5"], "--stall-timeout takes a number from 1 to 86400, not \"1.5\""),
        (["--verbose", "--nonsense", "--help"], "unknown option --nonsense"),
    ])
    func `what is wrong is said`(arguments: [String], fault: String) {
        #expect(throws: OptionReader.Fault(fault)) { _ = try Options.parse(arguments) }
    }

    @Test(arguments: [
        "--standalone", "--idle-timeout", "--line-limit", "--stall-timeout", "--verbose",
        "--version", "--help",
    ])
    func `every option is in the help`(option: String) {
        #expect(Options.help.contains("  \(option)") || Options.help.contains(", \(option)"))
    }
}
