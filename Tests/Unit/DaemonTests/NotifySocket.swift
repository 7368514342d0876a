import CLinux
import Foundation
import Glibc
import Testing

/// The service manager's end: a bound datagram socket.
final class NotifySocket {
    /// As NOTIFY_SOCKET has it: an abstract name begins with `@`.
    let name: String
    private let isAbstract: Bool
    private let socket: CInt

    init(isAbstract: Bool = true) throws {
        self.isAbstract = isAbstract
        let word = "cloister-notify-\(UUID().uuidString)"
        name = isAbstract ? "@\(word)" : "\(NSTemporaryDirectory())/\(word)"
        let type = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        socket = Glibc.socket(AF_UNIX, type, 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(name.utf8)
        if isAbstract { bytes[0] = 0 }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let length = socklen_t(2 + bytes.count + (isAbstract ? 0 : 1))
        try #require(unsafe cloister_bind(socket, &address, length) == 0)
    }

    /// The datagrams that have arrived since the last time.
    func received() throws -> [String] {
        var datagrams: [String] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe recv(socket, &buffer, buffer.count, 0)
            if count < 0 {
                try #require(errno == EAGAIN)
                return datagrams
            }
            datagrams.append(String(decoding: buffer[..<count], as: UTF8.self))
        }
    }

    deinit {
        _ = Glibc.close(socket)
        if !isAbstract { unsafe unlink(name) }
    }
}
