import CLinux
import Glibc

/// The process of a cell that starts its programs (CLinux/starter.h), seen from the cell's first process.
package struct Starter: ~Copyable {
    package struct Program: Equatable, Sendable {
        package let arguments: [String]
        package let environment: [String]

        package init(_ arguments: [String], environment: [String]) {
            (self.arguments, self.environment) = (arguments, environment)
        }
    }

    package enum Answer: Equatable, Sendable {
        case started(pid_t)
        /// By which call, and why.
        case failed(SystemError)
    }

    package let socket: OwnedFD
    package let pid: pid_t

    /// Forks it. It lives under `filter` and these rules, and its programs under `door` as well.
    package static func start(
        filter: SeccompProgram?, door: SeccompProgram?,
        under rules: borrowing DescriptorTable = DescriptorTable()
    ) throws(SystemError) -> Starter {
        let pair = try UnixSocket.pair(.packet)
        try pair.other.setBlocking(true)
        var starter = unsafe cloister_starter()
        unsafe starter.socket = pair.other.raw
        unsafe starter.ruleset = try unsafe rules.withRaw { (raw) throws(SystemError) in
            unsafe raw.first ?? -1
        }
        // Copied, because the starter keeps them for as long as it lives: its memory is a copy of ours.
        let filters = [filter, door].map { $0?.instructions ?? [] }
        let memory = unsafe filters.map { bytes in
            let copy = UnsafeMutableRawPointer.allocate(byteCount: max(1, bytes.count), alignment: 8)
            unsafe copy.copyMemory(from: bytes, byteCount: bytes.count)
            return unsafe copy
        }
        defer { unsafe memory.forEach { unsafe $0.deallocate() } }
        unsafe starter.filter = UnsafeRawPointer(memory[0])
        unsafe starter.filter_length = UInt16(filter?.instructionCount ?? 0)
        unsafe starter.door = UnsafeRawPointer(memory[1])
        unsafe starter.door_length = UInt16(door?.instructionCount ?? 0)
        let pid = try systemCall("fork") { unsafe cloister_fork_starter(&starter) }
        return Starter(socket: pair.keepOne(), pid: pid)
    }

    /// Waits until it is under its filter. Apart from the start, because loading a filter takes a while, in which
    /// its parent has other things to do.
    package borrowing func awaitReadiness() throws(SystemError) {
        var polled = PollSet()
        polled.add(socket, .read)
        try polled.wait(milliseconds: 10_000)
        guard let ready = try receive() else { throw SystemError("recv", .wouldBlock, "the starter") }
        guard ready.stage == 0 else { throw SystemError("seccomp", Errno(rawValue: ready.error)) }
    }

    /// Asks for a program. The answer comes when it has been executed, or could not be; answers come in the
    /// order of what was asked.
    package borrowing func ask(
        _ program: Program, in directory: borrowing OwnedFD, input: borrowing OwnedFD,
        output: borrowing OwnedFD, error: borrowing OwnedFD, group: borrowing DescriptorTable
    ) throws(SystemError) {
        var fds = [directory.raw, input.raw, output.raw, error.raw]
        try unsafe group.withRaw { (raw) throws(SystemError) in fds += unsafe Array(raw.prefix(1)) }
        let message = Self.encode(program, hasGroup: fds.count > 4)
        let raw = socket.raw
        try systemCall("sendmsg", on: "the starter") {
            unsafe cloister_send_fds(raw, message, message.count, fds, CInt(fds.count))
        }
    }

    /// The next answer; `nil` when there is none now.
    package borrowing func nextAnswer() throws(SystemError) -> Answer? {
        guard let reply = try receive() else { return nil }
        let errno = Errno(rawValue: reply.error)
        return switch Int(reply.stage) {
        case 0: .started(reply.pid)
        case Int(cloister_stage_request): .failed(SystemError("start", errno))
        case Int(cloister_stage_clone): .failed(SystemError("clone3", errno))
        case Int(cloister_stage_setup): .failed(SystemError("prepare", errno))
        default: .failed(SystemError("execve", errno))
        }
    }

    private borrowing func receive() throws(SystemError) -> cloister_start_reply? {
        var reply = cloister_start_reply()
        let raw = socket.raw
        let size = try nonBlockingCall("recv") {
            unsafe recv(raw, &reply, MemoryLayout<cloister_start_reply>.size, CInt(MSG_DONTWAIT))
        }
        guard let size else { return nil }
        guard size == MemoryLayout<cloister_start_reply>.size else {
            throw SystemError("recv", .brokenPipe, "the starter")
        }
        return reply
    }

    package static let mostBytes = Int(cloister_longest_start)

    private static func encode(_ program: Program, hasGroup: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        let header = [
            UInt32(program.arguments.count), UInt32(program.environment.count), hasGroup ? 1 : 0, 0,
        ]
        for word in header { unsafe withUnsafeBytes(of: word) { unsafe bytes.append(contentsOf: $0) } }
        for text in program.arguments + program.environment {
            bytes.append(contentsOf: text.utf8)
            bytes.append(0)
        }
        return bytes
    }
}

/// Children that have ended, whoever started them: for a process that is everybody's parent.
package enum Orphans {
    package struct Ended: Sendable {
        package let pid: pid_t
        package let status: ProcessFD.Status
        package let cpuMicroseconds: UInt64
        package let peakMemoryBytes: UInt64
    }

    /// One of them; `nil` when there is none now.
    package static func reap() -> Ended? {
        var (status, signal): (CInt, CInt) = (0, 0)
        var usage = rusage()
        let pid = unsafe cloister_wait_any(&status, &signal, &usage)
        guard pid > 0 else { return nil }
        func microseconds(_ time: timeval) -> UInt64 {
            UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_usec)
        }
        return Ended(
            pid: pid, status: signal == 0 ? .exited(status) : .signalled(signal),
            cpuMicroseconds: microseconds(usage.ru_utime) + microseconds(usage.ru_stime),
            peakMemoryBytes: UInt64(usage.ru_maxrss) << 10)
    }
}
