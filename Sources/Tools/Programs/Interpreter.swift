import CLinux
import Glibc

/// A program that runs source text: given in an argument, or in a file.
struct Interpreter: Equatable, Sendable {
    let language: String
    let path: String
    private let inline: [String]
    /// Between the source or the file and the script's own arguments.
    private let behindInline: [String]
    private let beforeFile: [String]
    private let behindFile: [String]

    private init(
        _ language: String, inline: [String], behindInline: [String] = [], beforeFile: [String] = [],
        behindFile: [String] = []
    ) {
        (self.language, self.inline, self.behindInline) = (language, inline, behindInline)
        (self.beforeFile, self.behindFile) = (beforeFile, behindFile)
        path = "/usr/bin/\(language)"
    }

    func words(source: String, _ arguments: [String]) -> [String] {
        [path] + inline + [language == "php" ? Self.withoutTag(source) : source] + behindInline + arguments
    }

    func words(file: String, _ arguments: [String]) -> [String] {
        [path] + beforeFile + [file] + behindFile + arguments
    }

    func fileContent(_ source: String) -> String {
        language == "php" ? Self.tag + "\n" + Self.withoutTag(source) : source
    }

    private static let tag = "<?php"

    /// PHP wants its tag in files, and not in arguments.
    private static func withoutTag(_ source: String) -> String {
        source.hasPrefix(tag) ? String(source.dropFirst(tag.count)) : source
    }

    /// After `--` nothing is an option; a shell's first argument is its own name; lua takes its arguments
    /// behind the name of a script, so it gets an empty one.
    static let known = [
        Interpreter("python3", inline: ["-c"]),
        Interpreter("bash", inline: ["-c"], behindInline: ["bash"]),
        Interpreter("sh", inline: ["-c"], behindInline: ["sh"]),
        Interpreter("perl", inline: ["-e"], behindInline: ["--"]),
        Interpreter("node", inline: ["-e"], behindInline: ["--"]),
        Interpreter("ruby", inline: ["-e"], behindInline: ["--"]),
        Interpreter("lua", inline: ["-e"], behindInline: ["/dev/null"]),
        Interpreter("php", inline: ["-r"], behindInline: ["--"], behindFile: ["--"]),
        Interpreter("awk", inline: ["--"], beforeFile: ["-f"], behindFile: ["--"]),
    ]

    /// Those that this machine has, as the cells see it too.
    static func found() -> [Interpreter] {
        known.filter { unsafe access($0.path, X_OK) == 0 }
    }
}
