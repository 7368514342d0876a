import Linux

/// The socket of systemd-journald. It is never waited for: what it does not take at once is the caller's to keep.
package struct JournalSocket: ~Copyable {
    package static let usualPath = "/run/systemd/journal/socket"

    private let path: String
    private var socket: OwnedFD?

    package init(path: String = usualPath) { self.path = path }

    package mutating func send(_ entry: JournalEntry) throws(JournalFault) {
        do throws(SystemError) {
            guard try sendOrReconnect(entry.bytes) else { throw SystemError("send", .wouldBlock, path) }
        } catch {
            switch error.errno {
            case .wouldBlock: throw .full
            default:
                socket = nil
                throw .system(SystemError("send", error.errno, path))
            }
        }
    }

    /// A journald that was restarted has another socket under the old path.
    private mutating func sendOrReconnect(_ bytes: [UInt8]) throws(SystemError) -> Bool {
        if socket != nil {
            do throws(SystemError) {
                return try sendNow(bytes)
            } catch  where error.errno != .wouldBlock {
                socket = nil
            }
        }
        socket = try UnixSocket.connect(to: path, .datagram)
        return try sendNow(bytes)
    }

    private func sendNow(_ bytes: [UInt8]) throws(SystemError) -> Bool {
        do throws(SystemError) {
            return try UnixSocket.send(socket!, bytes.span) != nil
        } catch {
            // More than a datagram holds goes as a sealed file, beside an empty one.
            guard error.errno == .messageTooLong || error.errno == .noBuffers else { throw error }
            let file = try MemoryFile.sealed("cloister-audit", bytes)
            return try UnixSocket.send(socket!, [], passing: file) != nil
        }
    }
}
