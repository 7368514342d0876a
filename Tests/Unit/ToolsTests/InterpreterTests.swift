import Foundation
import Testing

@testable import Tools

/// What this machine's interpreters make of what they are given: whether an argument that looks like an option
/// reaches the script differs from one to the next.
struct InterpreterTests {
    /// Scripts that show their last two arguments.
    private static let scripts = [
        "python3": "import sys; print(*sys.argv[1:])", "bash": #"echo "$@""#, "sh": #"echo "$@""#,
        "perl": #"print "@ARGV\n""#, "node": #"console.log(process.argv.slice(-2).join(" "))"#,
        "ruby": #"puts ARGV.join(" ")"#, "lua": #"print(table.concat(arg, " "))"#,
        "php": #"<?php echo implode(" ", array_slice($argv, 1)), "\n";"#,
        "awk": "BEGIN { print ARGV[1], ARGV[2] }",
    ]

    @Test func `there is a script for each`() {
        #expect(Set(Self.scripts.keys) == Set(Interpreter.known.map(\.language)))
    }

    @Test(arguments: Interpreter.found())
    func `a script gets its arguments, given as an argument or as a file`(interpreter: Interpreter) throws {
        let source = try #require(Self.scripts[interpreter.language])
        #expect(try output(of: interpreter.words(source: source, ["-b", "a"])) == "-b a\n")

        let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try interpreter.fileContent(source).write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        #expect(try output(of: interpreter.words(file: file.path, ["-b", "a"])) == "-b a\n")
    }

    private func output(of words: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: words[0])
        process.arguments = Array(words.dropFirst())
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: output, as: UTF8.self)
    }
}
