// What runs between clone and exec. It is C because Swift's runtime may not run there: a lock or an
// allocation of the parent, copied in the middle of its work, would never be released.

#pragma once

#include <sched.h>
#include <stdint.h>

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>

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

// clone3 by hand, for a child that shares our memory: the C library's wrapper would return twice through the same
// stack frame. A negative result is an errno.
__attribute__((always_inline)) static inline long cloister_raw_clone3(struct cloister_clone_args *args) {
    long result;
#if defined(__x86_64__)
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(SYS_clone3), "D"(args), "S"(sizeof *args)
                     : "rcx", "r11", "memory");
#elif defined(__aarch64__)
    register long number __asm__("x8") = SYS_clone3;
    register long first __asm__("x0") = (long)args;
    register long second __asm__("x1") = sizeof *args;
    __asm__ volatile("svc 0" : "+r"(first) : "r"(number), "r"(second) : "memory");
    result = first;
#else
#error "written for x86_64 and aarch64"
#endif
    return result;
}

struct cloister_new_cell {
    uint64_t namespaces;   // CLONE_NEW* of all the namespaces that it gets
    int cgroup;            // the group that it is born into; -1: the parent's
    int cgroup_root;       // the group above, where its namespace of groups begins; -1: where it is born
    int program;           // what is executed
    const int *fds;        // become 3, 4, 5, … of the program
    int fd_count;
    pid_t dies_with; // our own number, where the process is to end with us; 0: it looks after itself
};

enum { cloister_dup_failed = 1, cloister_caps_failed, cloister_orphaned };

// A raw call: the C library keeps two signals to itself, and whoever started us may have ignored these, too.
static inline void cloister_reset_signals(void) {
    const unsigned long usual[4] = {0};
    for (int number = 1; number < NSIG; number++)
        syscall(SYS_rt_sigaction, number, usual, NULL, sizeof(unsigned long));
}

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
    if (cell->dies_with > 0 &&
        (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != cell->dies_with))
        _exit(cloister_orphaned);

    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    syscall(SYS_execveat, program, "", argv, envp, AT_EMPTY_PATH);
    _exit(127);
}

struct cloister_birth {
    const struct cloister_new_cell *cell;
    int *pidfd;
    char *const *argv, *const *envp;
    volatile pid_t pid; // written by the kernel, so that it is known whatever becomes of the midwife
    volatile int failure;
};

static inline pid_t cloister_bear(struct cloister_birth *birth, uint64_t namespaces, int is_sibling) {
    struct cloister_clone_args args;
    memset(&args, 0, sizeof args);
    args.flags = namespaces | CLONE_PIDFD | CLONE_CLEAR_SIGHAND | CLONE_PARENT_SETTID |
                 (is_sibling ? CLONE_PARENT : 0);
    args.parent_tid = (uint64_t)(uintptr_t)&birth->pid;
    args.pidfd = (uint64_t)(uintptr_t)birth->pidfd;
    // A child of the parent's parent signals its end as that parent does.
    args.exit_signal = is_sibling ? 0 : SIGCHLD;
    if (birth->cell->cgroup >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)birth->cell->cgroup;
    }
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0)
        cloister_become_cell(birth->cell, birth->argv, birth->envp);
    return pid;
}

__attribute__((noreturn, noinline)) static void cloister_be_midwife(struct cloister_birth *birth) {
    if (cloister_bear(birth, birth->cell->namespaces & ~(uint64_t)CLONE_NEWCGROUP, 1) < 0)
        birth->failure = errno;
    _exit(0);
}

// A namespace of control groups begins at the group that its first process is born into. That shall be the cell's,
// whose first process lives one below: groups above processes have controllers, and the kernel lets nobody start
// anything in a group that is outside of its namespace (nsdelegate, with which systemd mounts). So the namespace is
// made for a midwife in the cell's group. It borrows our memory and descriptors as after vfork, starts the cell's
// first process, which inherits the namespace and is our child all the same (CLONE_PARENT), and ends.
__attribute__((noinline)) static long cloister_vfork_midwife(struct cloister_birth *birth) {
    struct cloister_clone_args args;
    memset(&args, 0, sizeof args);
    args.flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_CLEAR_SIGHAND | CLONE_NEWCGROUP |
                 CLONE_INTO_CGROUP;
    args.exit_signal = SIGCHLD;
    args.cgroup = (uint64_t)birth->cell->cgroup_root;
    long result = cloister_raw_clone3(&args);
    if (result == 0)
        cloister_be_midwife(birth);
    return result;
}

// The new process, or -1. `pidfd` receives its descriptor. ECANCELED: somebody killed the midwife.
static inline pid_t cloister_clone_cell(const struct cloister_new_cell *cell, int *pidfd,
                                        char *const argv[], char *const envp[]) {
    struct cloister_birth birth = {cell, pidfd, argv, envp, -1, ECANCELED};
    if (cell->cgroup_root < 0 || !(cell->namespaces & CLONE_NEWCGROUP))
        return cloister_bear(&birth, cell->namespaces, 0);
    long midwife = cloister_vfork_midwife(&birth);
    if (midwife < 0) {
        errno = (int)-midwife;
        return -1;
    }
    // Once it is gone its group has no process, and can be given controllers.
    while (waitpid((pid_t)midwife, NULL, 0) < 0 && errno == EINTR)
        ;
    if (birth.pid < 0)
        errno = birth.failure;
    return birth.pid;
}
