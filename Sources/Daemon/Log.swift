import Glibc
import Linux

/// What the daemon says to its administrator: one line each, on standard error. Under systemd the line
/// begins with its severity, as sd-daemon(3) has it, and the journal adds the time.
package struct Log: Sendable {
    package enum Severity: Int, Comparable, Sendable {
        case error = 3, warning, notice, info, debug

        package static func < (one: Severity, other: Severity) -> Bool {
            one.rawValue < other.rawValue
        }
    }

    /// Shared by all copies, so that it can be changed while the daemon runs.
    // Unchecked: changed on the loop's thread only, and a line more or less of another one hurts nobody.
    private final class Threshold: @unchecked Sendable {
        var most: Severity
        init(_ most: Severity) { self.most = most }
    }

    private let threshold: Threshold
    package let isJournal: Bool
    private let write: @Sendable (String) -> Void

    package init(most: Severity, isJournal: Bool, write: @escaping @Sendable (String) -> Void) {
        threshold = Threshold(most)
        (self.isJournal, self.write) = (isJournal, write)
    }

    package static func standardError(verbose: Bool) -> Log {
        Log(
            most: verbose ? .debug : .info,
            isJournal: Process.environment("JOURNAL_STREAM") != nil
        ) { StandardError.write($0) }
    }

    /// What is less severe is not said.
    package var most: Severity {
        get { threshold.most }
        nonmutating set { threshold.most = newValue }
    }

    package func error(_ text: @autoclosure () -> String) { line(.error, text) }
    package func warning(_ text: @autoclosure () -> String) { line(.warning, text) }
    package func notice(_ text: @autoclosure () -> String) { line(.notice, text) }
    package func info(_ text: @autoclosure () -> String) { line(.info, text) }
    package func debug(_ text: @autoclosure () -> String) { line(.debug, text) }

    private func line(_ severity: Severity, _ text: () -> String) {
        guard severity <= threshold.most else { return }
        // A client's words must neither begin a line of their own nor command the reader's terminal.
        let text = String(
            String.UnicodeScalarView(
                text().unicodeScalars.map { $0.properties.generalCategory.isPlain ? $0 : " " }))
        write((isJournal ? "<\(severity.rawValue)>" : "cloisterd: ") + text + "\n")
    }
}

extension Unicode.GeneralCategory {
    /// Not a control, a format character (such as those that turn the direction of text) or a separator
    /// of lines.
    fileprivate var isPlain: Bool {
        switch self {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse: false
        default: true
        }
    }
}
