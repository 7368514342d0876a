// Where the probe shows that its attempts work against walls that no cell lacks: mountns, pidns, fileview (and what
// hangs on them: nosuid mounts, descriptors). It is a small machine of its own inside new namespaces of every kind,
// so nothing in it reaches the real one:
//
//   user       root of it is a user without rights outside (ROOT_UID); the probe's user is mapped to itself
//   mount      the host's files, all read-only, but for a scratch tmpfs and the directory that is named
//   process    a new one with its own /proc: process 1 is this program, and another process plays the host's
//   the rest   new and empty
//
//   stand-in [--capable] [--no-new-privs] UID ROOT_UID SCRATCH WRITABLE -- PROGRAM ARGUMENTS…
//
// The program runs as UID, without capabilities unless --capable (those of the new user namespace), and with the
// bystander, the inherited descriptors, the terminal and the namespaces in its environment that an attempt looks
// for. Needs root.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void check(long result, const char *step) {
    if (result >= 0)
        return;
    fprintf(stderr, "stand-in: %s: %s\n", step, strerror(errno));
    exit(70);
}

static void write_text(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    check(fd, path);
    check(write(fd, text, strlen(text)), path);
    close(fd);
}

static void map_users(pid_t pid, const char *uid, const char *root) {
    char path[64], map[128];
    snprintf(map, sizeof map, "0 %s 1\n%s %s 1\n", root, uid, uid);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", pid, i ? "gid_map" : "uid_map");
        write_text(path, map);
    }
}

static void set_read_only(const char *path, bool on, unsigned flags) {
    const struct {
        uint64_t set, clear, propagation, user_namespace;
    } attributes = {on ? 1 : 0, on ? 0 : 1, 0, 0};
    check(syscall(SYS_mount_setattr, AT_FDCWD, path, flags, &attributes, sizeof attributes), path);
}

// The host's files, which nothing in here can change.
static void lend_files(const char *scratch, const char *writable) {
    check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private mounts");
    check(mount(writable, writable, NULL, MS_BIND, NULL), "bind");
    check(mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "proc");
    set_read_only("/", true, 0x8000 /* AT_RECURSIVE */);
    set_read_only(writable, false, 0);
    check(mount("scratch", scratch, "tmpfs", MS_NOSUID | MS_NODEV, "mode=777"), "scratch");
}

static void become(uid_t uid, bool capable) {
    if (capable)
        prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    check(setgroups(0, NULL), "setgroups");
    check(setresgid(uid, uid, uid), "setresgid");
    check(setresuid(uid, uid, uid), "setresuid");
    // Ours to be looked at, as any process that its user started.
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    if (!capable)
        return;
    const struct {
        uint32_t version;
        int pid;
    } header = {0x20080522, 0};
    struct {
        uint32_t effective, permitted, inheritable;
    } data[2];
    check(syscall(SYS_capget, &header, data), "capget");
    for (int i = 0; i < 2; i++)
        data[i].effective = data[i].inheritable = data[i].permitted;
    check(syscall(SYS_capset, &header, data), "capset");
    for (int capability = 0; capability < 41; capability++)
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
}

// Somebody else's process, and where the mark stands in it.
static void start_bystander(uid_t uid, const char *program) {
    int input[2], output[2];
    check(pipe2(input, O_CLOEXEC), "pipe");
    check(pipe2(output, O_CLOEXEC), "pipe");
    pid_t pid = fork();
    check(pid, "fork");
    if (pid == 0) {
        dup2(input[0], 0);
        dup2(output[1], 1);
        become(uid, false);
        char path[4096];
        snprintf(path, sizeof path, "%s", program);
        strcpy(strrchr(path, '/') + 1, "bystander");
        execl(path, "bystander", "--bystander", NULL);
        _exit(71);
    }
    char line[128] = "", address[32], fd[16], number[16];
    check(read(output[0], line, sizeof line - 1), "bystander");
    if (sscanf(line, "%15s %31s %15s", number, address, fd) != 3)
        exit(72);
    setenv("PROBE_PID", number, 1);
    setenv("PROBE_ADDRESS", address, 1);
    setenv("PROBE_FD", fd, 1);
}

static void name_namespaces(void) {
    static const char *const names[] = {"user", "mnt", "pid", "ipc", "uts", "net", "cgroup", "time"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[64], variable[64], inode[32];
        struct stat status;
        snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
        snprintf(variable, sizeof variable, "PROBE_NS_%s", names[i]);
        if (stat(path, &status) < 0)
            continue;
        snprintf(inode, sizeof inode, "%lu", (unsigned long)status.st_ino);
        setenv(variable, inode, 1);
    }
}

// What no program should be left with: a terminal for input, and a directory of its user's secrets.
static void leave_descriptors(void) {
    char secrets[4096];
    snprintf(secrets, sizeof secrets, "%s", getenv("PROBE_SECRET"));
    *strrchr(secrets, '/') = 0;
    int directory = open(secrets, O_RDONLY | O_DIRECTORY);
    check(directory, secrets);
    check(dup2(directory, 9), "dup2");
    setsid();
    // Its other side stays open, because its end would be the end of the program.
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    check(master, "posix_openpt");
    check(grantpt(master), "grantpt");
    check(unlockpt(master), "unlockpt");
    int terminal = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    check(terminal, "terminal");
    check(ioctl(terminal, TIOCSCTTY, 0), "TIOCSCTTY");
    check(dup2(terminal, 0), "dup2");
}

static int run(uid_t uid, bool capable, bool no_new_privs, char **words) {
    start_bystander(uid, words[3]);
    name_namespaces();
    pid_t pid = fork();
    check(pid, "fork");
    if (pid == 0) {
        leave_descriptors();
        if (no_new_privs)
            check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
        become(uid, capable);
        execv(words[3], words + 3);
        _exit(71);
    }
    // Others end up with process 1, too.
    for (int status;;) {
        pid_t ended = wait(&status);
        check(ended, "wait");
        if (ended == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
}

int main(int argc, char **argv) {
    bool capable = false, no_new_privs = false;
    char **words = argv + 1;
    for (; argc > 1 && *words && !strncmp(*words, "--", 2); words++) {
        capable |= !strcmp(*words, "--capable");
        no_new_privs |= !strcmp(*words, "--no-new-privs");
    }
    if (argv + argc - words < 6 || strcmp(words[4], "--") || geteuid() != 0) {
        fprintf(stderr, "usage, as root: stand-in [--capable] [--no-new-privs] UID ROOT_UID SCRATCH WRITABLE -- "
                        "PROGRAM…\n");
        return 64;
    }
    int apart[2], mapped[2];
    check(pipe2(apart, O_CLOEXEC), "pipe");
    check(pipe2(mapped, O_CLOEXEC), "pipe");
    pid_t pid = fork();
    check(pid, "fork");
    char byte = 0;
    if (pid != 0) {
        close(apart[1]);
        if (read(apart[0], &byte, 1) == 1) {
            map_users(pid, words[0], words[1]);
            check(write(mapped[1], "m", 1), "gate");
        }
        int status;
        check(waitpid(pid, &status, 0), "wait");
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    check(unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET |
                  CLONE_NEWCGROUP),
          "unshare");
    check(write(apart[1], "a", 1), "gate");
    if (read(mapped[0], &byte, 1) != 1)
        return 73;
    check(setresgid(0, 0, 0), "setresgid");
    check(setresuid(0, 0, 0), "setresuid");
    // Now, because a change of user takes it away again.
    check(prctl(PR_SET_PDEATHSIG, SIGKILL), "parent");
    pid_t first = fork();
    check(first, "fork");
    if (first == 0) {
        check(prctl(PR_SET_PDEATHSIG, SIGKILL), "parent");
        lend_files(words[2], words[3]);
        return run((uid_t)atoi(words[0]), capable, no_new_privs, words + 2);
    }
    int status;
    check(waitpid(first, &status, 0), "wait");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
