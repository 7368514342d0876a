// What all of our programs do alike with their command lines: take them apart, answer --help and --version, and
// complain. A program says what its options are, and what it does with them.

/// The options of one program.
package protocol ProgramOptions: Equatable, Sendable {
    /// The program's name, as it is called.
    static var program: String { get }
    static var help: String { get }

    /// What holds without any options.
    init()

    /// Takes what `reader` has just met, an option or a word, and its value from there.
    mutating func take(_ name: String, from reader: inout OptionReader) throws(OptionReader.Fault)
}

/// What a command line asks for.
package enum Invocation<Options: ProgramOptions>: Equatable, Sendable {
    case run(Options)
    case help
    case version
}

/// How our programs end.
package enum ExitStatus {
    package static let success: Int32 = 0
    package static let failure: Int32 = 1
    /// The command line was wrong.
    package static let usage: Int32 = 2
}

extension ProgramOptions {
    /// Without the name that the program was called by.
    package static func parse(
        _ arguments: [String]
    ) throws(OptionReader.Fault) -> Invocation<Self> {
        var options = Self()
        var reader = OptionReader(arguments)
        while let name = reader.next() {
            switch name {
            case "--help", "-h":
                try reader.flag()
                return .help
            case "--version":
                try reader.flag()
                return .version
            default: try options.take(name, from: &reader)
            }
        }
        return .run(options)
    }

    /// A program from its command line to its exit status.
    package static func run(
        _ arguments: [String], complain: (String) -> Void, _ work: (Self) -> Int32
    ) -> Int32 {
        do throws(OptionReader.Fault) {
            switch try parse(Array(arguments.dropFirst())) {
            case .help: print(help)
            case .version: print("\(program) \(Release.version)")
            case .run(let options): return work(options)
            }
            return ExitStatus.success
        } catch {
            complain("\(program): \(error)\nTry \(program) --help.\n")
            return ExitStatus.usage
        }
    }
}
