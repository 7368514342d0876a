// Resources: more of them than the plan gives.

#include "probe.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

// As high as the kernel lets it: whoever finds a soft limit raises it.
static void raise_limit(__rlimit_resource_t resource) {
    struct rlimit limit;
    getrlimit(resource, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(resource, &limit);
}

static struct verdict raised(__rlimit_resource_t resource) {
    struct rlimit limit;
    getrlimit(resource, &limit);
    if (limit.rlim_max == RLIM_INFINITY)
        return worked("it is unlimited");
    limit.rlim_max++;
    return judge(setrlimit(resource, &limit));
}

static struct verdict file_size_raised(void) { return raised(RLIMIT_FSIZE); }
static struct verdict core_size_raised(void) { return raised(RLIMIT_CORE); }

static struct verdict files_opened(void) {
    raise_limit(RLIMIT_NOFILE);
    for (long count = planted_number("PROBE_OPEN_FILES"); count > 0; count--)
        if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0)
            return refused("open");
    return worked("more than the plan has");
}

static struct verdict file_grown(void) {
    raise_limit(RLIMIT_FSIZE);
    signal(SIGXFSZ, SIG_IGN);
    int fd = scratch_file("large");
    if (fd < 0)
        return failed("open");
    struct verdict verdict = judge(ftruncate(fd, planted_number("PROBE_FILE_BYTES") + 1));
    unlink(scratch("large"));
    return verdict;
}

static struct verdict memory_locked(void) {
    raise_limit(RLIMIT_MEMLOCK);
    size_t size = (size_t)planted_number("PROBE_LOCKED_BYTES") + 65536;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return judge(mlock(memory, size));
}

static struct verdict core_left(void) {
    raise_limit(RLIMIT_CORE);
    if (chdir(planted("PROBE_SCRATCH")) < 0)
        return failed("chdir");
    pid_t pid = fork();
    if (pid == 0)
        abort();
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        return failed("fork");
    return WCOREDUMP(status) ? worked("its memory was written down") : hidden("no core was left");
}

// MARK: of the whole cell

static struct verdict processes_made(void) {
    raise_limit(RLIMIT_NPROC);
    // All of a group of their own, to be ended together.
    setpgid(0, 0);
    signal(SIGTERM, SIG_IGN);
    struct verdict verdict = worked("more than the plan has");
    for (long count = planted_number("PROBE_TASKS"); count > 0; count--) {
        pid_t pid = fork();
        if (pid == 0) {
            signal(SIGTERM, SIG_DFL);
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (;;)
                pause();
        }
        if (pid < 0) {
            verdict = refused("fork");
            break;
        }
    }
    kill(0, SIGTERM);
    return verdict;
}

static struct verdict memory_used(void) {
    size_t size = (size_t)planted_number("PROBE_MEMORY_BYTES");
    pid_t pid = fork();
    if (pid == 0) {
        char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            _exit(1);
        for (size_t place = 0; place < size; place += 4096)
            memory[place] = 1;
        _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    return status == 0 ? worked("more than the plan has") : hidden("the process was ended");
}

static struct verdict filled(const char *directory, const char *variable) {
    char path[4096];
    static char block[1 << 20];
    memset(block, 'x', sizeof block);
    snprintf(path, sizeof path, "%s/filled", directory);
    struct verdict verdict = worked("more than the plan has");
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0)
        return failed("open");
    for (long left = planted_number(variable) + 1; left > 0; left -= (long)sizeof block)
        if (write(fd, block, sizeof block) != sizeof block) {
            verdict = refused("write");
            break;
        }
    unlink(path);
    return verdict;
}

static struct verdict temporary_filled(void) { return filled("/tmp", "PROBE_TEMPORARY_BYTES"); }
static struct verdict shared_filled(void) { return filled("/dev/shm", "PROBE_TEMPORARY_BYTES"); }
static struct verdict workspace_filled(void) {
    return filled(planted("PROBE_SCRATCH"), "PROBE_WORKSPACE_BYTES");
}

static struct verdict inodes_made(void) {
    // Files without content cost the kernel memory all the same.
    char path[64];
    long count = planted_number("PROBE_INODES"), made = 0;
    struct verdict verdict = worked("more than fit into its room");
    if (mkdir("/tmp/many", 0700) < 0)
        return failed("mkdir");
    for (; made < count; made++) {
        snprintf(path, sizeof path, "/tmp/many/%ld", made);
        if (mknod(path, S_IFREG | 0600, 0) < 0) {
            verdict = refused("mknod");
            break;
        }
    }
    while (made-- > 0) {
        snprintf(path, sizeof path, "/tmp/many/%ld", made);
        unlink(path);
    }
    rmdir("/tmp/many");
    return verdict;
}

static struct verdict hurried(int policy, int priority) {
    const struct sched_param parameter = {.sched_priority = priority};
    return judge(sched_setscheduler(0, policy, &parameter));
}

static struct verdict real_time(void) { return hurried(SCHED_FIFO, 1); }
static struct verdict preferred(void) { return judge(setpriority(PRIO_PROCESS, 0, -1)); }
static struct verdict disk_first(void) { return judge(syscall(SYS_ioprio_set, 1, 0, 1 << 13)); }

const struct attempt resources[] = {
    {"file-size-raised", file_size_raised, "rlimits", by_walls, "raised the limit of a file's size"},
    {"core-size-raised", core_size_raised, "rlimits", by_walls, "raised the limit of a core"},
    {"files-opened", files_opened, "rlimits", by_walls, "opened more files than the plan has"},
    {"file-grown", file_grown, "rlimits", by_walls, "made a larger file"},
    {"memory-locked", memory_locked, "rlimits", by_walls, "locked more memory"},
    {"core-left", core_left, "rlimits", by_walls, "left a core"},
    {"processes-made", processes_made, "rlimits", by_walls, "made more processes"},
    {"memory-used", memory_used, "cgroup", by_absence, "used more memory"},
    {"temporary-filled", temporary_filled, "fileview", by_room, "put more into /tmp"},
    {"shared-filled", shared_filled, "fileview", by_room, "put more into /dev/shm"},
    {"workspace-filled", workspace_filled, "workspace", by_room, "put more into its workspace"},
    {"inodes-made", inodes_made, "fileview", by_room, "made more files than its room has"},
    {"real-time", real_time, "userns", never, "runs before everybody else"},
    {"preferred", preferred, "userns", never, "has a better priority"},
    {"disk-first", disk_first, "userns", never, "is first at the disk"},
    {0},
};
