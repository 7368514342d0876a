// What runs between clone and exec. It is C because Swift's runtime may not run there: a lock or an
// allocation of the parent, copied in the middle of its work, would never be released.

#pragma once

#include <sched.h>
#include <stdint.h>

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/types.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif
#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif

#define CLOISTER_CLOSE_ON_EXEC 4U // CLOSE_RANGE_CLOEXEC

// Glibc has no wrapper, and the kernel's header clashes with Glibc's <sched.h>.
struct cloister_clone_args {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
        set_tid_size, cgroup;
};

struct cloister_new_cell {
    uint64_t namespaces;   // CLONE_NEW* of all the namespaces that it gets
    int cgroup;            // the group that it is born into; -1: the parent's
    int program;           // what is executed
    const int *fds;        // become 3, 4, 5, … of the program
    int fd_count;
};

enum { cloister_dup_failed = 1, cloister_caps_failed };

// All capabilities of the new user namespace, also in the ambient set: the process is not user 0 inside, and until
// it is told who it is it is nobody there, so without that exec would take them away before the cell is built.
static inline int cloister_keep_capabilities(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) < 0)
        return -1;
    for (int i = 0; i < 2; i++)
        data[i].effective = data[i].inheritable = data[i].permitted;
    if (syscall(SYS_capset, &header, data) < 0)
        return -1;
    for (int capability = 0; capability < 64; capability++) {
        if (!(data[capability / 32].permitted & (1U << (capability % 32))))
            continue;
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0)
            return -1;
    }
    return 0;
}

__attribute__((noreturn)) static inline void cloister_become_cell(const struct cloister_new_cell *cell,
                                                                  char *const argv[],
                                                                  char *const envp[]) {
    // First above every number that is a target, then down to it: a source may stand on another's target.
    // What is given comes first, then the program. Everything else of the parent's goes at once.
    int raised[cloister_most_fds + 1], count = cell->fd_count + 1;
    for (int i = 0; i < count; i++) {
        int source = i < cell->fd_count ? cell->fds[i] : cell->program;
        if ((raised[i] = fcntl(source, F_DUPFD_CLOEXEC, 64)) < 0)
            _exit(cloister_dup_failed);
    }
    for (int i = 0; i < count; i++)
        if (dup3(raised[i], 3 + i, i < cell->fd_count ? 0 : O_CLOEXEC) < 0)
            _exit(cloister_dup_failed);
    if (syscall(SYS_close_range, 3 + count, ~0U, 0) < 0)
        _exit(cloister_dup_failed);
    int program = 3 + cell->fd_count;

    if (cloister_keep_capabilities() < 0)
        _exit(cloister_caps_failed);

    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    syscall(SYS_execveat, program, "", argv, envp, AT_EMPTY_PATH);
    _exit(127);
}

// The new process, or -1. `pidfd` receives its descriptor.
static inline pid_t cloister_clone_cell(const struct cloister_new_cell *cell, int *pidfd,
                                        char *const argv[], char *const envp[]) {
    struct cloister_clone_args args;
    memset(&args, 0, sizeof args);
    args.flags = cell->namespaces | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
    args.pidfd = (uint64_t)(uintptr_t)pidfd;
    args.exit_signal = SIGCHLD;
    if (cell->cgroup >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)cell->cgroup;
    }
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0)
        cloister_become_cell(cell, argv, envp);
    return pid;
}
