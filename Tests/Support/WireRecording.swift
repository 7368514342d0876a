import Foundation

/// Writes down what passes between a client and the daemon, for the check against the protocol's schemas
/// that follows the tests (Tests/Interop/validate_wire.py): one file a connection, one line a message, `>`
/// before what the client sent and `<` before what the server sent. Without CLOISTER_WIRE, does nothing.
package final class WireRecording {
    private let file: FileHandle?

    package init(_ name: String) {
        guard let directory = ProcessInfo.processInfo.environment["CLOISTER_WIRE"] else {
            file = nil
            return
        }
        try? FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        let words = name.map { $0.isLetter || $0.isNumber ? $0 : "-" }
        let path = "\(directory)/\(String(words.prefix(80)))-\(UUID().uuidString).wire"
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        file = FileHandle(forWritingAtPath: path)
    }

    package func sent(byClient line: [UInt8]) { write(">", line) }

    package func sent(byServer line: [UInt8]) { write("<", line) }

    private func write(_ direction: String, _ line: [UInt8]) {
        file?.write(Data(direction.utf8) + line + Data("\n".utf8))
    }
}
