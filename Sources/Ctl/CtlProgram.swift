import Audit
import CommandLine
import Linux

/// cloisterctl from its first line to its last.
package enum CtlProgram {
    package static func run(
        _ arguments: [String], to output: Output,
        complain: (String) -> Void = { StandardError.write($0) }
    ) -> Int32 {
        var command: Command?
        do throws(CtlFault) {
            switch try Invocation.read(Array(arguments.dropFirst()), output: output) {
            case .help(let text): try output.write(text)
            case .version: try output.write("cloisterctl \(Release.version)\n")
            case .run(let found, let invocation):
                command = found
                try found.run(invocation)
            }
            return ExitStatus.success
        } catch {
            switch error {
            case .answered: return ExitStatus.failure
            case .failed(let text):
                complain("cloisterctl: \(ShownText.plain(text))\n")
                return ExitStatus.failure
            case .usage(let text):
                let name = command.map { " \($0.name)" } ?? ""
                complain("cloisterctl: \(ShownText.plain(text))\nTry cloisterctl\(name) --help.\n")
                return ExitStatus.usage
            }
        }
    }
}
