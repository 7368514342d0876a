// Processes: those of the host, the cell's own first one, and rights that a program would gain over others.

#include "probe.h"

#include <dirent.h>
#include <grp.h>
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/uio.h>
#include <time.h>

static pid_t bystander(void) { return (pid_t)planted_number("PROBE_PID"); }

static const char *of(pid_t pid, const char *what) {
    static char path[4096];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, what);
    return path;
}

// MARK: the host's process

static struct verdict seen(void) {
    DIR *directory = opendir("/proc");
    if (!directory)
        return refused("opendir");
    for (struct dirent *entry; (entry = readdir(directory));) {
        char name[64] = "";
        int fd = open(of(atoi(entry->d_name), "comm"), O_RDONLY);
        if (fd >= 0 && read(fd, name, sizeof name - 1) > 0 && !strcmp(name, "bystander\n"))
            return worked("it is in /proc");
        close(fd);
    }
    return hidden("it is not in /proc");
}

static struct verdict signalled(void) { return judge(kill(bystander(), SIGURG)); }

static struct verdict signalled_by_pidfd(void) {
    int process = (int)syscall(SYS_pidfd_open, bystander(), 0);
    return process < 0 ? refused("pidfd_open") : judge(syscall(SYS_pidfd_send_signal, process, SIGURG, NULL, 0));
}

static struct verdict environment_read(void) { return mark_in_file(of(bystander(), "environ")); }

static struct verdict root_entered(void) {
    int root = open(of(bystander(), "root"), O_PATH | O_DIRECTORY);
    if (root < 0)
        return refused("open");
    int secret = openat(root, planted("PROBE_SECRET") + 1, O_RDONLY);
    return secret < 0 ? refused("openat") : mark_in(secret);
}

static struct verdict directory_entered(void) {
    return judge(open(of(bystander(), "cwd"), O_RDONLY | O_DIRECTORY));
}

static struct verdict program_opened(void) { return judge(open(of(bystander(), "exe"), O_RDONLY)); }

static struct verdict file_of_memory(pid_t pid, off_t address) {
    int fd = open(of(pid, "mem"), O_RDONLY);
    char bytes[64] = "";
    if (fd < 0)
        return refused("open");
    if (pread(fd, bytes, sizeof bytes, address) < 0)
        return refused("read");
    return has_mark(bytes, sizeof bytes) ? worked("read its memory") : hidden("not the mark");
}

static struct verdict memory_opened(void) {
    return file_of_memory(bystander(), (off_t)strtoul(planted("PROBE_ADDRESS"), NULL, 0));
}

static struct verdict memory_copied(pid_t pid, void *address) {
    char bytes[64] = "";
    struct iovec own = {bytes, sizeof bytes}, other = {address, sizeof bytes};
    if (process_vm_readv(pid, &own, 1, &other, 1, 0) < 0)
        return refused("process_vm_readv");
    return has_mark(bytes, sizeof bytes) ? worked("read its memory") : hidden("not the mark");
}

static struct verdict memory_read(void) {
    return memory_copied(bystander(), (void *)strtoul(planted("PROBE_ADDRESS"), NULL, 0));
}

static struct verdict traced_and_let_go(pid_t pid) {
    if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0)
        return refused("ptrace");
    return worked("traced it");
}

static struct verdict traced(void) { return traced_and_let_go(bystander()); }

static struct verdict priority_set(void) {
    errno = 0;
    int priority = getpriority(PRIO_PROCESS, (id_t)bystander());
    return errno ? refused("getpriority") : judge(setpriority(PRIO_PROCESS, (id_t)bystander(), priority + 1));
}

static struct verdict affinity_set(void) {
    cpu_set_t set;
    if (sched_getaffinity(bystander(), sizeof set, &set) < 0)
        return refused("sched_getaffinity");
    return judge(sched_setaffinity(bystander(), sizeof set, &set));
}

static struct verdict limits_set(void) {
    struct rlimit limit;
    if (prlimit(bystander(), RLIMIT_CORE, NULL, &limit) < 0)
        return refused("prlimit");
    return judge(prlimit(bystander(), RLIMIT_CORE, &limit, NULL));
}

static struct verdict times_read(void) {
    clockid_t clock;
    struct timespec time;
    int error = clock_getcpuclockid(bystander(), &clock);
    if (error) {
        errno = error;
        return refused("clock_getcpuclockid");
    }
    return judge(clock_gettime(clock, &time));
}

// MARK: the cell's first process

static struct verdict first_environment(void) { return judge(open("/proc/1/environ", O_RDONLY)); }
static struct verdict first_memory(void) { return judge(open("/proc/1/mem", O_RDONLY)); }
static struct verdict first_map(void) { return judge(open("/proc/1/maps", O_RDONLY)); }
static struct verdict first_program(void) { return judge(open("/proc/1/exe", O_RDONLY)); }
static struct verdict first_root(void) { return judge(open("/proc/1/root", O_RDONLY | O_DIRECTORY)); }
static struct verdict first_directory(void) { return judge(open("/proc/1/cwd", O_RDONLY | O_DIRECTORY)); }
static struct verdict first_traced(void) { return traced_and_let_go(1); }

static struct verdict first_memory_read(void) {
    char byte;
    // Nothing is mapped at this address: behind the wall that is what the kernel says.
    struct iovec own = {&byte, 1}, other = {(void *)8, 1};
    return past(process_vm_readv(1, &own, 1, &other, 1, 0), EFAULT);
}

// MARK: its own other processes, of which a program that was taken over would read secrets

static struct verdict sibling_traced(void) { return traced_and_let_go(sibling()); }
static struct verdict sibling_read(void) { return memory_copied(sibling(), sibling_mark); }

static struct verdict sibling_written(void) {
    char bytes[] = "changed";
    struct iovec own = {bytes, sizeof bytes}, other = {sibling_mark, sizeof bytes};
    return judge(process_vm_writev(sibling(), &own, 1, &other, 1, 0));
}

static int ask_to_be_traced(void *unused) {
    (void)unused;
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? errno : 0;
}

static struct verdict traced_by_parent(void) {
    errno = in_child(ask_to_be_traced, NULL);
    return errno ? refused("ptrace") : worked("");
}

static struct verdict sibling_compared(void) {
    return judge(syscall(SYS_kcmp, getpid(), sibling(), 0 /* KCMP_FILE */, 1, 1));
}

static struct verdict sibling_advised(void) {
    int process = (int)syscall(SYS_pidfd_open, sibling(), 0);
    struct iovec bytes = {(void *)((uintptr_t)sibling_mark & ~4095UL), 4096};
    if (process < 0)
        return refused("pidfd_open");
    // To have rights over its memory is not enough, advice to others is privileged: EPERM, of the kernel. Of an
    // advice that does not exist the kernel says EINVAL before that.
    return past(syscall(SYS_process_madvise, process, &bytes, 1, 9999, 0), EINVAL);
}

static struct verdict sibling_reaped(void) {
    int process = (int)syscall(SYS_pidfd_open, sibling(), 0);
    // It is alive, and only the memory of the dying is taken.
    return process < 0 ? refused("pidfd_open") : past(syscall(SYS_process_mrelease, process, 0), EINVAL);
}

// MARK: rights

static struct verdict set_uid(void) { return rights_of(planted("PROBE_SET_UID")); }
static struct verdict file_rights(void) { return rights_of(planted("PROBE_FILE_RIGHTS")); }
static struct verdict root_become(void) { return judge(setresuid(0, 0, 0)); }
static struct verdict groups_set(void) {
    gid_t group = 0;
    return judge(setgroups(1, &group));
}
static struct verdict rights_held(void) { return has_rights() ? worked("") : hidden("it has none"); }

static struct verdict rights_kept(void) {
    for (int capability = 0; capability < 64; capability++)
        if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1)
            return worked("the bounding set is not empty");
    return hidden("the bounding set is empty");
}

static struct verdict rights_unlocked(void) { return judge(prctl(PR_SET_SECUREBITS, 0, 0, 0, 0)); }

static struct verdict other_users(void) {
    char map[256] = "";
    int fd = open("/proc/self/uid_map", O_RDONLY);
    if (fd < 0 || read(fd, map, sizeof map - 1) < 0)
        return failed("uid_map");
    unsigned first, outside, count;
    int words = sscanf(map, "%u %u %u", &first, &outside, &count);
    return words == 3 && count > 1 ? worked("more than one user exists") : hidden("only its own user exists");
}

// MARK: namespaces

static struct verdict is_shared(const char *name) {
    char path[64], variable[64];
    struct stat status;
    snprintf(path, sizeof path, "/proc/self/ns/%s", name);
    snprintf(variable, sizeof variable, "PROBE_NS_%s", name);
    if (stat(path, &status) < 0)
        return missing("no such namespace");
    return status.st_ino == strtoul(planted(variable), NULL, 0) ? worked("") : hidden("it is another");
}

static struct verdict shares_user(void) { return is_shared("user"); }
static struct verdict shares_mount(void) { return is_shared("mnt"); }
static struct verdict shares_pid(void) { return is_shared("pid"); }
static struct verdict shares_ipc(void) { return is_shared("ipc"); }
static struct verdict shares_uts(void) { return is_shared("uts"); }
static struct verdict shares_net(void) { return is_shared("net"); }
static struct verdict shares_cgroup(void) { return is_shared("cgroup"); }
static struct verdict shares_time(void) { return is_shared("time"); }

// MARK: memory and queues that have names of their own

static struct verdict memory_shared(void) {
    int id = shmget((key_t)planted_number("PROBE_IPC"), 0, 0);
    if (id < 0)
        return refused("shmget");
    void *memory = shmat(id, NULL, SHM_RDONLY);
    if (memory == (void *)-1)
        return refused("shmat");
    return has_mark(memory, 64) ? worked("read it") : hidden("not the mark");
}

static struct verdict semaphore_shared(void) {
    int id = semget((key_t)planted_number("PROBE_IPC"), 0, 0);
    return id < 0 ? refused("semget") : judge(semctl(id, 0, GETVAL));
}

static struct verdict messages_shared(void) {
    int id = msgget((key_t)planted_number("PROBE_IPC"), 0);
    struct msqid_ds status;
    return id < 0 ? refused("msgget") : judge(msgctl(id, IPC_STAT, &status));
}

static struct verdict queue_shared(void) { return judge(mq_open(planted("PROBE_QUEUE"), O_RDONLY | O_NONBLOCK)); }

const struct attempt processes[] = {
    {"bystander-seen", seen, "pidns", in_stand_in, "saw a process of the host"},
    {"bystander-signalled", signalled, "pidns landlock", in_stand_in, "sent it a signal"},
    {"bystander-pidfd", signalled_by_pidfd, "pidns landlock", in_stand_in, "sent it one by a pidfd"},
    {"bystander-environment", environment_read, "pidns landlock", in_stand_in, "read its environment"},
    {"bystander-root", root_entered, "pidns landlock", in_stand_in, "opened a file below its root"},
    {"bystander-directory", directory_entered, "pidns landlock", in_stand_in, "opened its directory"},
    {"bystander-program", program_opened, "pidns landlock", in_stand_in, "opened its program"},
    {"bystander-memory", memory_opened, "pidns landlock", in_stand_in, "read its memory by /proc"},
    {"bystander-copied", memory_read, "pidns seccomp landlock", in_stand_in, "read its memory by a call"},
    {"bystander-traced", traced, "pidns seccomp landlock", in_stand_in, "traced it"},
    {"bystander-priority", priority_set, "pidns", in_stand_in, "changed its priority"},
    {"bystander-affinity", affinity_set, "pidns", in_stand_in, "changed its processors"},
    {"bystander-limits", limits_set, "pidns", in_stand_in, "changed its limits"},
    {"bystander-times", times_read, "pidns", in_stand_in, "read its processor time"},
    {"first-environment", first_environment, "nonewprivs", by_walls, "opened /proc/1/environ"},
    {"first-memory", first_memory, "nonewprivs", by_walls, "opened /proc/1/mem"},
    {"first-map", first_map, "nonewprivs", by_walls, "opened /proc/1/maps"},
    {"first-program", first_program, "nonewprivs", by_walls, "opened /proc/1/exe"},
    {"first-root", first_root, "nonewprivs", by_walls, "opened /proc/1/root"},
    {"first-directory", first_directory, "nonewprivs", by_walls, "opened /proc/1/cwd"},
    {"first-traced", first_traced, "seccomp nonewprivs", by_walls, "traced the first process"},
    {"first-copied", first_memory_read, "seccomp nonewprivs", by_walls, "was allowed to read its memory"},
    {"sibling-traced", sibling_traced, "seccomp", by_walls, "traced another process of its own"},
    {"sibling-copied", sibling_read, "seccomp", by_walls, "read another's memory"},
    {"sibling-written", sibling_written, "seccomp", by_walls, "wrote into another's memory"},
    {"sibling-parent", traced_by_parent, "seccomp", by_walls, "is traced by its parent"},
    {"sibling-compared", sibling_compared, "seccomp", by_walls, "compared kernel objects of two processes"},
    {"sibling-advised", sibling_advised, "seccomp", by_walls, "was allowed to advise on another's memory"},
    {"sibling-released", sibling_reaped, "seccomp", by_walls, "was allowed to release another's memory"},
    {"set-uid", set_uid, "fileview userns nonewprivs", in_stand_in, "became root by a set-uid program"},
    {"file-rights", file_rights, "fileview userns nonewprivs", in_stand_in,
     "got capabilities by a program that has them"},
    {"root-become", root_become, "userns capabilities", in_stand_in, "became root by a call"},
    {"groups-set", groups_set, "userns capabilities", in_stand_in, "became a member of a group"},
    {"rights-held", rights_held, "capabilities", by_walls, "has capabilities"},
    {"rights-kept", rights_kept, "capabilities", by_walls, "could get capabilities"},
    {"rights-unlocked", rights_unlocked, "capabilities", by_walls, "unlocked what keeps capabilities away"},
    {"other-users", other_users, "userns", by_walls, "other users exist"},
    {"shares-user", shares_user, "userns", by_walls, "is in the host's user namespace"},
    {"shares-mount", shares_mount, "mountns", in_stand_in, "is in the host's mount namespace"},
    {"shares-pid", shares_pid, "pidns", in_stand_in, "is in the host's process namespace"},
    {"shares-ipc", shares_ipc, "ipcns", by_walls, "is in the host's namespace of queues"},
    {"shares-uts", shares_uts, "utsns", by_walls, "is in the host's namespace of names"},
    {"shares-net", shares_net, "netns", by_walls, "is in the host's network"},
    {"shares-cgroup", shares_cgroup, "cgroupns", by_walls, "is in the host's namespace of control groups"},
    {"shares-time", shares_time, "timens", by_walls, "is in the host's time namespace"},
    {"memory-shared", memory_shared, "ipcns", by_walls, "read shared memory of the host"},
    {"semaphore-shared", semaphore_shared, "ipcns", by_walls, "read a semaphore of the host"},
    {"messages-shared", messages_shared, "ipcns", by_walls, "reached a message queue of the host"},
    {"queue-shared", queue_shared, "ipcns landlock", by_walls, "opened a named queue of the host"},
    {0},
};
