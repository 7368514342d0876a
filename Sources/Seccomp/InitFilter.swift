import CLinux
import Glibc

/// For process 1 of a cell: it serves requests for files, searches with PCRE2 and its JIT, and reaps. It never
/// starts, executes or connects anything itself, so whoever makes it try has taken it over: it ends, and the
/// cell with it.
package enum InitFilter {
    package static let table = FilterTable(
        name: "initial", otherwise: .fail(ENOSYS), groups: allowed + killed + refused, narrowings: [])

    private static let allowed = [
        CallGroup(
            .allow, "files, by descriptor; the few by path alone are those that the C library still makes",
            """
            openat openat2 close close_range read write readv writev pread64 pwrite64 preadv pwritev lseek
            dup dup2 dup3 fcntl flock fsync fdatasync ftruncate fallocate fadvise64 copy_file_range
            fstat newfstatat statx fstatfs faccessat faccessat2 access readlink readlinkat getdents64
            mkdirat unlinkat renameat renameat2 linkat symlinkat fchmod fchmodat fchmodat2 utimensat
            getcwd umask pipe2 memfd_create
            """),
        CallGroup(
            .allow, "memory, which PCRE2's JIT makes executable",
            "brk mmap munmap mprotect mremap madvise membarrier"),
        CallGroup(
            .allow, "its sockets, which it was given; descriptors come and go by them",
            "sendto recvfrom sendmsg recvmsg shutdown getsockopt"),
        CallGroup(
            .allow, "waiting, and time",
            """
            poll ppoll epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd2 signalfd4
            timerfd_create timerfd_settime timerfd_gettime clock_gettime clock_getres clock_nanosleep
            nanosleep gettimeofday time futex sched_yield restart_syscall
            """),
        CallGroup(
            .allow, "ending and reaping processes",
            """
            wait4 waitid kill tgkill pidfd_open pidfd_send_signal exit exit_group
            rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack
            """),
        CallGroup(
            .allow, "facts about itself",
            """
            getpid getppid gettid getuid geteuid getgid getegid getresuid getresgid getgroups getrusage
            getrlimit prlimit64 sched_getaffinity getcpu uname sysinfo getrandom rseq set_robust_list
            """),
    ]

    private static let killed = [
        CallGroup(.kill, "executing", "execve execveat uselib"),
        CallGroup(.kill, "starting: another process does that", "clone clone3 fork vfork"),
        CallGroup(
            .kill, "connecting: its sockets were made before",
            "socket socketpair connect bind listen accept accept4"),
        CallGroup(.kill, "looking into others", "ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp"),
        CallGroup(
            .kill, "what an intruder would do next",
            """
            mount umount2 pivot_root chroot move_mount open_tree open_tree_attr fsopen fsconfig fsmount fspick
            mount_setattr unshare setns bpf perf_event_open userfaultfd io_uring_setup io_uring_enter
            io_uring_register add_key request_key keyctl open_by_handle_at init_module finit_module
            delete_module kexec_load kexec_file_load iopl ioperm modify_ldt reboot swapon swapoff
            """),
    ]

    /// The rest of what is known, from the larger table.
    private static let refused: [CallGroup] = {
        let named = Set((allowed + killed).flatMap(\.calls))
        return ProgramFilter.table.groups.compactMap { group in
            let rest = group.calls.filter { !named.contains($0) }
            guard !rest.isEmpty else { return nil }
            let answer: FilterAnswer = group.answer == .fail(ENOSYS) ? .fail(ENOSYS) : .fail(EPERM)
            return CallGroup(answer, "not needed: \(group.why)", rest.joined(separator: " "))
        }
    }()
}
