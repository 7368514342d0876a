// The starter: a process inside a cell that does nothing but start programs. It is forked from the cell's
// first process once, before that one takes its narrower filter, and never returns to Swift: everything in
// this file runs between fork and exec. A program becomes a child of the cell's first process, not of the
// starter (CLONE_PARENT), so that process reaps it.
//
// The other end of its socket is the cell's first process. Nevertheless no length is believed.

#pragma once

#include <sys/mman.h>
#include <sys/resource.h>

#include "clone.h"
#include "seccomp.h"

struct cloister_start_request {
    uint32_t argument_count, variable_count; // the strings follow, NUL after each
    uint32_t has_group, reserved;
};

struct cloister_start_reply {
    int32_t pid; // 0 when it failed
    int32_t stage, error;
};

enum { cloister_longest_start = 192 << 10 };
enum { cloister_stage_request = 1, cloister_stage_clone, cloister_stage_setup, cloister_stage_exec };

struct cloister_starter {
    int socket;
    int ruleset; // of Landlock, for the starter and its programs alone; -1: none
    const void *door;      // a filter that each program takes before it is executed
    uint16_t door_length;  // in instructions
    const void *filter;    // what the starter itself, and so every program, lives under
    uint16_t filter_length;
};

struct cloister_program {
    char **arguments, **variables;
    int directory, input, output, error, group;
    const struct cloister_starter *starter;
    volatile int stage, failure;
};

__attribute__((noreturn)) static inline void cloister_fail_program(struct cloister_program *program,
                                                                   int stage) {
    program->failure = errno;
    program->stage = stage;
    _exit(127);
}

// As the shell looks for a program, along PATH of the new environment. What was found and could not be
// executed is a better answer than that nothing was found.
static inline void cloister_execute(struct cloister_program *program) {
    const char *name = program->arguments[0], *path = "/usr/bin:/bin";
    if (strchr(name, '/')) {
        execve(name, program->arguments, program->variables);
        return;
    }
    for (char **variable = program->variables; *variable; variable++)
        if (!strncmp(*variable, "PATH=", 5))
            path = *variable + 5;
    int best = ENOENT;
    size_t length = strlen(name);
    for (const char *end; *path; path = *end ? end + 1 : end) {
        char candidate[4096];
        end = strchrnul(path, ':');
        size_t directory = (size_t)(end - path);
        if (directory == 0 || directory + 1 + length + 1 > sizeof candidate)
            continue;
        memcpy(candidate, path, directory);
        candidate[directory] = '/';
        memcpy(candidate + directory + 1, name, length + 1);
        execve(candidate, program->arguments, program->variables);
        if (errno != ENOENT && errno != ENOTDIR)
            best = errno;
    }
    errno = best;
}

__attribute__((noreturn, noinline)) static void cloister_become_program(struct cloister_program *program) {
    setsid();
    if (fchdir(program->directory) < 0 || dup2(program->input, 0) < 0 || dup2(program->output, 1) < 0 ||
        dup2(program->error, 2) < 0)
        cloister_fail_program(program, cloister_stage_setup);
    if (syscall(SYS_close_range, 3, ~0U, CLOISTER_CLOSE_ON_EXEC) < 0)
        cloister_fail_program(program, cloister_stage_setup);
    if (program->starter->door_length > 0 &&
        cloister_seccomp_load(program->starter->door, program->starter->door_length) < 0)
        cloister_fail_program(program, cloister_stage_setup);
    cloister_execute(program);
    cloister_fail_program(program, cloister_stage_exec);
}

// clone3 with the parent's memory and stack, as vfork.
__attribute__((noinline)) static long cloister_vfork_program(struct cloister_program *program) {
    struct cloister_clone_args args;
    memset(&args, 0, sizeof args);
    args.flags = CLONE_VM | CLONE_VFORK | CLONE_PARENT | CLONE_CLEAR_SIGHAND;
    if (program->group >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)program->group;
    }
    long result = cloister_raw_clone3(&args);
    if (result == 0)
        cloister_become_program(program);
    return result;
}

// Takes the strings of a request apart in place: `words` gets the arguments and variables, each list ended by
// NULL. False when the counts and the strings do not agree.
static inline int cloister_split_request(char *bytes, size_t size, char **words, size_t most) {
    struct cloister_start_request header;
    if (size < sizeof header || bytes[size - 1] != 0)
        return 0;
    memcpy(&header, bytes, sizeof header);
    if (header.argument_count == 0 || header.argument_count >= most ||
        header.variable_count >= most - header.argument_count - 2)
        return 0;
    char *next = bytes + sizeof header, *end = bytes + size;
    size_t word = 0;
    for (uint32_t i = 0; i < header.argument_count + header.variable_count; i++) {
        if (next >= end)
            return 0;
        if (i == header.argument_count)
            words[word++] = NULL;
        words[word++] = next;
        next += strlen(next) + 1;
    }
    if (header.variable_count == 0)
        words[word++] = NULL;
    words[word] = NULL;
    return next == end;
}

__attribute__((noreturn)) static inline void cloister_start_programs(const struct cloister_starter *starter) {
    enum { most_words = cloister_longest_start };
    char *bytes = mmap(NULL, cloister_longest_start, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char **words = mmap(NULL, sizeof(char *) * most_words, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED || words == MAP_FAILED)
        _exit(1);
    // As programs expect it: handlers go with exec, but what is ignored or blocked stays so.
    cloister_reset_signals();
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    // The first word of all: whether the filter stands.
    struct cloister_start_reply ready = {0, 0, 0};
    if (starter->filter_length > 0 && cloister_seccomp_load(starter->filter, starter->filter_length) < 0)
        ready.stage = cloister_stage_setup, ready.error = errno;
    if (send(starter->socket, &ready, sizeof ready, MSG_NOSIGNAL) < 0 || ready.stage != 0)
        _exit(2);
    for (;;) {
        int fds[cloister_most_fds], count = 0;
        ssize_t size = cloister_receive(starter->socket, bytes, cloister_longest_start, fds, &count, 0);
        if (size == 0 || (size < 0 && errno != EINTR))
            _exit(0); // the cell's first process is gone, and with it everything
        if (size < 0)
            continue;
        struct cloister_start_request header = {0, 0, 0, 0};
        if ((size_t)size >= sizeof header)
            memcpy(&header, bytes, sizeof header);
        struct cloister_start_reply reply = {0, cloister_stage_request, EINVAL};
        if (count == 4 + (header.has_group != 0) &&
            cloister_split_request(bytes, (size_t)size, words, most_words)) {
            struct cloister_program program = {.arguments = words,
                                               .variables = words + header.argument_count + 1,
                                               .directory = fds[0],
                                               .input = fds[1],
                                               .output = fds[2],
                                               .error = fds[3],
                                               .group = header.has_group ? fds[4] : -1,
                                               .starter = starter};
            long pid = cloister_vfork_program(&program);
            reply.pid = pid > 0 ? (int32_t)pid : 0;
            reply.stage = pid > 0 ? program.stage : cloister_stage_clone;
            reply.error = pid > 0 ? program.failure : (int32_t)-pid;
        }
        for (int i = 0; i < count; i++)
            close(fds[i]);
        if (send(starter->socket, &reply, sizeof reply, MSG_NOSIGNAL) < 0)
            _exit(0);
    }
}

// Forks the starter. Its pid, or -1.
static inline pid_t cloister_fork_starter(const struct cloister_starter *starter) {
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        _exit(1);
    // Fewer files than its parent's, which asks before it does some things. Without them it starts nothing.
    if (starter->ruleset >= 0 && syscall(SYS_landlock_restrict_self, starter->ruleset, 0) < 0)
        _exit(1);
    // Its own socket and the standard ones are all that it keeps.
    if (dup3(starter->socket, 3, O_CLOEXEC) < 0 && starter->socket != 3)
        _exit(1);
    struct cloister_starter own = *starter;
    own.socket = 3;
    if (syscall(SYS_close_range, 4, ~0U, 0) < 0)
        _exit(1);
    cloister_start_programs(&own);
}
