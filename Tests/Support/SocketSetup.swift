import CLinux
import Glibc
import Linux

// Sockets that the programs never make themselves, but service managers and other peers do.

extension UnixSocket {
    /// A datagram socket that has a name; a leading `@` is an abstract one.
    package static func bindDatagram(to address: String) throws -> OwnedFD {
        let socket = try make(.datagram)
        let bytes = Array(address.utf8)
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        let isAbstract = bytes.first == UInt8(ascii: "@")
        unsafe withUnsafeMutableBytes(of: &name.sun_path) { path in
            unsafe path.copyBytes(from: isAbstract ? [0] + bytes.dropFirst() : bytes)
        }
        let length = MemoryLayout<sa_family_t>.size + bytes.count + (isAbstract ? 0 : 1)
        let result = unsafe withUnsafePointer(to: &name) {
            unsafe cloister_bind(CInt(socket.number), $0, socklen_t(length))
        }
        guard result == 0 else { throw TestFault("bind \(address): \(errno)") }
        return socket
    }

    /// The number of bytes that a direction holds before its writer has to wait.
    package static func setSendBuffer(_ socket: borrowing OwnedFD, to bytes: CInt) {
        var bytes = bytes
        unsafe setsockopt(
            CInt(socket.number), SOL_SOCKET, SO_SNDBUF, &bytes, socklen_t(MemoryLayout<CInt>.size))
    }
}
