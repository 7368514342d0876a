// A command of cloisterctl, as a value: its name, what it takes and what it does. Help, the reading of the command
// line, and the tests of man page and completions all go by it. A new command is a file with one of these, and a
// line in `Commands`.

package struct Command: Sendable {
    package struct Option: Sendable, Equatable {
        /// `--client`, or `-n`
        package let name: String
        /// Another name of the same.
        package let short: String?
        /// What its value is called; `nil` for a flag.
        package let value: String?
        package let summary: String

        package init(_ name: String, short: String? = nil, value: String? = nil, _ summary: String) {
            (self.name, self.short, self.value, self.summary) = (name, short, value, summary)
        }

        func isNamed(_ text: String) -> Bool { name == text || short == text }
    }

    /// One word or two: `audit verify`
    package let name: String
    /// What its operands are called: `FILE…`; `nil` when it takes none.
    package let operands: String?
    package let summary: String
    package let details: String
    package let options: [Option]
    package let run: @Sendable (Invocation) throws(CtlFault) -> Void

    package init(
        _ name: String, operands: String? = nil, _ summary: String, details: String = "",
        options: [Option] = [], run: @escaping @Sendable (Invocation) throws(CtlFault) -> Void
    ) {
        (self.name, self.operands, self.summary, self.details) = (name, operands, summary, details)
        (self.options, self.run) = (options, run)
    }

    /// Those that every command has.
    package static let common = [
        Option("--root", value: "DIR", "ask the standalone daemon of this directory"),
        Option("--json", "answer with JSON"),
        Option("--help", short: "-h", "say what there is"),
    ]

    package var help: String {
        let operands = operands.map { " [\($0)]" } ?? ""
        var text = "Usage: cloisterctl \(name) [OPTIONS]\(operands)\n\n\(summary).\n"
        if !details.isEmpty { text += "\n\(details)\n" }
        return text + "\n" + Self.list(options + Self.common)
    }

    static func list(_ options: [Option]) -> String {
        let names = options.map { option in
            let both = [option.short, option.name].compactMap { $0 }.joined(separator: ", ")
            return both + (option.value.map { " \($0)" } ?? "")
        }
        let width = names.map(\.count).max() ?? 0
        return zip(names, options).map { name, option in
            "  \(name)\(String(repeating: " ", count: width - name.count))  \(option.summary)\n"
        }.joined()
    }
}

/// Why a command did not do what it was told.
package enum CtlFault: Error, Equatable, Sendable {
    /// The command line is wrong: status 2.
    case usage(String)
    /// Something failed or was refused: status 1.
    case failed(String)
    /// The same, and what there is to say was said on standard output.
    case answered
}
