import Glibc
import TestSupport
import Testing

/// What programs may not do. The arguments are such that the kernel, without a filter, refuses the call for
/// another reason: nothing here changes the machine, even where a filter does not hold.
@Suite struct RefusedCallTests {
    struct Attempt: Sendable, CustomTestStringConvertible {
        let call: String
        let answer: String
        init(_ call: String, _ answer: String) { (self.call, self.answer) = (call, answer) }
        var testDescription: String { call }
    }

    static func all(_ answer: String, _ calls: String) -> [Attempt] {
        calls.split(separator: "\n").map { Attempt(String($0), answer) }
    }

    static let fileView = all(
        "EPERM",
        """
        mount 0 0 0 0 0
        umount2 0 0
        pivot_root 0 0
        chroot 0
        move_mount -1 0 -1 0 0
        open_tree -1 0 0
        fsopen 0 0
        fsconfig -1 99 0 0 0
        fsmount -1 0 0
        fspick -1 0 0
        mount_setattr -1 0 0 0 0
        mknod 0 0x2000
        mknod 0 0x6000
        mknodat -1 0 0x2000
        open_by_handle_at -1 0 0
        name_to_handle_at -1 0 0 0 0xffffffff
        fanotify_init 0xffffffff
        fanotify_mark -1 0 0 0 0
        """)

    /// CLONE_THREAD without what it needs is an error, with or without a new namespace.
    static let namespaces = all(
        "EPERM",
        """
        unshare 0xffffffff
        setns -1 0
        clone 0x00030000
        clone 0x02010000
        clone 0x04010000
        clone 0x08010000
        clone 0x10010000
        clone 0x20010000
        clone 0x40010000
        clone 0xffffffff10010000
        """)

    static let otherProcesses = all(
        "EPERM",
        """
        ptrace 2 0 0 0
        process_vm_readv 1 0 0 0 0 1
        process_vm_writev 1 0 0 0 0 1
        process_madvise -1 0 0 0 1
        process_mrelease -1 1
        pidfd_getfd -1 -1 1
        kcmp -1 -1 0 0 0
        prctl 35 0 0 0 1
        prctl 0xffffffff00000023 0 0 0 1
        """)

    static let kernel = all(
        "EPERM",
        """
        bpf 999 0 0
        perf_event_open 1 0 0 -1 0
        io_uring_setup 0 0
        io_uring_enter -1 0 0 0 0 0
        io_uring_register -1 0 0 0
        userfaultfd 0xffffffff
        memfd_secret 0xffffffff
        add_key 0 0 0 0 0
        request_key 0 0 0 0
        keyctl 9999
        init_module 0 0 0
        finit_module -1 0 0xff
        delete_module 0 0
        set_mempolicy 999 0 0
        mbind 0 0 999 0 0 0
        migrate_pages -1 0 0 0
        move_pages 0 0 0 0 0 0xff
        cachestat -1 0 0 0
        remap_file_pages 1 1 1 1 1
        """)

    static let machine = all(
        "EPERM",
        """
        reboot 0 0 0 0
        swapon 0 0
        swapoff 0
        sethostname 0 -1
        setdomainname 0 -1
        settimeofday 1 0
        clock_settime 9999 0
        adjtimex 0
        clock_adjtime 9999 0
        syslog 999 0 0
        acct 1
        quotactl 0xffffffff 0 0 0
        quotactl_fd -1 0xffffffff 0 0
        """)

    /// The kernel sees 32 bits of a command and of an `int`; what stands above them must not hide it.
    static let arguments =
        all(
            "EPERM",
            """
            ioctl -1 0x5412 0
            ioctl -1 0x541c 0
            ioctl -1 0x541d 0
            ioctl -1 0x5423 0
            ioctl -1 0x100005412 0
            ioctl -1 0xffffffff00005412 0
            socket 2 3 1
            socket 10 3 1
            socket 2 0x80003 1
            socket 2 5 132
            socket 0x100000002 3 1
            personality 0x400000
            personality 0x100000
            personality 8
            personality 0x80000000
            personality 0xfffffffe
            """)
        + all(
            "EAFNOSUPPORT",
            """
            socket 0x100000001 1 0
            socket 16 3 0
            socket 17 0 0
            socket 40 1 0
            socket 0x100000010 3 0
            socket 0 15 0
            socket 3 15 0
            socket 9 15 0
            socket 38 15 0
            socketpair 2 1 0 0
            socketpair 30 1 0 0
            """)
        + all("EPROTONOSUPPORT", "socket 2 1 262\nsocket 10 1 0xffffffff\nsocket 2 2 136")

    @Test(
        "A call is refused with its errno, and without the filter it is something else",
        .enabled(if: geteuid() == 0, "the kernel itself refuses them to everybody but root"),
        arguments: [fileView, namespaces, otherProcesses, kernel, machine, arguments].joined().map(\.self))
    func refused(_ attempt: Attempt) throws {
        #expect(try Walled.call("program", attempt.call) == attempt.answer)
        let bare = try Walled.call("none", attempt.call)
        #expect(bare != attempt.answer && bare != "killed")
    }

    @Test(
        "What only somebody does who has taken a program over ends it",
        arguments: ["kexec_load 0 0 0 0xffff", "kexec_file_load -1 -1 0 0 0xffff"])
    func killed(_ call: String) throws {
        #expect(try Walled.call("program", call) == "killed")
        #expect(try Walled.call("none", call) != "killed")
    }

    @Test(
        "The same calls with harmless arguments are allowed",
        arguments: [
            // As without the filter: threads need more than this flag, and the descriptor is none.
            ("clone 0x00010000", "EINVAL"), ("clone3 0 0", "EINVAL"), ("ioctl -1 0x5401 0", "EBADF"),
            ("ioctl -1 0x5413 0", "EBADF"), ("socket 1 1 0", "ok"), ("socket 2 1 0", "ok"),
            ("socket 2 0x80801 6", "ok"), ("socket 10 2 17", "ok"), ("socket 1 5 0", "ok"),
            ("personality 0xffffffff", "ok"), ("personality 0", "ok"), ("personality 0x40000", "ok"),
            ("prctl 3 0 0 0 0", "ok"), ("mknodat -1 0 0x1000", "EFAULT"),
            ("landlock_create_ruleset 0 0 1", "ok"), ("seccomp 2 0 1", "EFAULT"),
        ])
    func allowed(_ call: String, answer: String) throws {
        #expect(try Walled.call("program", call) == answer)
        #expect(try Walled.call("none", call) == answer)
    }

    @Test("clone3 does not exist behind the door, and everything else is as before it")
    func door() throws {
        #expect(try Walled.call("program+door", "clone3 0 0") == "ENOSYS")
        #expect(try Walled.call("program+door", "getpid") == "ok")
        #expect(try Walled.call("program+door", "mount 0 0 0 0 0") == "EPERM")
        #expect(try Walled.call("door", "mount 0 0 0 0 0") != "EPERM")
    }

    @Test("A call that is newer than the list does not exist, whatever the kernel has")
    func newer() throws {
        // Not given to anything in this decade; and statmount, which kernels have and the library does not.
        #expect(try Walled.call("program", "1000") == "ENOSYS")
        #expect(try Walled.call("program", "457 0 0 0 0") == "ENOSYS")
    }

    #if arch(x86_64)
        @Test(
            "Calls by another architecture's gate or numbers end the process",
            arguments: ["program", "initial", "door"])
        func architectures(_ filter: String) throws {
            #expect(try Walled.run(["i386", filter]) == "killed")
            // getpid of x32.
            #expect(try Walled.call(filter, "0x40000027") == "killed")
            // A kernel may have been built without either.
            #expect(try ["ok", "ENOSYS"].contains(Walled.call("none", "0x40000027")))
        }
    #endif
}
