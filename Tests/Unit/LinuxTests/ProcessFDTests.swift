import Glibc
import Linux
import TestSupport
import Testing

@Suite struct ProcessFDTests {
    /// Started by the test and reaped here, not by its owner.
    private func shell(_ script: String) throws -> RunningProgram {
        try RunningProgram("/bin/sh", ["-c", script])
    }

    @Test("The exit status of a child is reaped once", arguments: [0, 1, 7, 255] as [CInt])
    func exitStatus(status: CInt) throws {
        let child = try shell("exit \(status)")
        let pidfd = try ProcessFD.open(child.pid)
        #expect(!Deadline().poll(pidfd, .read).isEmpty)
        #expect(try ProcessFD.reap(pidfd) == .exited(status))
        #expect(throws: SystemError("waitid", Errno(rawValue: ECHILD))) {
            _ = try ProcessFD.reap(pidfd)
        }
    }

    @Test(
        "A child that runs is not reaped; the signal that ends it is told",
        arguments: [SIGTERM, SIGKILL, SIGABRT])
    func signalled(signal: CInt) throws {
        let child = try shell("ulimit -c 0; exec sleep 3600")
        let pidfd = try ProcessFD.open(child.pid)
        #expect(isCloseOnExec(pidfd) == true)
        #expect(try ProcessFD.reap(pidfd) == nil)
        try ProcessFD.kill(pidfd, signal)
        #expect(!Deadline().poll(pidfd, .read).isEmpty)
        #expect(try ProcessFD.reap(pidfd) == .signalled(signal))
    }

    @Test("A process that is gone gets no signal, whoever has its number now")
    func gone() throws {
        let child = try shell("exit 0")
        let pidfd = try ProcessFD.open(child.pid)
        try child.waitForEnd()
        #expect(throws: SystemError("pidfd_send_signal", .noProcess)) {
            try ProcessFD.kill(pidfd, SIGKILL)
        }
        #expect(throws: SystemError("pidfd_open", .noProcess, "\(child.pid)")) {
            _ = try ProcessFD.open(child.pid)
        }
    }

    @Test("A process that is not our child cannot be reaped, and what is no process cannot be opened")
    func foreign() throws {
        let parent = try ProcessFD.open(Process.parent)
        #expect(throws: SystemError("waitid", Errno(rawValue: ECHILD))) {
            _ = try ProcessFD.reap(parent)
        }
        #expect(throws: SystemError("pidfd_open", .invalid, "-1")) { _ = try ProcessFD.open(-1) }
    }
}
