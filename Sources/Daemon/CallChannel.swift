import MCP
import Tools

/// The way back to the client of one call, while it lasts; on the loop's thread.
protocol CallChannel: CallReporter {
    /// False when it cannot be asked. An answer is told once.
    func ask(_ form: Form, onAnswer: @escaping @Sendable (FormAnswer) -> Void) -> Bool
    /// Nobody waits for the answer any more.
    func withdrawQuestion()
}
