import CLinux
import Glibc

/// Unix domain sockets: made close-on-exec and non-blocking, addressed by path or abstract name.
package enum UnixSocket {
    package enum Kind: Sendable {
        case stream, datagram
        /// Connected as a stream is, with the borders of messages kept.
        case packet

        var raw: CInt {
            let type =
                switch self {
                case .stream: SOCK_STREAM
                case .datagram: SOCK_DGRAM
                case .packet: SOCK_SEQPACKET
                }
            return CInt(type.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        }
    }

    package static func make(_ kind: Kind) throws(SystemError) -> OwnedFD {
        OwnedFD(raw: try systemCall("socket") { socket(AF_UNIX, kind.raw, 0) })
    }

    package static func pair(_ kind: Kind = .stream) throws(SystemError) -> Pair {
        var raw: [CInt] = [-1, -1]
        try systemCall("socketpair") { unsafe socketpair(AF_UNIX, kind.raw, 0, &raw) }
        return Pair(one: OwnedFD(raw: raw[0]), other: OwnedFD(raw: raw[1]))
    }

    package struct Pair: ~Copyable {
        package let one: OwnedFD
        package let other: OwnedFD

        /// One end; the other is closed.
        package consuming func keepOne() -> OwnedFD { one }
    }

    /// The longest path that a socket address holds.
    package static let longestPath = 107

    package static func listen(
        at path: String, mode: mode_t, backlog: CInt = 1024
    ) throws(SystemError) -> OwnedFD {
        let socket = try make(.stream)
        try unsafe withAddress(path, "bind") { address, length in
            unsafe cloister_bind(socket.raw, address, length)
        }
        try File.setMode(path, mode)
        try systemCall("listen", on: path) { Glibc.listen(socket.raw, backlog) }
        return socket
    }

    /// Connects at once or fails. `waiting` stands in line while the server's backlog is full, and is not
    /// for a loop's thread.
    package static func connect(
        to path: String, _ kind: Kind = .stream, waiting: Bool = false
    ) throws(SystemError) -> OwnedFD {
        let socket = try make(kind)
        if waiting { try socket.setBlocking(true) }
        try unsafe withAddress(path, "connect") { address, length in
            unsafe cloister_connect(socket.raw, address, length)
        }
        if waiting { try socket.setBlocking(false) }
        return socket
    }

    /// `nil` when nobody is waiting.
    package static func accept(_ listener: borrowing OwnedFD) throws(SystemError) -> OwnedFD? {
        let raw = listener.raw
        guard let accepted = try nonBlockingCall("accept4", { Int(cloister_accept(raw)) }) else {
            return nil
        }
        return OwnedFD(raw: CInt(accepted))
    }

    /// Whether it is one of ours: what listens on the network knows no peer's credentials, and packets are
    /// no stream.
    package static func isListening(_ socket: borrowing OwnedFD, _ kind: Kind = .stream) -> Bool {
        option(socket, SO_ACCEPTCONN, as: CInt.self) == 1
            && option(socket, SO_DOMAIN, as: CInt.self) == AF_UNIX
            && option(socket, SO_TYPE, as: CInt.self) == kind.raw & 0xF
    }

    package static func shutdownWriting(_ socket: borrowing OwnedFD) {
        // A peer that is gone already has no use for our end of file.
        _ = Glibc.shutdown(socket.raw, CInt(SHUT_WR))
    }

    /// For the peer it is closed, whoever else holds it.
    package static func shutdown(_ socket: borrowing OwnedFD) {
        _ = Glibc.shutdown(socket.raw, CInt(SHUT_RDWR))
    }

    /// Sends without SIGPIPE and without blocking, whatever the descriptor's own flags say.
    package static func send(
        _ socket: borrowing OwnedFD, _ bytes: Span<UInt8>
    ) throws(SystemError) -> Int? {
        let raw = socket.raw
        return try nonBlockingCall("send") {
            unsafe bytes.withUnsafeBufferPointer { buffer in
                unsafe cloister_send(raw, buffer.baseAddress, buffer.count)
            }
        }
    }

    // MARK: Descriptors beside bytes (SCM_RIGHTS)

    package static func send(
        _ socket: borrowing OwnedFD, _ bytes: [UInt8], passing fd: borrowing OwnedFD
    ) throws(SystemError) -> Int? {
        let (raw, passed) = (socket.raw, [fd.raw])
        return try nonBlockingCall("sendmsg") {
            unsafe cloister_send_fds(raw, bytes, bytes.count, passed, 1)
        }
    }

    package static func send(
        _ socket: borrowing OwnedFD, _ bytes: [UInt8], passing fds: borrowing DescriptorTable
    ) throws(SystemError) -> Int? {
        let raw = socket.raw
        return try unsafe fds.withRaw { (passed) throws(SystemError) in
            try nonBlockingCall("sendmsg") {
                unsafe cloister_send_fds(raw, bytes, bytes.count, passed.baseAddress, CInt(passed.count))
            }
        }
    }

    /// One message and the descriptors that came with it; `nil` when there is nothing now. `waiting` blocks
    /// until there is.
    package static func receive(
        _ socket: borrowing OwnedFD, atMost count: Int, waiting: Bool = false
    ) throws(SystemError) -> ReceivedMessage? {
        let raw = socket.raw
        var fds = [CInt](repeating: -1, count: cloister_most_fds)
        var fdCount: CInt = 0
        var outcome: Result<Int?, SystemError> = .success(nil)
        // Not filled with zeroes first: most messages are short, and touch little of the room for the longest.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, length in
            do throws(SystemError) {
                let received = try nonBlockingCall("recvmsg") {
                    unsafe cloister_receive(
                        raw, buffer.baseAddress, count, &fds, &fdCount, waiting ? 0 : CInt(MSG_DONTWAIT))
                }
                outcome = .success(received)
                length = received ?? 0
            } catch {
                outcome = .failure(error)
                length = 0
            }
        }
        guard try outcome.get() != nil else { return nil }
        return ReceivedMessage(bytes: bytes, taking: fds[..<Int(fdCount)])
    }

    /// Owns the descriptors that came with a message until they are taken; closes the rest.
    // Unchecked: handed on from one owner to the next, never shared.
    package final class ReceivedMessage: @unchecked Sendable {
        package let bytes: [UInt8]
        private var untaken: [CInt]

        init(bytes: [UInt8], taking fds: ArraySlice<CInt>) {
            self.bytes = bytes
            untaken = Array(fds)
        }

        deinit { for raw in untaken { _ = OwnedFD(raw: raw) } }

        package var descriptorCount: Int { untaken.count }

        package func takeDescriptor() -> OwnedFD? {
            untaken.isEmpty ? nil : OwnedFD(raw: untaken.removeFirst())
        }
    }

    // MARK: Options and addresses

    static func option<Value: BitwiseCopyable>(
        _ socket: borrowing OwnedFD, _ name: CInt, as type: Value.Type
    ) -> Value? {
        var length = socklen_t(MemoryLayout<Value>.size)
        let raw = socket.raw
        return unsafe withUnsafeTemporaryAllocation(of: Value.self, capacity: 1) { space in
            let result = unsafe getsockopt(raw, SOL_SOCKET, name, space.baseAddress, &length)
            guard result == 0, length == MemoryLayout<Value>.size else { return nil }
            return unsafe space[0]
        }
    }

    /// Room for what has been sent and not yet read. What may be set beyond the machine's limit for everybody
    /// is the privileged's, and less is no error: it only costs turns.
    package static func setSendRoom(_ socket: borrowing OwnedFD, _ bytes: Int) {
        var count = CInt(bytes)
        let size = socklen_t(MemoryLayout<CInt>.size)
        let raw = socket.raw
        if unsafe setsockopt(raw, SOL_SOCKET, SO_SNDBUFFORCE, &count, size) != 0 {
            _ = unsafe setsockopt(raw, SOL_SOCKET, SO_SNDBUF, &count, size)
        }
    }

    /// A leading `@` names the abstract namespace, as systemd writes it.
    private static func withAddress(
        _ path: String, _ call: StaticString,
        _ body: (UnsafePointer<sockaddr_un>, socklen_t) -> CInt
    ) throws(SystemError) {
        var bytes = Array(path.utf8)
        guard bytes.count <= longestPath, !bytes.isEmpty, !bytes.contains(0) else {
            throw SystemError(call, bytes.isEmpty ? .invalid : .nameTooLong, path)
        }
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let isAbstract = bytes[0] == 0
        let header = MemoryLayout<sockaddr_un>.offset(of: \.sun_path)!
        let length = socklen_t(header + bytes.count + (isAbstract ? 0 : 1))
        try systemCall(call, on: path) {
            unsafe withUnsafePointer(to: &address) { unsafe body($0, length) }
        }
    }
}
