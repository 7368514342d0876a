// One command on the host, from the clone to its exec: it becomes its user, loses what rights it shall not have, and
// is executed. It is C because Swift's runtime may not run there (see clone.h). Its parent is the process that runs
// this one command and nothing else (Sources/CellServer/CommandRunner.swift).
//
// The order of the steps: descriptors, limits and groups need the rights that go with the user; what a change of user
// resets (the signal of the parent's death) comes after it; the directory is entered as the user.

#pragma once

#include <grp.h>
#include <sys/resource.h>

#include "clone.h"

struct cloister_limit {
    int resource;
    uint64_t most; // soft and hard
};

struct cloister_command {
    char *const *arguments, *const *variables; // the first argument is a path
    const char *directory;
    int is_directory_usual; // run in / where it cannot be entered
    int input, output, error, group;
    int changes_user; // becomes this user, with these groups
    uid_t uid;
    gid_t gid;
    const gid_t *groups;
    size_t group_count;
    int keeps_rights; // root's: no capability goes, and set-uid programs are what they are
    const struct cloister_limit *limits;
    size_t limit_count;
    pid_t parent;
    volatile int stage, failure;
};

enum {
    cloister_command_clone = 1,
    cloister_command_prepare,
    cloister_command_user,
    cloister_command_rights,
    cloister_command_directory,
    cloister_command_exec
};

__attribute__((noreturn)) static inline void cloister_fail_command(struct cloister_command *command,
                                                                   int stage) {
    command->failure = errno;
    command->stage = stage;
    _exit(127);
}

// Raw calls: the C library's own would tell other threads, of which there are none.
static inline int cloister_become_user(const struct cloister_command *command) {
    return syscall(SYS_setgroups, command->group_count, command->groups) < 0 ||
                   syscall(SYS_setresgid, command->gid, command->gid, command->gid) < 0 ||
                   syscall(SYS_setresuid, command->uid, command->uid, command->uid) < 0
               ? -1
               : 0;
}

// The bounding set is not an ordinary user's to change, and means nothing without new privileges.
static inline int cloister_drop_bounding_set(void) {
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
            return -1;
    return 0;
}

// Root has what it has by being root, and nothing that whoever it becomes would inherit.
static inline int cloister_drop_capabilities(int keeps_rights) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) < 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        data[i].inheritable = 0;
        if (!keeps_rights)
            data[i].effective = data[i].permitted = 0;
    }
    return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
                   syscall(SYS_capset, &header, data) < 0
               ? -1
               : 0;
}

__attribute__((noreturn, noinline)) static void cloister_become_command(struct cloister_command *command) {
    // Handlers went with the clone; what the parent ignores would stay ignored.
    cloister_reset_signals();
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    umask(022);
    if (dup2(command->input, 0) < 0 || dup2(command->output, 1) < 0 || dup2(command->error, 2) < 0 ||
        syscall(SYS_close_range, 3, ~0U, CLOISTER_CLOSE_ON_EXEC) < 0)
        cloister_fail_command(command, cloister_command_prepare);
    for (size_t place = 0; place < command->limit_count; place++) {
        const struct cloister_limit *limit = &command->limits[place];
        struct rlimit value = {limit->most, limit->most};
        if (setrlimit(limit->resource, &value) < 0)
            cloister_fail_command(command, cloister_command_prepare);
    }
    if (command->changes_user) {
        if (!command->keeps_rights && cloister_drop_bounding_set() < 0)
            cloister_fail_command(command, cloister_command_rights);
        if (cloister_become_user(command) < 0)
            cloister_fail_command(command, cloister_command_user);
    }
    if (cloister_drop_capabilities(command->keeps_rights) < 0 ||
        (!command->keeps_rights && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0))
        cloister_fail_command(command, cloister_command_rights);
    // The keys of whoever started celld are not another user's. A kernel may have no keys.
    if (command->changes_user && cloister_join_session_keyring() < 0 && errno != ENOSYS)
        cloister_fail_command(command, cloister_command_rights);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != command->parent)
        cloister_fail_command(command, cloister_command_prepare);
    if (chdir(command->directory) < 0 && (!command->is_directory_usual || chdir("/") < 0))
        cloister_fail_command(command, cloister_command_directory);
    execve(command->arguments[0], command->arguments, command->variables);
    cloister_fail_command(command, cloister_command_exec);
}

// clone3 with the parent's memory and stack, as vfork: it returns when the command has been executed, or could not be.
__attribute__((noinline)) static long cloister_vfork_command(struct cloister_command *command) {
    struct cloister_clone_args args;
    memset(&args, 0, sizeof args);
    args.flags = CLONE_VM | CLONE_VFORK | CLONE_CLEAR_SIGHAND;
    args.exit_signal = SIGCHLD;
    if (command->group >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)command->group;
    }
    long result = cloister_raw_clone3(&args);
    if (result == 0)
        cloister_become_command(command);
    return result;
}

// The process, or -1 with the stage and the error in the command. One that could not be executed is reaped.
static inline pid_t cloister_start_command(struct cloister_command *command) {
    command->stage = command->failure = 0;
    command->parent = getpid();
    long pid = cloister_vfork_command(command);
    if (pid < 0) {
        command->stage = cloister_command_clone;
        command->failure = (int)-pid;
    } else if (command->stage != 0) {
        while (waitpid((pid_t)pid, NULL, 0) < 0 && errno == EINTR)
            ;
        pid = -1;
    }
    return (pid_t)pid;
}
