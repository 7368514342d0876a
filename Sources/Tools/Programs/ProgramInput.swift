import Cells

/// What the tools that wait for a program take beside what it is.
enum ProgramInput {
    static let standardInput = Parameter.text(
        "stdin", "What the program reads from its standard input, which ends behind it.",
        longest: RunProgram.mostInput, allowsNUL: true)
    static let timeout = Parameter<Int>.integer(
        "timeout_seconds", "After so long the program and all that it started are ended.", 1...3600,
        default: 120)

    static let parameters = [standardInput.optional, timeout.optional]

    static func run(
        _ start: ProgramStart, with arguments: Arguments
    ) throws(Arguments.Fault) -> RunProgram {
        var run = RunProgram(start)
        run.input = Array(try arguments.optional(standardInput)?.utf8 ?? "".utf8)
        run.timeoutMilliseconds = UInt32(try arguments.required(timeout)) * 1000
        return run
    }
}
