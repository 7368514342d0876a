#include "probe.h"

#include <linux/capability.h>
#include <sys/prctl.h>

char sibling_mark[64];

const char *planted(const char *name) {
    const char *value = getenv(name);
    if (!value) {
        printf("broken 0 there is no %s", name);
        fflush(stdout);
        _exit(0);
    }
    return value;
}

long planted_number(const char *name) { return atol(planted(name)); }

bool has_mark(const void *bytes, size_t size) {
    const char *mark = planted("PROBE_MARK");
    return memmem(bytes, size, mark, strlen(mark)) != NULL;
}

struct verdict mark_in(int fd) {
    char bytes[65536];
    size_t size = 0;
    ssize_t more = 0;
    while (size < sizeof bytes && (more = read(fd, bytes + size, sizeof bytes - size)) > 0)
        size += (size_t)more;
    if (has_mark(bytes, size))
        return worked("read the mark");
    return more < 0 ? refused("read") : hidden("the mark is not there");
}

struct verdict mark_in_file(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? refused("open") : mark_in(fd);
}

const char *scratch(const char *name) {
    static char paths[4][4096];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s.%d", planted("PROBE_SCRATCH"), name, getpid());
    return path;
}

int scratch_file(const char *name) {
    int fd = open(scratch(name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, "scratch", 7) != 7 || lseek(fd, 0, SEEK_SET) < 0)
        return -1;
    return fd;
}

pid_t sibling(void) {
    snprintf(sibling_mark, sizeof sibling_mark, "%s", planted("PROBE_MARK"));
    int ready[2];
    if (pipe(ready) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (write(ready[1], "r", 1) == 1)
            for (;;)
                pause();
        _exit(1);
    }
    char byte;
    if (pid > 0 && read(ready[0], &byte, 1) != 1)
        return -1;
    return pid;
}

bool has_rights(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{0, 0, 0}, {0, 0, 0}};
    syscall(SYS_capget, &header, data);
    return geteuid() == 0 || data[0].permitted != 0 || data[1].permitted != 0;
}

int in_child(int (*body)(void *), void *argument) {
    pid_t pid = fork();
    if (pid == 0)
        _exit(body(argument));
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

struct verdict rights_of(const char *program) {
    pid_t pid = fork();
    if (pid == 0) {
        execl(program, program, "--rights", NULL);
        _exit(64 + (errno & 63));
    }
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        return failed("fork");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return worked("it was given rights");
    if (WIFEXITED(status) && WEXITSTATUS(status) >= 64) {
        errno = WEXITSTATUS(status) - 64;
        return refused("exec");
    }
    return hidden("it was executed without any right");
}
