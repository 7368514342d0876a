import Audit
import Linux

/// Where a command's answer goes, and how wide that is.
package struct Output: Sendable {
    package let isTerminal: Bool
    /// `nil`: lines may be as long as they are.
    package let columns: Int?
    private let send: @Sendable ([UInt8]) throws(SystemError) -> Void

    package init(
        isTerminal: Bool, columns: Int?,
        send: @escaping @Sendable ([UInt8]) throws(SystemError) -> Void
    ) {
        (self.isTerminal, self.columns, self.send) = (isTerminal, columns, send)
    }

    package static var standard: Output {
        Output(
            isTerminal: StandardOutput.isTerminal,
            columns: StandardOutput.isTerminal ? StandardOutput.columns ?? 80 : nil
        ) { (bytes) throws(SystemError) in try StandardOutput.write(bytes) }
    }

    package func write(_ text: String) throws(CtlFault) { try write(Array(text.utf8)) }

    package func write(_ bytes: [UInt8]) throws(CtlFault) {
        do throws(SystemError) {
            try send(bytes)
        } catch {
            throw .failed("\(error)")
        }
    }

    /// One line of JSON. A terminal gets escapes for what would command it: they are the same text to who parses it.
    package func writeJSON(_ line: some Collection<UInt8>) throws(CtlFault) {
        let text = Array(line)
        try write((isTerminal ? ShownText.json(text) : text) + [0x0A])
    }
}
