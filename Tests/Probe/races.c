// Time of check to time of use: one thread changes what another has just handed to the kernel, or what a path
// leads to. A wall that looks at the first value and acts on the second falls to one of these.

#include "probe.h"

#include <dirent.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

// How long each goes on, in milliseconds: a few hundred thousand tries.
enum { patience = 1000 };

static volatile bool over;

// Runs `change` beside `attempt` until that says something else than "denied", or in vain.
static struct verdict raced(void *(*change)(void *), struct verdict (*attempt)(void)) {
    pthread_t thread;
    struct verdict verdict = hidden("never");
    if (pthread_create(&thread, NULL, change, NULL) != 0)
        return failed("pthread_create");
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        verdict = attempt();
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (verdict.outcome == denied &&
             (now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < patience);
    over = true;
    pthread_join(thread, NULL);
    return verdict;
}

// MARK: what a path leads to

static char place[2][4096], spare[4200];

static void *exchange(void *unused) {
    while (!over)
        syscall(SYS_renameat2, AT_FDCWD, place[0], AT_FDCWD, place[1], 2 /* RENAME_EXCHANGE */);
    return unused;
}

static struct verdict read_at_place(void) {
    int fd = open(spare, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return refused("open");
    struct verdict verdict = mark_in(fd);
    close(fd);
    return verdict;
}

static struct verdict directory_exchanged(void) {
    char secret[4096];
    snprintf(secret, sizeof secret, "%s", planted("PROBE_SECRET"));
    *strrchr(secret, '/') = 0;
    strcpy(place[0], scratch("directory"));
    strcpy(place[1], scratch("way"));
    snprintf(spare, sizeof spare, "%s/secret", place[0]);
    if (mkdir(place[0], 0700) < 0 || symlink(secret, place[1]) < 0)
        return failed("mkdir");
    return raced(exchange, read_at_place);
}

static struct verdict file_exchanged(void) {
    strcpy(place[0], scratch("file"));
    strcpy(place[1], scratch("link"));
    strcpy(spare, place[0]);
    if (close(scratch_file("file")) < 0 || symlink(planted("PROBE_SECRET"), place[1]) < 0)
        return failed("symlink");
    return raced(exchange, read_at_place);
}

static struct verdict written_at_place(void) {
    int fd = open(place[0], O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return refused("open");
    struct stat status, scratched;
    fstat(fd, &status);
    stat(planted("PROBE_SCRATCH"), &scratched);
    close(fd);
    return status.st_dev == scratched.st_dev ? hidden("its own file") : worked("a file for reading, for writing");
}

static struct verdict tree_exchanged(void) {
    strcpy(place[0], scratch("own"));
    strcpy(place[1], scratch("lent"));
    char target[4096];
    snprintf(target, sizeof target, "%s/raced", planted("PROBE_TREE"));
    if (close(scratch_file("own")) < 0 || symlink(target, place[1]) < 0)
        return failed("symlink");
    return raced(exchange, written_at_place);
}

// MARK: what stands in memory

static char changing[4096], values[2][4096];
static size_t changing_size;

static void *rewrite(void *unused) {
    for (unsigned turn = 0; !over; turn++) {
        memcpy(changing, values[turn & 1], changing_size);
        // Each stands for a while, and whoever shares a processor with us gets to see both.
        for (volatile unsigned pause = 0; pause < 500; pause++)
            continue;
        if (turn % 17 == 0) // not always after the same of the two
            sched_yield();
    }
    return unused;
}

static struct verdict read_at_changing(void) {
    // A torn path leads nowhere, or to one of the two.
    int fd = open(changing, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return refused("open");
    struct verdict verdict = mark_in(fd);
    close(fd);
    return verdict;
}

static struct verdict path_rewritten(void) {
    if (close(scratch_file("named")) < 0)
        return failed("open");
    strcpy(values[0], scratch("named"));
    strcpy(values[1], planted("PROBE_SECRET"));
    strcpy(changing, values[0]);
    changing_size = strlen(values[strlen(values[0]) < strlen(values[1])]) + 1;
    return raced(rewrite, read_at_changing);
}

static struct verdict clone_at_changing(void) {
    pid_t pid = (pid_t)syscall(SYS_clone3, changing, 64);
    if (pid == 0)
        _exit(has_rights() ? 0 : 1);
    int status;
    if (pid < 0)
        return refused("clone3");
    waitpid(pid, &status, 0);
    return status == 0 ? worked("the child has capabilities") : hidden("the child has no rights");
}

static struct verdict flags_rewritten(void) {
    const uint64_t harmless[8] = {[4] = SIGCHLD}, wanted[8] = {[0] = CLONE_NEWUSER, [4] = SIGCHLD};
    memcpy(values[0], harmless, sizeof harmless);
    memcpy(values[1], wanted, sizeof wanted);
    memcpy(changing, harmless, sizeof harmless);
    changing_size = 8;
    return raced(rewrite, clone_at_changing);
}

static struct verdict connected_at_changing(void) {
    int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(planted("PROBE_ABSTRACT")));
    char bytes[128] = "";
    struct verdict verdict = hidden("its own listener");
    if (connect(connection, (struct sockaddr *)changing, size) < 0)
        verdict = refused("connect");
    else if (recv(connection, bytes, sizeof bytes, MSG_DONTWAIT) > 0 || errno == EAGAIN)
        verdict = worked("connected to what was put in its place");
    close(connection);
    return verdict;
}

static struct verdict address_rewritten(void) {
    struct sockaddr_un own = {.sun_family = AF_UNIX}, other = own;
    const char *name = planted("PROBE_ABSTRACT");
    strncpy(other.sun_path + 1, name, sizeof other.sun_path - 2);
    // Nobody listens there.
    memset(own.sun_path + 1, 'n', strlen(name));
    memcpy(values[0], &own, sizeof own);
    memcpy(values[1], &other, sizeof other);
    memcpy(changing, &own, sizeof own);
    changing_size = sizeof own;
    return raced(rewrite, connected_at_changing);
}

// MARK: who a number belongs to

// A process that has just been started by the cell is not the program yet.
static struct verdict looked_into_new_ones(void) {
    DIR *directory = opendir("/proc");
    struct verdict verdict = hidden("never");
    if (!directory)
        return refused("opendir");
    for (struct dirent *entry; (entry = readdir(directory)) && verdict.outcome == denied;) {
        char path[300], name[64] = "";
        int pid = atoi(entry->d_name);
        snprintf(path, sizeof path, "/proc/%d/mem", pid);
        int memory = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (memory < 0)
            continue;
        // After it has been opened, and before anything is read: an open one stays with what it was.
        snprintf(path, sizeof path, "/proc/%d/comm", pid);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0 && read(fd, name, sizeof name - 1) > 0 && !strcmp(name, "cloister-cell\n"))
            verdict = worked("opened the memory of a part of the cell");
        close(fd);
        close(memory);
    }
    closedir(directory);
    return verdict;
}

static void *wait_beside(void *unused) {
    while (!over)
        usleep(1000);
    return unused;
}

static struct verdict start_watched(void) { return raced(wait_beside, looked_into_new_ones); }

const struct attempt races[] = {
    {"directory-exchanged", directory_exchanged, "fileview landlock", in_stand_in,
     "read the secret where a directory was exchanged for a link"},
    {"file-exchanged", file_exchanged, "fileview landlock", in_stand_in,
     "read it where a file was exchanged for a link"},
    {"tree-exchanged", tree_exchanged, "fileview landlock", by_grant,
     "opened a granted file to write where its own was exchanged"},
    {"path-rewritten", path_rewritten, "fileview landlock", in_stand_in,
     "read it by a path that changed while it was looked at"},
    {"flags-rewritten", flags_rewritten, "seccomp", by_walls, "made a namespace by flags that changed"},
    {"address-rewritten", address_rewritten, "netns landlock", by_walls,
     "reached the host's socket by an address that changed"},
    {"start-watched", start_watched, "nonewprivs", by_walls, "opened the memory of a process of the cell's own"},
    {0},
};
