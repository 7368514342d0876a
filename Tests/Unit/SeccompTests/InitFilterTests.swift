import Glibc
import TestSupport
import Testing

@Suite struct InitFilterTests {
    @Test(
        "Process 1 that executes, forks, connects or traces has been taken over, and ends",
        arguments: [
            "execve 0 0 0", "execveat -1 0 0 0 0", "clone 0x00010000", "clone3 0 0", "socket 1 1 0",
            "socketpair 1 1 0 0", "connect -1 0 0", "ptrace 2 0 0 0", "bpf 999 0 0", "unshare 0xffffffff",
            "mount 0 0 0 0 0", "io_uring_setup 0 0", "pidfd_getfd -1 -1 1",
        ])
    func killed(_ call: String) throws {
        #expect(try Walled.call("initial", call) == "killed")
        #expect(try Walled.call("program", call) != "killed")
        #expect(try Walled.call("none", call) != "killed")
    }

    @Test(
        "What it does not need is refused, although programs may have it",
        arguments: [
            "prctl 3 0 0 0 0", "ioctl -1 0x5401 0", "chdir 0", "inotify_init1 0", "setuid -1",
            "sched_getparam 0 1",
            "shmget 0 1 0x200", "mknodat -1 0 0x1000",
        ])
    func refused(_ call: String) throws {
        #expect(try Walled.call("initial", call) == "EPERM")
        #expect(try Walled.call("program", call) != "EPERM")
    }

    @Test(
        "What it works with is as without a filter",
        arguments: [
            "openat2 -1 0 0 24", "getdents64 -1 0 0", "renameat2 -1 0 -1 0 0", "unlinkat -1 0 0",
            "copy_file_range -1 0 -1 0 0 0", "memfd_create 0 0", "sendmsg -1 0 0", "recvmsg -1 0 0",
            "mmap 0 4096 7 0x22 -1 0", "wait4 -1 0 1 0", "pidfd_send_signal -1 0 0 0", "statx -1 0 0 0 0",
            "getrandom 0 0 0", "prlimit64 0 7 0 0", "futex 0 999", "close_range 1000 1001 0",
        ])
    func allowed(_ call: String) throws {
        let bare = try Walled.call("none", call)
        #expect(try Walled.call("initial", call) == bare)
        #expect(bare != "EPERM")
    }
}
