import Linux

/// cloisterctl from its first line to its last.
package enum CtlProgram {
    package static let version = "0.1.0"

    private enum ExitStatus {
        static let done: Int32 = 0
        static let failed: Int32 = 1
        static let usage: Int32 = 2
    }

    package static func run(
        _ arguments: [String], to output: Output,
        complain: (String) -> Void = { StandardError.write($0) }
    ) -> Int32 {
        var command: Command?
        do throws(CtlFault) {
            switch try Invocation.read(Array(arguments.dropFirst()), output: output) {
            case .help(let text): try output.write(text)
            case .version: try output.write("cloisterctl \(version)\n")
            case .run(let found, let invocation):
                command = found
                try found.run(invocation)
            }
            return ExitStatus.done
        } catch {
            switch error {
            case .answered: return ExitStatus.failed
            case .failed(let text):
                complain("cloisterctl: \(ShownText.plain(text))\n")
                return ExitStatus.failed
            case .usage(let text):
                let name = command.map { " \($0.name)" } ?? ""
                complain("cloisterctl: \(ShownText.plain(text))\nTry cloisterctl\(name) --help.\n")
                return ExitStatus.usage
            }
        }
    }
}
