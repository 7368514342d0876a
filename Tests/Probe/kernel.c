// The kernel's interface: calls that reach large, young or privileged parts of it, and facts of the host that it
// tells. Of calls that only root of the machine may make, the arguments are wrong in a way that the kernel sees
// after it has looked at the rights (or, where it looks at them first, the table says that nothing lowers them).

#include "probe.h"

#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/quota.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <time.h>

#ifndef SYS_lsm_list_modules
#define SYS_lsm_list_modules 461
#endif
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static int page_of_own(void **page) {
    *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    return *page == MAP_FAILED ? -1 : 0;
}

// MARK: namespaces

static struct verdict apart(int flags) {
    if (unshare(CLONE_NEWUSER | flags) < 0)
        return refused("unshare");
    return has_rights() ? worked("with capabilities over it") : worked("without rights");
}

static struct verdict user_namespace(void) { return apart(0); }
static struct verdict mount_namespace(void) { return apart(CLONE_NEWNS); }
static struct verdict pid_namespace(void) { return apart(CLONE_NEWPID); }
static struct verdict ipc_namespace(void) { return apart(CLONE_NEWIPC); }
static struct verdict uts_namespace(void) { return apart(CLONE_NEWUTS); }
static struct verdict net_namespace(void) { return apart(CLONE_NEWNET); }
static struct verdict cgroup_namespace(void) { return apart(CLONE_NEWCGROUP); }
static struct verdict time_namespace(void) { return apart(CLONE_NEWTIME); }
static struct verdict mount_namespace_alone(void) { return judge(unshare(CLONE_NEWNS)); }

static struct verdict born(long pid) {
    if (pid == 0)
        _exit(has_rights() ? 0 : 1);
    int status;
    if (pid < 0)
        return refused("clone");
    waitpid((pid_t)pid, &status, 0);
    return status == 0 ? worked("the child has capabilities") : hidden("the child has no rights");
}

static struct verdict cloned(void) {
    return born(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL));
}

static struct verdict cloned_by_memory(void) {
    const uint64_t arguments[8] = {[0] = CLONE_NEWUSER, [4] = SIGCHLD};
    return born(syscall(SYS_clone3, arguments, sizeof arguments));
}

static struct verdict entered(void) {
    int own = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC);
    return own < 0 ? failed("open") : judge(setns(own, CLONE_NEWIPC));
}

static struct verdict entered_by_process(void) {
    int own = (int)syscall(SYS_pidfd_open, getpid(), 0);
    return own < 0 ? failed("pidfd_open") : judge(setns(own, CLONE_NEWUTS));
}

// MARK: large and young parts

static struct verdict bpf(void) { return past(syscall(SYS_bpf, 9999, NULL, 0), EINVAL); }
static struct verdict rings(void) {
    char parameters[120] = {0};
    return judge(syscall(SYS_io_uring_setup, 4, parameters));
}
static struct verdict faults(void) { return judge(syscall(SYS_userfaultfd, O_CLOEXEC | 1 /* user mode only */)); }
static struct verdict secret_memory(void) { return judge(syscall(SYS_memfd_secret, 0)); }

static struct verdict counters(void) {
    struct perf_event_attr event = {.type = PERF_TYPE_SOFTWARE,
                                    .size = sizeof event,
                                    .config = PERF_COUNT_SW_TASK_CLOCK,
                                    .exclude_kernel = 1,
                                    .exclude_hv = 1};
    return judge(syscall(SYS_perf_event_open, &event, 0, -1, -1, 0));
}

static struct verdict cache_seen(void) {
    const uint64_t range[2] = {0, 4096};
    uint64_t found[5];
    return judge(syscall(SYS_cachestat, scratch_file("cached"), range, found, 0));
}

static struct verdict segments(void) {
#ifdef SYS_modify_ldt
    char bytes[64];
    return judge(syscall(SYS_modify_ldt, 0, bytes, sizeof bytes));
#else
    return missing("not on this architecture");
#endif
}

static struct verdict pages_remapped(void) {
    void *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return judge(syscall(SYS_remap_file_pages, memory, 4096, 0, 1, 0));
}

static struct verdict node_set(void) { return judge(syscall(SYS_set_mempolicy, 0, NULL, 0)); }
static struct verdict node_bound(void) {
    void *page;
    return page_of_own(&page) < 0 ? failed("mmap") : judge(syscall(SYS_mbind, page, 4096, 0, NULL, 0, 0));
}
static struct verdict node_asked(void) {
    void *page;
    int node;
    if (page_of_own(&page) < 0)
        return failed("mmap");
    return judge(syscall(SYS_move_pages, 0, 1, &page, NULL, &node, 0));
}
static struct verdict node_moved(void) {
    unsigned long nodes = 1;
    return judge(syscall(SYS_migrate_pages, 0, 2, &nodes, &nodes));
}

// MARK: other numbers for calls

static struct verdict calls_of_i386(void) {
#ifdef __x86_64__
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20 /* getpid */) : "memory", "r8", "r9", "r10", "r11");
    return result == getpid() ? worked("getpid by i386's gate") : missing("this kernel does not answer it");
#else
    return missing("not on this architecture");
#endif
}

static struct verdict calls_of_x32(void) {
#ifdef __x86_64__
    return judge(syscall(0x40000000L | SYS_getpid));
#else
    return missing("not on this architecture");
#endif
}

static struct verdict ports(void) {
#ifdef SYS_ioperm
    // To give back what it does not have is everybody's right.
    return judge(syscall(SYS_ioperm, 0, 1, 0));
#else
    return missing("not on this architecture");
#endif
}

static struct verdict port_level(void) {
#ifdef SYS_iopl
    return judge(syscall(SYS_iopl, 0));
#else
    return missing("not on this architecture");
#endif
}

static struct verdict unsafe_personality(void) { return judge(personality(READ_IMPLIES_EXEC)); }
static struct verdict old_version(void) { return judge(personality(0x20000 /* UNAME26 */)); }
static struct verdict low_addresses(void) { return judge(personality(MMAP_PAGE_ZERO)); }

static struct verdict layout_set(void) {
    unsigned size;
    return judge(prctl(PR_SET_MM, PR_SET_MM_MAP_SIZE, &size, 0, 0));
}

// MARK: the machine's settings

static struct verdict restarted(void) {
    // With wrong magic numbers, at which the kernel looks after the rights.
    return past(syscall(SYS_reboot, 0, 0, 0, NULL), EINVAL);
}
static struct verdict host_named(void) { return past(syscall(SYS_sethostname, NULL, 65), EINVAL); }
static struct verdict domain_named(void) { return past(syscall(SYS_setdomainname, NULL, 65), EINVAL); }

static struct verdict clock_of_day_set(void) {
    // More than a million of microseconds is no time.
    const struct timeval impossible = {0, 5000000};
    return past(syscall(SYS_settimeofday, &impossible, NULL), EINVAL);
}
static struct verdict clock_set(void) {
    const struct timespec time = {0, 0};
    return past(syscall(SYS_clock_settime, CLOCK_MONOTONIC, &time), EINVAL);
}
static struct verdict clock_read(void) {
    struct timex state = {.modes = 0};
    return judge(syscall(SYS_adjtimex, &state));
}
static struct verdict clock_adjusted(void) {
    struct timex state = {.modes = 0};
    return judge(syscall(SYS_clock_adjtime, CLOCK_REALTIME, &state));
}
static struct verdict quota(void) { return past(quotactl(QCMD(Q_GETQUOTA, 99), "/dev/null", 0, NULL), EINVAL); }
static struct verdict quota_open(void) {
    return past(syscall(SYS_quotactl_fd, -1, QCMD(Q_GETQUOTA, 0), 0, NULL), EBADF);
}
static struct verdict file_systems(void) {
#ifdef SYS_sysfs
    return judge(syscall(SYS_sysfs, 3));
#else
    return missing("not on this architecture");
#endif
}
static struct verdict device_status(void) {
#ifdef SYS_ustat
    char status[64];
    struct stat root;
    return stat("/usr", &root) < 0 ? failed("stat") : judge(syscall(SYS_ustat, root.st_dev, status));
#else
    return missing("not on this architecture");
#endif
}
static struct verdict security_modules(void) {
    uint64_t modules[32];
    uint32_t size = sizeof modules;
    return judge(syscall(SYS_lsm_list_modules, modules, &size, 0));
}

// All of these look at the rights first.
static struct verdict module_loaded(void) { return judge(syscall(SYS_init_module, NULL, 0, "")); }
static struct verdict module_file(void) { return judge(syscall(SYS_finit_module, -1, "", 0)); }
static struct verdict module_removed(void) { return judge(syscall(SYS_delete_module, NULL, 0)); }
static struct verdict kernel_loaded(void) { return judge(syscall(SYS_kexec_load, 0, 9999, NULL, ~0UL)); }
static struct verdict swapped(void) { return past(syscall(SYS_swapon, NULL, ~0), EINVAL); }
static struct verdict swap_ended(void) { return past(syscall(SYS_swapoff, NULL), EFAULT); }
static struct verdict accounted(void) { return past(syscall(SYS_acct, (char *)8), EFAULT); }
static struct verdict log_read(void) { return judge(syscall(SYS_syslog, 10 /* size of the log */, NULL, 0)); }
static struct verdict hung_up(void) { return judge(syscall(SYS_vhangup)); }

// MARK: settings by file

static struct verdict set_by(const char *path) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 ? refused("open") : worked("opened for writing");
}

static struct verdict core_pattern(void) { return set_by("/proc/sys/kernel/core_pattern"); }
static struct verdict magic_key(void) { return set_by("/proc/sysrq-trigger"); }
static struct verdict host_name_file(void) { return set_by("/proc/sys/kernel/hostname"); }
static struct verdict binary_formats(void) { return set_by("/proc/sys/fs/binfmt_misc/register"); }
static struct verdict interrupts(void) { return set_by("/proc/irq/default_smp_affinity"); }
static struct verdict namespaces_limit(void) { return set_by("/proc/sys/user/max_user_namespaces"); }
static struct verdict own_score(void) { return set_by("/proc/self/oom_score_adj"); }
static struct verdict own_map(void) { return set_by("/proc/self/uid_map"); }
static struct verdict own_label(void) { return set_by("/proc/self/attr/current"); }
static struct verdict own_clocks(void) { return set_by("/proc/self/timens_offsets"); }

// MARK: keys

static struct verdict key_added(void) {
    return judge(syscall(SYS_add_key, "user", "cloister-probe", "x", 1, KEY_SPEC_PROCESS_KEYRING));
}

static struct verdict key_requested(void) {
    long key = syscall(SYS_request_key, "user", "cloister-probe-none", NULL, 0);
    return past(key, ENOKEY);
}

static struct verdict key_read(long key) {
    char bytes[128] = "";
    if (key < 0)
        return refused("keyctl");
    if (syscall(SYS_keyctl, KEYCTL_READ, key, bytes, sizeof bytes) < 0)
        return refused("keyctl read");
    return has_mark(bytes, sizeof bytes) ? worked("read it") : hidden("not the mark");
}

static struct verdict key_by_number(void) { return key_read(planted_number("PROBE_KEY")); }

static struct verdict key_of_session(void) {
    return key_read(
        syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", planted("PROBE_SESSION_KEY"), 0));
}

static struct verdict key_listed(void) {
    char line[512];
    FILE *keys = fopen("/proc/keys", "r");
    if (!keys)
        return errno == ENOENT ? missing("no /proc/keys") : refused("open");
    while (fgets(line, sizeof line, keys))
        if (strstr(line, planted("PROBE_KEY_NAME")))
            return worked("it is in /proc/keys");
    return hidden("it is not in /proc/keys");
}

// MARK: facts of the host

static struct verdict host_name(void) {
    struct utsname names;
    uname(&names);
    return strcmp(names.nodename, planted("PROBE_HOST_NAME")) ? hidden("another name") : worked("its name");
}

// Clocks tell the uptime if they show as much as the host's did before the probe was started.
static struct verdict is_uptime(double seconds) {
    return seconds >= atof(planted("PROBE_UPTIME")) ? worked("the host's") : hidden("another");
}

static struct verdict uptime_by_clock(void) {
    struct timespec time;
    clock_gettime(CLOCK_BOOTTIME, &time);
    return is_uptime((double)time.tv_sec);
}

static struct verdict uptime_by_monotonic(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return is_uptime((double)time.tv_sec);
}

static struct verdict uptime_by_call(void) {
    struct sysinfo facts;
    sysinfo(&facts);
    return is_uptime((double)facts.uptime);
}

static struct verdict uptime_by_file(void) {
    double seconds = 0;
    FILE *file = fopen("/proc/uptime", "r");
    if (!file || fscanf(file, "%lf", &seconds) != 1)
        return refused("open");
    return is_uptime(seconds);
}

static struct verdict uptime_by_start(void) {
    char line[128];
    long started = 0;
    FILE *file = fopen("/proc/stat", "r");
    while (file && fgets(line, sizeof line, file))
        sscanf(line, "btime %ld", &started);
    return started ? is_uptime((double)(time(NULL) - started)) : refused("open");
}

// A namespace of time says by how much it differs, to whoever is in it.
static struct verdict uptime_by_difference(void) {
    char line[128];
    long difference = 0;
    FILE *file = fopen("/proc/self/timens_offsets", "r");
    if (!file)
        return refused("open");
    while (fgets(line, sizeof line, file))
        sscanf(line, "boottime %ld", &difference);
    struct timespec time;
    clock_gettime(CLOCK_BOOTTIME, &time);
    return is_uptime((double)(time.tv_sec - difference));
}

const struct attempt kernel[] = {
    {"namespace-user", user_namespace, "seccomp", by_walls, "made a user namespace"},
    {"namespace-mount", mount_namespace, "seccomp", by_walls, "made a mount namespace in one"},
    {"namespace-pid", pid_namespace, "seccomp", by_walls, "made a process namespace in one"},
    {"namespace-ipc", ipc_namespace, "seccomp", by_walls, "made a namespace of queues in one"},
    {"namespace-uts", uts_namespace, "seccomp", by_walls, "made a namespace of names in one"},
    {"namespace-net", net_namespace, "seccomp", by_walls, "made a network in one"},
    {"namespace-cgroup", cgroup_namespace, "seccomp", by_walls, "made a namespace of control groups in one"},
    {"namespace-time", time_namespace, "seccomp", by_walls, "made a time namespace in one"},
    {"namespace-alone", mount_namespace_alone, "seccomp capabilities", by_walls, "made a mount namespace"},
    {"namespace-clone", cloned, "seccomp", by_walls, "made one by clone"},
    {"namespace-clone3", cloned_by_memory, "seccomp", by_walls, "made one by clone3"},
    {"namespace-entered", entered, "seccomp capabilities", by_walls, "entered a namespace"},
    {"namespace-by-pidfd", entered_by_process, "seccomp capabilities", by_walls, "entered one by a process"},
    {"bpf", bpf, "seccomp", by_walls, "reached bpf's check of its arguments"},
    {"io-uring", rings, "seccomp", by_walls, "made an io_uring"},
    {"userfaultfd", faults, "seccomp", by_walls, "handles its own page faults"},
    {"memfd-secret", secret_memory, "seccomp", by_walls, "has memory that the kernel cannot see"},
    {"perf-events", counters, "seccomp", by_walls, "counts events"},
    {"cache-seen", cache_seen, "seccomp", by_walls, "asked what of a file is cached"},
    {"segments", segments, "seccomp", by_walls, "reached the local descriptor table"},
    {"pages-remapped", pages_remapped, "seccomp", by_walls, "remapped pages of a file"},
    {"node-set", node_set, "seccomp", by_walls, "set a policy of memory nodes"},
    {"node-bound", node_bound, "seccomp", by_walls, "bound memory to a node"},
    {"node-asked", node_asked, "seccomp", by_walls, "asked on which node a page lies"},
    {"node-moved", node_moved, "seccomp", by_walls, "moved pages between nodes"},
    {"calls-of-i386", calls_of_i386, "seccomp", by_walls, "made a call of i386"},
    {"calls-of-x32", calls_of_x32, "seccomp", by_walls, "made a call of x32"},
    {"ports", ports, "seccomp", by_walls, "reached ioperm"},
    {"port-level", port_level, "seccomp", by_walls, "reached iopl"},
    {"personality", unsafe_personality, "seccomp", by_walls, "made all readable memory executable"},
    {"personality-version", old_version, "seccomp", by_walls, "is told of an older kernel"},
    {"personality-zero", low_addresses, "seccomp", by_walls, "has page zero mapped by exec"},
    {"layout-set", layout_set, "seccomp", by_walls, "reached PR_SET_MM"},
    {"restart", restarted, "seccomp capabilities", by_walls, "was allowed to restart (wrong magic)"},
    {"host-named", host_named, "seccomp capabilities", by_walls, "was allowed to name the host (too long)"},
    {"domain-named", domain_named, "seccomp capabilities", by_walls, "was allowed to name the domain (too long)"},
    {"clock-of-day", clock_of_day_set, "seccomp", by_walls, "reached settimeofday (impossible time)"},
    {"clock-set", clock_set, "seccomp", by_walls, "reached clock_settime (a clock that cannot be set)"},
    {"clock-state", clock_read, "seccomp", by_walls, "read how the clock is steered"},
    {"clock-adjusted", clock_adjusted, "seccomp", by_walls, "the same by clock_adjtime"},
    {"quota", quota, "seccomp", by_walls, "reached quotactl (no such type)"},
    {"quota-open", quota_open, "seccomp", by_walls, "reached quotactl_fd (no descriptor)"},
    {"file-systems", file_systems, "seccomp", by_walls, "counted the kernel's file systems"},
    {"device-status", device_status, "seccomp", by_walls, "asked about a device by number"},
    {"security-modules", security_modules, "seccomp", by_walls, "listed the security modules"},
    {"module-loaded", module_loaded, "seccomp", never, "loads a module"},
    {"module-file", module_file, "seccomp", never, "loads a module from a file"},
    {"module-removed", module_removed, "seccomp", never, "removes a module"},
    {"kexec", kernel_loaded, "seccomp", never, "loads another kernel"},
    {"swap", swapped, "seccomp", by_walls, "reached swapon (impossible flags)"},
    {"swap-ended", swap_ended, "seccomp", never, "may end the use of swap"},
    {"accounting", accounted, "seccomp", never, "may switch accounting"},
    {"log", log_read, "seccomp", never, "reads the kernel's log"},
    {"hang-up", hung_up, "seccomp", never, "hangs up a terminal"},
    {"set-core-pattern", core_pattern, "userns landlock", never, "can say what handles the host's core dumps"},
    {"set-magic-key", magic_key, "userns landlock", never, "can press the magic key"},
    {"set-host-name", host_name_file, "userns landlock", never, "can write the host's name"},
    {"set-binary-formats", binary_formats, "userns landlock", never, "can register a binary format"},
    {"set-interrupts", interrupts, "userns landlock", never, "can route interrupts"},
    {"set-namespaces", namespaces_limit, "capabilities landlock", by_walls, "can set limits of namespaces"},
    {"set-own-score", own_score, "landlock", by_walls, "can set its place in the queue of the killer"},
    {"set-own-map", own_map, "landlock", by_walls, "can open its map of users to write"},
    {"set-own-label", own_label, "landlock", by_walls, "can open its security label to write"},
    {"set-own-clocks", own_clocks, "landlock", by_walls, "can open the difference of its clocks to write"},
    {"key-added", key_added, "seccomp", by_walls, "added a key"},
    {"key-requested", key_requested, "seccomp", by_walls, "asked the host for a key"},
    {"key-by-number", key_by_number, "seccomp", by_walls, "read a key of the host"},
    {"key-of-session", key_of_session, "seccomp keyring", by_walls, "read a key of the daemon's session"},
    {"key-listed", key_listed, "fileview", in_stand_in, "saw a key of the host in /proc/keys"},
    {"host-name", host_name, "utsns", by_walls, "knows the host's name"},
    {"uptime-clock", uptime_by_clock, "timens", by_walls, "knows the host's uptime"},
    {"uptime-monotonic", uptime_by_monotonic, "timens", by_walls, "the same by the monotonic clock"},
    {"uptime-call", uptime_by_call, "timens", by_walls, "the same by sysinfo"},
    {"uptime-file", uptime_by_file, "timens", by_walls, "the same by /proc/uptime"},
    {"uptime-start", uptime_by_start, "timens", by_walls, "the same by the start in /proc/stat"},
    {"uptime-difference", uptime_by_difference, "timens", by_walls, "the same by its clocks' difference"},
    {0},
};
