import CLinux
import Glibc

/// For the programs in a cell, and for the small process that starts them.
package enum ProgramFilter {
    package static let table = FilterTable(
        name: "program", otherwise: .fail(ENOSYS), groups: allowed + refused, narrowings: narrowings)

    private static let allowed = [
        CallGroup(
            .allow, "files: which ones, the file view and Landlock decide",
            """
            open openat openat2 creat close close_range read write readv writev pread64 pwrite64 preadv pwritev
            preadv2 pwritev2 lseek dup dup2 dup3 fcntl flock fsync fdatasync sync syncfs sync_file_range
            truncate ftruncate fallocate fadvise64 readahead copy_file_range sendfile splice tee vmsplice
            stat lstat fstat newfstatat statx statfs fstatfs access faccessat faccessat2 getdents getdents64
            mkdir mkdirat mknod mknodat rmdir unlink unlinkat rename renameat renameat2 link linkat symlink
            symlinkat readlink readlinkat chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat umask
            utime utimes futimesat utimensat getcwd chdir fchdir ioctl pipe pipe2 memfd_create
            setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr
            removexattr lremovexattr fremovexattr setxattrat getxattrat listxattrat removexattrat
            inotify_init inotify_init1 inotify_add_watch inotify_rm_watch
            """),
        CallGroup(
            .allow, "memory of its own",
            """
            brk mmap munmap mprotect mremap msync madvise mincore mlock mlock2 munlock mlockall munlockall
            pkey_alloc pkey_free pkey_mprotect membarrier map_shadow_stack get_mempolicy mseal
            """),
        CallGroup(
            .allow, "processes and threads; clone is narrowed, and clone3 is taken away by DoorFilter",
            """
            clone clone3 fork vfork execve execveat exit exit_group wait4 waitid set_tid_address
            set_robust_list get_robust_list rseq futex futex_waitv futex_wake futex_wait futex_requeue
            getpid getppid gettid getpgid getpgrp setpgid getsid setsid pidfd_open pidfd_send_signal
            prctl arch_prctl personality getrlimit setrlimit prlimit64 getrusage times getcpu
            getpriority setpriority ioprio_get ioprio_set sched_yield sched_setparam sched_getparam
            sched_setscheduler sched_getscheduler sched_get_priority_max sched_get_priority_min
            sched_rr_get_interval sched_setaffinity sched_getaffinity sched_setattr sched_getattr
            """),
        CallGroup(
            .allow, "who it is: without capabilities nobody becomes anybody else",
            """
            getuid geteuid getgid getegid getgroups setgroups setuid setgid setreuid setregid setresuid
            getresuid setresgid getresgid setfsuid setfsgid capget capset
            """),
        CallGroup(
            .allow, "signals: whom they reach, the process namespace decides",
            """
            rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigqueueinfo
            rt_tgsigqueueinfo rt_sigsuspend sigaltstack kill tkill tgkill pause restart_syscall
            signalfd signalfd4
            """),
        CallGroup(
            .allow, "time: reading it, and waiting",
            """
            time gettimeofday clock_gettime clock_getres nanosleep clock_nanosleep alarm getitimer setitimer
            timer_create timer_settime timer_gettime timer_getoverrun timer_delete timerfd_create
            timerfd_settime timerfd_gettime
            """),
        CallGroup(
            .allow, "waiting for many things",
            """
            poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait
            epoll_pwait2 eventfd eventfd2 io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents
            """),
        CallGroup(
            .allow, "sockets, of the families below, in a network of the cell's own",
            """
            socket socketpair bind connect listen accept accept4 getsockname getpeername sendto recvfrom
            sendmsg recvmsg sendmmsg recvmmsg shutdown setsockopt getsockopt
            """),
        CallGroup(
            .allow,
            "System V and POSIX queues, semaphores and shared memory, in a namespace of the cell's own",
            """
            shmget shmat shmctl shmdt semget semop semctl semtimedop msgget msgsnd msgrcv msgctl
            mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr
            """),
        CallGroup(.allow, "harmless facts, and chance", "uname sysinfo getrandom"),
        CallGroup(
            .allow, "a program may tighten its own walls",
            "seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self"),
    ]

    private static let refused = [
        CallGroup(
            .fail(EPERM), "the file view is fixed",
            """
            mount umount2 pivot_root chroot move_mount open_tree open_tree_attr fsopen fsconfig fsmount fspick
            mount_setattr statmount listmount
            """),
        CallGroup(
            .fail(EPERM),
            "namespaces: in a new one a program would have capabilities, and the kernel's code "
                + "behind them is where most ways out were found", "unshare setns"),
        CallGroup(
            .fail(EPERM), "other processes' memory and descriptors",
            """
            ptrace process_vm_readv process_vm_writev process_madvise process_mrelease pidfd_getfd kcmp
            """),
        CallGroup(
            .fail(EPERM), "large and young parts of the kernel, which programs do without",
            """
            bpf perf_event_open io_uring_setup io_uring_enter io_uring_register userfaultfd memfd_secret
            cachestat remap_file_pages
            """),
        CallGroup(.fail(EPERM), "keys are not kept apart by namespaces", "add_key request_key keyctl"),
        CallGroup(
            .fail(EPERM), "a handle opens a file without a path, so past the file view",
            "open_by_handle_at name_to_handle_at"),
        CallGroup(.fail(EPERM), "reports of what others do with files", "fanotify_init fanotify_mark"),
        CallGroup(.fail(EPERM), "the kernel's modules", "init_module finit_module delete_module"),
        CallGroup(
            .fail(EPERM), "where memory lies, which says something about its neighbours",
            "set_mempolicy set_mempolicy_home_node mbind migrate_pages move_pages"),
        CallGroup(
            .fail(EPERM), "the machine's settings: a program that tries is told so, and lives",
            """
            reboot swapon swapoff sethostname setdomainname settimeofday clock_settime adjtimex clock_adjtime
            syslog acct quotactl quotactl_fd vhangup sysfs ustat nfsservctl
            lsm_get_self_attr lsm_set_self_attr lsm_list_modules
            """),
        CallGroup(
            .fail(EPERM), "16-bit segments: a kernel's exploit needs them more often than a program",
            "modify_ldt"),
        CallGroup(
            .kill,
            "another kernel in place of this one, and bare hardware: no program of a cell tries that "
                + "by mistake, so whoever does has taken one over", "kexec_load kexec_file_load iopl ioperm"),
        CallGroup(
            .fail(ENOSYS), "gone from the kernel, or never in it",
            """
            _sysctl afs_syscall create_module get_kernel_syms query_module getpmsg putpmsg lookup_dcookie
            security tuxcall uselib vserver epoll_ctl_old epoll_wait_old set_thread_area get_thread_area
            """),
    ]

    // MARK: Narrowings

    private static let narrowings = namespaces + terminals + sockets + devices + process

    /// The same as unshare; in clone3 the flags are in memory, where a filter cannot look.
    private static let namespaces = [
        CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET,
    ].map { flag in
        Narrowing("clone", EPERM, .bits(0, UInt32(flag), are: UInt32(flag)))
    }

    /// Typing into somebody's terminal, pasting from a console, changing what a line means.
    private static let terminals = [TIOCSTI, TIOCLINUX, TIOCSETD, TIOCCONS].map { command in
        Narrowing("ioctl", EPERM, .int(1, is: UInt32(command)))
    }

    /// Local sockets, TCP and UDP (and ICMP echo, which is a datagram too); the rest of the kernel's protocols
    /// is loaded on demand and little tested.
    private static let sockets: [Narrowing] = {
        let (local, ip, ipv6) = (UInt32(AF_UNIX), UInt32(AF_INET), UInt32(AF_INET6))
        var all = ["socket", "socketpair"].map { Narrowing($0, EAFNOSUPPORT, .above(0, UInt64(ipv6))) }
        all += (0..<ipv6).filter { $0 != local && $0 != ip }
            .map { Narrowing("socket", EAFNOSUPPORT, .int(0, is: $0)) }
        all += (0...ipv6).filter { $0 != local }
            .map { Narrowing("socketpair", EAFNOSUPPORT, .int(0, is: $0)) }
        let typeMask: UInt32 = 0xF
        let (stream, datagram) = (UInt32(1), UInt32(2))
        for family in [ip, ipv6] {
            all += (0...typeMask).filter { $0 != stream && $0 != datagram }.map {
                Narrowing("socket", EPERM, .int(0, is: family), .bits(1, typeMask, are: $0))
            }
            all += [(stream, IPPROTO_TCP), (datagram, IPPROTO_UDP)].map { type, highest in
                Narrowing(
                    "socket", EPROTONOSUPPORT, .int(0, is: family), .bits(1, typeMask, are: type),
                    .above(2, UInt64(highest)))
            }
        }
        return all
    }()

    /// Files and pipes may be made by mknod, devices not.
    private static let devices = [("mknod", UInt32(1)), ("mknodat", 2)].flatMap { call, mode in
        [Glibc.S_IFCHR, Glibc.S_IFBLK].map {
            Narrowing(call, EPERM, .bits(mode, UInt32(Glibc.S_IFMT), are: UInt32($0)))
        }
    }

    private static let process: [Narrowing] = {
        // Where its code, its stack and its name lie is no program's business but a checkpointer's.
        var all = [Narrowing("prctl", EPERM, .int(0, is: UInt32(PR_SET_MM)))]
        // Of the personalities only plain Linux, with or without random addresses, and the question which it
        // is (all bits set). Any other bit weakens or changes the memory of what is executed next: it is
        // refused with the highest bit clear; with the highest bit set, unless all are.
        let highest: UInt32 = 31
        let noRandomAddresses: UInt32 = 18
        for bit in 0..<highest {
            let both: UInt32 = 1 << highest | 1 << bit
            if bit != noRandomAddresses {
                all.append(Narrowing("personality", EPERM, .bits(0, both, are: 1 << bit)))
            }
            all.append(Narrowing("personality", EPERM, .bits(0, both, are: 1 << highest)))
        }
        return all
    }()
}
