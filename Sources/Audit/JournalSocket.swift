import Linux

/// The socket of systemd-journald. What it does not take at once is the caller's to keep.
package struct JournalSocket: ~Copyable {
    package static let usualPath = "/run/systemd/journal/socket"

    /// In a class: the optimizer of Swift 6.3 crashes on a borrowed optional descriptor.
    private final class Connection {
        let fd: OwnedFD
        init(_ fd: consuming OwnedFD) { self.fd = fd }
    }

    private let path: String
    private var connection: Connection?

    package init(path: String = usualPath) { self.path = path }

    package mutating func send(_ entry: JournalEntry) throws(JournalFault) {
        do throws(SystemError) {
            guard try sendOrReconnect(entry.bytes) else { throw SystemError("send", .wouldBlock, path) }
        } catch {
            switch error.errno {
            case .wouldBlock: throw .full
            default:
                connection = nil
                throw .system(SystemError("send", error.errno, path))
            }
        }
    }

    /// False when there is nobody to wait for.
    package func waitForRoom(until end: Duration) -> Bool {
        guard let connection else { return false }
        var set = PollSet()
        set.add(connection.fd, .write)
        return (try? set.wait(milliseconds: SystemClock.patience(until: end))) != nil
    }

    /// A journald that was restarted has another socket under the old path.
    private mutating func sendOrReconnect(_ bytes: [UInt8]) throws(SystemError) -> Bool {
        if let connection {
            do throws(SystemError) {
                return try Self.send(bytes, to: connection.fd)
            } catch  where error.errno != .wouldBlock {
                self.connection = nil
            }
        }
        let made = Connection(try UnixSocket.connect(to: path, .datagram))
        connection = made
        return try Self.send(bytes, to: made.fd)
    }

    private static func send(
        _ bytes: [UInt8], to socket: borrowing OwnedFD
    ) throws(SystemError) -> Bool {
        do throws(SystemError) {
            return try UnixSocket.send(socket, bytes.span) != nil
        } catch {
            // More than a datagram holds goes as a sealed file, beside an empty one.
            guard error.errno == .messageTooLong || error.errno == .noBuffers else { throw error }
            let file = try MemoryFile.sealed("cloister-audit", bytes)
            return try UnixSocket.send(socket, [], passing: file) != nil
        }
    }
}
