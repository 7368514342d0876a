import Linux

/// The end of sd_notify(3) that a service manager holds.
package final class NotifySocket: @unchecked Sendable {
    // Unchecked: used by one test.
    /// What NOTIFY_SOCKET has to say.
    package let address: String
    private let socket: OwnedFD

    package init(at address: String) throws {
        self.address = address
        socket = try UnixSocket.bindDatagram(to: address)
    }

    /// The next notification, as its assignments in order.
    package func next(within patience: Duration = Deadline.patience) throws -> [String] {
        guard !Deadline(in: patience).poll(socket, .read).isEmpty,
            let message = try UnixSocket.receive(socket, atMost: 4096)
        else { throw TestFault("in vain waited for a notification") }
        return String(decoding: message.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// The same, with what is in the files that came along.
    package func nextWithFiles(
        within patience: Duration = Deadline.patience
    ) throws -> (lines: [String], contents: [[UInt8]]) {
        guard !Deadline(in: patience).poll(socket, .read).isEmpty,
            let message = try UnixSocket.receive(socket, atMost: 4096)
        else { throw TestFault("in vain waited for a notification") }
        var contents: [[UInt8]] = []
        while let file = message.takeDescriptor() {
            contents.append(try MemoryFile.contents(of: file))
        }
        let lines = String(decoding: message.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        return (lines, contents)
    }

    /// The next notification but those of the watchdog.
    package func nextState(within patience: Duration = Deadline.patience) throws -> [String] {
        while true {
            let state = try next(within: patience)
            if state != ["WATCHDOG=1"] { return state }
        }
    }
}
