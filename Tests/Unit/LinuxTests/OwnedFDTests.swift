import Glibc
import Linux
import TestSupport
import Testing

@Suite struct OwnedFDTests {
    @Test("Leaving scope closes, and nothing else does")
    func closes() throws {
        let pipe = try Linux.Pipe()
        let before = try openDescriptors(of: pipe.reading)
        do {
            let copy = try pipe.reading.duplicate()
            #expect(try openDescriptors(of: pipe.reading) == before + 1)
            borrow(copy)
            #expect(try openDescriptors(of: pipe.reading) == before + 1)
        }
        #expect(try openDescriptors(of: pipe.reading) == before)
        consume(try pipe.reading.duplicate())
        #expect(try openDescriptors(of: pipe.reading) == before)
    }

    private func borrow(_ fd: borrowing OwnedFD) {}
    private func consume(_ fd: consuming OwnedFD) {}

    // In a process of its own: here other tests would take a number as soon as it is free.
    @Test("It closes exactly once: a number that was given out anew stays open")
    func closesOnce() async {
        await #expect(processExitsWith: .success) {
            let keeper = try File.open("/dev/null")
            let first = try keeper.duplicate()
            let number = first.number
            _ = consume first
            let second = try keeper.duplicate()
            guard second.number == number else { throw TestFault("another number") }
            let moved = consume second
            guard fcntl(CInt(number), F_GETFD) >= 0 else { throw TestFault("closed when moved") }
            _ = consume moved
            guard fcntl(CInt(number), F_GETFD) < 0 else { throw TestFault("open after all") }
        }
    }

    @Test("A descriptor that was closed behind its owner's back is our own bug, and traps")
    func trap() async {
        await #expect(processExitsWith: .failure) {
            let fd = try File.open("/dev/null")
            close(CInt(fd.number))
            // An error is not enough: that would be an end in good order.
            do { try fd.setBlocking(true) } catch { exit(EXIT_SUCCESS) }
        }
        // The same without the bug.
        await #expect(processExitsWith: .success) {
            let fd = try File.open("/dev/null")
            try fd.setBlocking(true)
        }
    }

    @Test("A number that is not open cannot be taken over")
    func inherited() {
        #expect(throws: SystemError("fcntl", .badDescriptor, "descriptor 1000000")) {
            _ = try OwnedFD(inherited: 1_000_000)
        }
    }

    @Test("A copy is close-on-exec and shares the open file")
    func duplicate() throws {
        let pipe = try Linux.Pipe()
        let copy = try pipe.reading.duplicate()
        #expect(copy.number >= 3)
        #expect(isCloseOnExec(copy) == true)
        try copy.setBlocking(false)
        #expect(isBlocking(pipe.reading) == false)
        try copy.setBlocking(true)
        #expect(isBlocking(pipe.reading) == true)
    }

    @Test("A reopened pipe is the same pipe with a mode of its own")
    func reopenedPipe() throws {
        let pipe = try Linux.Pipe()
        let own = try pipe.writing.reopenedPipe()
        #expect(isBlocking(own) == false)
        #expect(isBlocking(pipe.writing) == true)
        #expect(isCloseOnExec(own) == true)
        #expect(try own.write([1, 2].span) == 2)
        #expect(try pipe.reading.readSome(atMost: 10) == [1, 2])
        // Full is "not now".
        let page = [UInt8](repeating: 0, count: 4096)
        while try own.write(page.span) != nil {}
        #expect(try own.write(page.span) == nil)
    }

    @Test("It knows what it is open on")
    func types() throws {
        let pipe = try Linux.Pipe()
        #expect(pipe.reading.type == .pipe)
        #expect(pipe.writing.type == .pipe)
        #expect(try UnixSocket.make(.stream).type == .socket)
        #expect(try File.open("/dev/null").type == .other)
        #expect(try File.open("/").type == .other)
    }

    @Test("Reading tells nothing yet from the end")
    func reading() throws {
        let pipe = try Linux.Pipe()
        try pipe.reading.setBlocking(false)
        #expect(try pipe.reading.readSome(atMost: 4) == nil)
        #expect(try pipe.writing.write([1, 2, 3, 4, 5].span) == 5)
        #expect(try pipe.reading.readSome(atMost: 4) == [1, 2, 3, 4])
        #expect(try pipe.reading.readSome(atMost: 4) == [5])
        #expect(try File.open("/dev/null").readSome(atMost: 4) == [])
    }
}
