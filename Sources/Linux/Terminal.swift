import CLinux
import Glibc

/// Where programs answer.
package enum StandardOutput {
    package static func write(_ bytes: [UInt8]) throws(SystemError) {
        var place = 0
        while place < bytes.count {
            let from = place
            place += try systemCall("write", on: "standard output") {
                unsafe bytes.withUnsafeBytes {
                    unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress! + from, $0.count - from)
                }
            }
        }
    }

    package static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// `nil` when it is no terminal, or one that does not know.
    package static var columns: Int? {
        let columns = Int(cloister_terminal_columns(STDOUT_FILENO))
        return columns > 0 ? columns : nil
    }
}

/// Where a person types.
package enum StandardInput {
    package static var isTerminal: Bool { isatty(STDIN_FILENO) == 1 }
}
