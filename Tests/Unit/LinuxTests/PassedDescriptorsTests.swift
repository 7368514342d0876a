import Glibc
import Linux
import TestSupport
import Testing

/// SCM_RIGHTS. Leaks are counted by a pipe of the test's own: how many descriptors are open on it.
@Suite struct PassedDescriptorsTests {
    @Test("A descriptor that was passed works, is ours alone, and is close-on-exec")
    func works() throws {
        let pair = try UnixSocket.pair()
        let pipe = try Linux.Pipe()
        #expect(try UnixSocket.send(pair.one, Array("take this".utf8), passing: pipe.writing) == 9)
        let message = try UnixSocket.receive(pair.other, atMost: 100)
        #expect(message?.bytes == Array("take this".utf8))
        #expect(message?.descriptorCount == 1)
        guard let arrived = message?.takeDescriptor() else { throw TestFault("no descriptor") }
        #expect(arrived.number != pipe.writing.number)
        #expect(isCloseOnExec(arrived) == true)
        #expect(try arrived.write([42].span) == 1)
        #expect(try pipe.reading.readSome(atMost: 10) == [42])
        #expect(message?.descriptorCount == 0)
        let another = message?.takeDescriptor() != nil
        #expect(another == false)
    }

    @Test("Bytes alone are a message without descriptors; nothing yet is nil, the end is empty")
    func bytesAlone() throws {
        let pair = try UnixSocket.pair()
        #expect(try UnixSocket.receive(pair.other, atMost: 10) == nil)
        _ = try UnixSocket.send(pair.one, [1, 2, 3].span)
        let message = try UnixSocket.receive(pair.other, atMost: 10)
        #expect(message?.bytes == [1, 2, 3])
        #expect(message?.descriptorCount == 0)
        UnixSocket.shutdownWriting(pair.one)
        #expect(try UnixSocket.receive(pair.other, atMost: 10)?.bytes == [])
    }

    @Test("As many as fit arrive, and those that nobody takes are closed", arguments: [1, 2, 16])
    func untaken(count: Int) throws {
        let pair = try UnixSocket.pair()
        let pipe = try Linux.Pipe()
        let before = try openDescriptors(of: pipe.writing)
        try sendDescriptors(count, of: pipe.writing, over: pair.one)
        do {
            let message = try UnixSocket.receive(pair.other, atMost: 10)
            #expect(message?.descriptorCount == count)
            #expect(try openDescriptors(of: pipe.writing) == before + count)
            guard let first = message?.takeDescriptor() else { throw TestFault("no descriptor") }
            #expect(isCloseOnExec(first) == true)
        }
        #expect(try openDescriptors(of: pipe.writing) == before)
    }

    @Test("More than fit are refused whole, and none of them leaks", arguments: [17, 18, 100, 253])
    func tooMany(count: Int) throws {
        let pair = try UnixSocket.pair()
        let pipe = try Linux.Pipe()
        let before = try openDescriptors(of: pipe.writing)
        try sendDescriptors(count, of: pipe.writing, over: pair.one)
        #expect(throws: SystemError("recvmsg", .messageTooLong)) {
            _ = try UnixSocket.receive(pair.other, atMost: 10)
        }
        #expect(try openDescriptors(of: pipe.writing) == before)
        // The next message is a message again.
        try sendDescriptors(1, of: pipe.writing, over: pair.one)
        #expect(try UnixSocket.receive(pair.other, atMost: 10)?.descriptorCount == 1)
    }

    @Test("Descriptors of two messages do not mix")
    func twoMessages() throws {
        let pair = try UnixSocket.pair()
        let pipe = try Linux.Pipe()
        try sendDescriptors(2, of: pipe.writing, over: pair.one)
        try sendDescriptors(3, of: pipe.writing, over: pair.one)
        #expect(try UnixSocket.receive(pair.other, atMost: 100)?.descriptorCount == 2)
        #expect(try UnixSocket.receive(pair.other, atMost: 100)?.descriptorCount == 3)
    }
}

/// One byte with that many descriptors beside it: more than Linux.UnixSocket itself would send.
private func sendDescriptors(
    _ count: Int, of fd: borrowing OwnedFD, over socket: borrowing OwnedFD
) throws {
    // A control message: its length, level and type, and the numbers behind.
    let header = MemoryLayout<cmsghdr>.size
    let length = header + count * MemoryLayout<CInt>.size
    let space = (length + 7) & ~7
    let control = UnsafeMutableRawPointer.allocate(byteCount: space, alignment: 8)
    defer { unsafe control.deallocate() }
    unsafe control.initializeMemory(as: UInt8.self, repeating: 0, count: space)
    unsafe control.storeBytes(of: length, as: Int.self)
    unsafe control.storeBytes(of: SOL_SOCKET, toByteOffset: 8, as: CInt.self)
    unsafe control.storeBytes(of: CInt(1), toByteOffset: 12, as: CInt.self)
    for index in 0..<count {
        unsafe control.storeBytes(of: CInt(fd.number), toByteOffset: header + 4 * index, as: CInt.self)
    }
    var byte: UInt8 = 0
    let raw = CInt(socket.number)
    let sent = unsafe withUnsafeMutablePointer(to: &byte) { byte in
        var vector = unsafe iovec(iov_base: byte, iov_len: 1)
        return unsafe withUnsafeMutablePointer(to: &vector) { vector in
            var message = unsafe msghdr()
            unsafe message.msg_iov = vector
            unsafe message.msg_iovlen = 1
            unsafe message.msg_control = control
            unsafe message.msg_controllen = space
            return unsafe sendmsg(raw, &message, 0)
        }
    }
    guard sent == 1 else { throw TestFault("sendmsg: \(Errno.current)") }
}
