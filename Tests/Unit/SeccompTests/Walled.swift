import Foundation
import Linux
import TestSupport
import Testing

/// Runs the program that puts itself behind filters.
enum Walled {
    /// `ok`, an error's name, or `killed`.
    static func call(_ filters: String, _ words: String) throws -> String {
        try run(["call", filters] + words.split(separator: " ").map(String.init))
    }

    static func run(_ words: [String]) throws -> String {
        let end = try Launch(Executable.walled.path, words).run()
        switch end.status {
        case .exited(0): return end.output.trimmingCharacters(in: .newlines)
        case .signalled(SIGSYS): return "killed"
        default: throw TestFault("\(words): \(end.status) \(end.output)\(end.errors)")
        }
    }

    /// A program behind the filters that it has in a cell; what it says.
    static func program(_ words: [String], filters: String = "program+door") throws -> (
        status: ProcessFD.Status, output: String, errors: String
    ) {
        try Launch(Executable.walled.path, ["exec", filters] + words).run(["HOME": "/nonexistent"])
    }
}
