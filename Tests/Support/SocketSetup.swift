import CLinux
import Glibc
import Linux

// Sockets that the programs never make themselves, but service managers and other peers do.

extension UnixSocket {
    package static func bindDatagram(to address: String) throws -> OwnedFD {
        try bind(SOCK_DGRAM, to: address)
    }

    /// A leading `@` names the abstract namespace.
    private static func bind(_ type: __socket_type, to address: String) throws -> OwnedFD {
        let raw = socket(AF_UNIX, CInt(type.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0 else { throw TestFault("socket: \(errno)") }
        let made = try OwnedFD(inherited: Int(raw))
        let bytes = Array(address.utf8)
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        let isAbstract = bytes.first == UInt8(ascii: "@")
        unsafe withUnsafeMutableBytes(of: &name.sun_path) { path in
            unsafe path.copyBytes(from: isAbstract ? [0] + bytes.dropFirst() : bytes)
        }
        let length = MemoryLayout<sa_family_t>.size + bytes.count + (isAbstract ? 0 : 1)
        let result = unsafe withUnsafePointer(to: &name) {
            unsafe cloister_bind(raw, $0, socklen_t(length))
        }
        guard result == 0 else { throw TestFault("bind \(address): \(errno)") }
        return made
    }

    /// What systemd hands over when a unit says ListenSequentialPacket=.
    package static func listenForPackets(at path: String) throws -> OwnedFD {
        let made = try bind(SOCK_SEQPACKET, to: path)
        guard Glibc.listen(CInt(made.number), 8) == 0 else { throw TestFault("listen: \(errno)") }
        return made
    }

    /// What it hands over for a port of the network: some free one.
    package static func listenOnNetwork() throws -> OwnedFD {
        let raw = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0, Glibc.listen(raw, 8) == 0 else { throw TestFault("listen: \(errno)") }
        return try OwnedFD(inherited: Int(raw))
    }

    /// The number of bytes that a direction holds before its writer has to wait.
    package static func setSendBuffer(_ socket: borrowing OwnedFD, to bytes: CInt) {
        var bytes = bytes
        unsafe setsockopt(
            CInt(socket.number), SOL_SOCKET, SO_SNDBUF, &bytes, socklen_t(MemoryLayout<CInt>.size))
    }
}
