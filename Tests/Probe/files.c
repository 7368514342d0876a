// Files: of the host by any name, and changes to what is given for reading.

#include "probe.h"

#include <dirent.h>
#include <sys/fanotify.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#ifndef SYS_statmount
#define SYS_statmount 457
#define SYS_listmount 458
#endif

// MARK: the host's files

static struct verdict secret_by_path(void) { return mark_in_file(planted("PROBE_SECRET")); }

static struct verdict secret_by_parents(void) {
    char path[4096] = "";
    for (int i = 0; i < 40; i++)
        strcat(path, "../");
    strcat(path, planted("PROBE_SECRET") + 1);
    return mark_in_file(path);
}

static struct verdict secret_by_symlink(void) {
    const char *link = scratch("link");
    if (symlink(planted("PROBE_SECRET"), link) < 0)
        return failed("symlink");
    struct verdict verdict = mark_in_file(link);
    unlink(link);
    return verdict;
}

static struct verdict secret_below(const char *root) {
    char path[4096];
    snprintf(path, sizeof path, "%s%s", root, planted("PROBE_SECRET"));
    return mark_in_file(path);
}

static struct verdict secret_by_own_root(void) { return secret_below("/proc/self/root"); }

static struct verdict secret_by_tree_link(void) {
    char path[4096];
    snprintf(path, sizeof path, "%s/out", planted("PROBE_TREE"));
    return mark_in_file(path);
}

static struct verdict secret_beside_tree(void) {
    int tree = open(planted("PROBE_TREE"), O_PATH | O_DIRECTORY);
    if (tree < 0)
        return failed("open the tree");
    int fd = openat(tree, "../secret", O_RDONLY);
    return fd < 0 ? refused("openat") : mark_in(fd);
}

static struct verdict secret_by_hard_link(void) {
    char path[4096];
    snprintf(path, sizeof path, "%s/linked", planted("PROBE_ROOM"));
    if (link(planted("PROBE_SECRET"), path) < 0)
        return refused("link");
    struct verdict verdict = mark_in_file(path);
    unlink(path);
    return verdict;
}

static struct verdict listed(const char *path) {
    DIR *directory = opendir(path);
    if (!directory)
        return refused("opendir");
    int count = 0;
    while (readdir(directory))
        count++;
    closedir(directory);
    return count > 2 ? worked("it has entries") : hidden("it is empty");
}

static struct verdict host_home(void) { return listed("/home"); }
static struct verdict host_var(void) { return listed("/var"); }
static struct verdict host_run(void) { return listed("/run"); }
static struct verdict host_sys(void) { return listed("/sys/class"); }
static struct verdict host_temporary(void) { return mark_in_file(planted("PROBE_TEMPORARY")); }
static struct verdict host_shared_memory(void) { return mark_in_file(planted("PROBE_DEV_SHM")); }

static struct verdict host_users(void) {
    char line[256];
    FILE *users = fopen("/etc/passwd", "r");
    if (!users)
        return refused("open");
    while (fgets(line, sizeof line, users))
        if (!strncmp(line, "root:", 5))
            return worked("the host's list of users");
    return hidden("not the host's");
}

static struct verdict opened(const char *path, int flags) {
    int fd = open(path, flags | O_CLOEXEC);
    return fd < 0 ? refused("open") : worked("");
}

static struct verdict host_log(void) { return opened("/dev/kmsg", O_RDONLY); }
static struct verdict host_log_written(void) { return opened("/dev/kmsg", O_WRONLY); }
static struct verdict host_memory(void) { return opened("/dev/mem", O_RDONLY); }
static struct verdict loop_control(void) { return opened("/dev/loop-control", O_RDWR); }
static struct verdict tunnel(void) { return opened("/dev/net/tun", O_RDWR); }
static struct verdict automounts(void) { return opened("/dev/autofs", O_RDONLY); }
static struct verdict host_disk(void) { return opened(planted("PROBE_DISK"), O_RDONLY); }

// MARK: devices of its own

static struct verdict made_device(mode_t type, dev_t device) {
    const char *path = scratch("device");
    if (mknod(path, type | 0600, device) < 0)
        return refused("mknod");
    unlink(path);
    return worked("");
}

static struct verdict whiteout(void) { return made_device(S_IFCHR, 0); }
static struct verdict block_device(void) { return made_device(S_IFBLK, makedev(7, 0)); }
static struct verdict character_device(void) { return made_device(S_IFCHR, makedev(1, 1)); }

// MARK: what is for reading alone

static const char *in_tree(const char *name) {
    static char paths[2][4096];
    static unsigned next;
    char *path = paths[next++ % 2];
    snprintf(path, sizeof paths[0], "%s/%s", planted("PROBE_TREE"), name);
    return path;
}

static struct verdict tree_written(void) {
    int fd = open(in_tree("written"), O_WRONLY);
    return fd < 0 ? refused("open") : judge(write(fd, "x", 1));
}

static struct verdict tree_created(void) {
    int fd = open(in_tree("created"), O_WRONLY | O_CREAT | O_EXCL, 0600);
    return judge(fd);
}

static struct verdict tree_truncated(void) { return judge(truncate(in_tree("truncated"), 0)); }
static struct verdict tree_renamed(void) { return judge(rename(in_tree("renamed"), in_tree("renamed.new"))); }
static struct verdict tree_removed(void) { return judge(unlink(in_tree("removed"))); }
static struct verdict tree_directory(void) { return judge(mkdir(in_tree("directory"), 0700)); }
static struct verdict tree_hard_link(void) { return judge(link(in_tree("linked"), in_tree("linked.new"))); }
static struct verdict tree_symlink(void) { return judge(symlink("written", in_tree("symlink"))); }
static struct verdict tree_mode(void) { return judge(chmod(in_tree("moded"), 04777)); }
static struct verdict tree_owner(void) { return judge(chown(in_tree("owned"), getuid(), getgid())); }

static struct verdict tree_times(void) {
    const struct timespec times[2] = {{1, 0}, {1, 0}};
    return judge(utimensat(AT_FDCWD, in_tree("timed"), times, 0));
}

static struct verdict tree_attribute(void) {
    return judge(setxattr(in_tree("attributed"), "user.probe", "x", 1, 0));
}

// By a name of /proc, a descriptor for reading becomes one for writing.
static struct verdict tree_reopened(void) {
    int fd = open(in_tree("reopened"), O_RDONLY);
    if (fd < 0)
        return failed("open");
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int again = open(path, O_RDWR);
    return again < 0 ? refused("open") : judge(write(again, "x", 1));
}

static struct verdict tree_moved_out(void) {
    const char *out = scratch("moved");
    if (link(in_tree("moved"), out) < 0)
        return refused("link");
    unlink(out);
    return worked("");
}

static struct verdict root_written(void) { return judge(mkdir("/written", 0700)); }

static struct verdict settings_written(void) {
    int fd = open("/etc/passwd", O_WRONLY | O_APPEND);
    return fd < 0 ? refused("open") : judge(write(fd, "root::0:0::/:/bin/sh\n", 21));
}

static struct verdict programs_written(void) { return judge(open("/usr/written", O_WRONLY | O_CREAT, 0600)); }

// A process's own memory, past the protection of its pages.
static struct verdict own_memory(void) {
    static const volatile char constant[4096] __attribute__((aligned(4096))) = "before";
    int fd = open("/proc/self/mem", O_RDWR);
    if (fd < 0)
        return refused("open");
    if (pwrite(fd, "after", 6, (off_t)(uintptr_t)constant) < 0)
        return refused("write");
    return constant[0] == 'a' ? worked("a constant was changed") : hidden("nothing was changed");
}

// MARK: the view itself

static struct verdict mounted(void) {
    const char *place = scratch("mount");
    if (mkdir(place, 0700) < 0)
        return failed("mkdir");
    return judge(mount("probe", place, "tmpfs", 0, ""));
}

static struct verdict bound(void) {
    const char *place = scratch("bind");
    if (mkdir(place, 0700) < 0)
        return failed("mkdir");
    return judge(mount("/usr", place, NULL, MS_BIND, NULL));
}

static struct verdict remounted(void) {
    return judge(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV, NULL));
}

static struct verdict unmounted(void) { return judge(umount2("/dev/shm", MNT_DETACH)); }
static struct verdict chrooted(void) { return judge(chroot("/usr")); }

static struct verdict pivoted(void) {
    // A root on a root: past the walls this is refused, because the place is no mount.
    return past(syscall(SYS_pivot_root, "/usr/bin", "/usr/bin"), EINVAL);
}

static struct verdict tree_opened(void) { return judge(syscall(SYS_open_tree, AT_FDCWD, "/usr", O_CLOEXEC)); }
static struct verdict tree_cloned(void) {
    return judge(syscall(SYS_open_tree, AT_FDCWD, "/usr", 1 /* OPEN_TREE_CLONE */ | O_CLOEXEC));
}
static struct verdict file_system_opened(void) { return judge(syscall(SYS_fsopen, "tmpfs", 0)); }
static struct verdict file_system_picked(void) { return judge(syscall(SYS_fspick, AT_FDCWD, "/tmp", 0)); }

static struct verdict mount_changed(void) {
    const struct {
        uint64_t set, clear, propagation, user_namespace;
    } attributes = {8 /* MOUNT_ATTR_NOEXEC */, 0, 0, 0};
    return judge(syscall(SYS_mount_setattr, AT_FDCWD, "/tmp", 0, &attributes, sizeof attributes));
}

static struct verdict mounts_listed(void) {
    const struct {
        uint32_t size, spare;
        uint64_t mount, parameter;
    } request = {24, 0, UINT64_MAX /* LSMT_ROOT */, 0};
    uint64_t mounts[8];
    return judge(syscall(SYS_listmount, &request, mounts, 8, 0));
}

// MARK: files without a path

struct handle {
    struct file_handle head;
    unsigned char bytes[128];
};

static int handle_of(const char *path, struct handle *handle, int *mount) {
    handle->head.handle_bytes = sizeof handle->bytes;
    return name_to_handle_at(AT_FDCWD, path, &handle->head, mount, 0);
}

static struct verdict handle_named(void) {
    struct handle handle;
    int mount;
    return judge(handle_of("/usr", &handle, &mount));
}

// Of a file system that belongs to whoever built the view: what a handle of the host's would open with the
// host's rights, one of this opens with the cell's.
static struct verdict handle_opened(void) {
    struct handle handle = {.head = {.handle_bytes = 8, .handle_type = 1}};
    int mount, directory = open("/tmp", O_RDONLY | O_DIRECTORY);
    if (directory < 0)
        return failed("open /tmp");
    // Where no handle can be had, a guessed one is as good for seeing who is allowed to open it.
    handle_of("/tmp", &handle, &mount);
    return past(open_by_handle_at(directory, &handle.head, O_RDONLY | O_DIRECTORY), ESTALE);
}

static struct verdict watched(void) {
    return judge(syscall(SYS_fanotify_init, FAN_CLASS_NOTIF | FAN_REPORT_FID, O_RDONLY));
}

const struct attempt files[] = {
    {"secret-by-path", secret_by_path, "fileview landlock", in_stand_in, "read a file of the host"},
    {"secret-by-parents", secret_by_parents, "fileview landlock", in_stand_in, "read it by ../../.."},
    {"secret-by-symlink", secret_by_symlink, "fileview landlock", in_stand_in, "read it by a link of its own"},
    {"secret-by-own-root", secret_by_own_root, "fileview landlock", in_stand_in, "read it below /proc/self/root"},
    {"secret-by-tree-link", secret_by_tree_link, "fileview landlock", in_stand_in,
     "read it by a link that lies in a granted tree"},
    {"secret-beside-tree", secret_beside_tree, "fileview landlock", in_stand_in,
     "read it by the parent of a granted tree"},
    {"secret-by-hard-link", secret_by_hard_link, "fileview landlock", in_stand_in, "gave it a second name"},
    {"host-home", host_home, "fileview landlock", in_stand_in, "listed /home"},
    {"host-var", host_var, "fileview landlock", in_stand_in, "listed /var"},
    {"host-run", host_run, "fileview landlock", in_stand_in, "listed /run"},
    {"host-sys", host_sys, "fileview landlock", in_stand_in, "listed /sys/class"},
    {"host-temporary", host_temporary, "fileview", in_stand_in, "read a file of the host's /tmp"},
    {"host-shared-memory", host_shared_memory, "fileview", in_stand_in, "read a file of the host's /dev/shm"},
    {"host-users", host_users, "fileview", in_stand_in, "read the host's users"},
    {"host-log", host_log, "fileview", never, "opened /dev/kmsg for reading"},
    {"host-log-written", host_log_written, "fileview", never, "opened /dev/kmsg for writing"},
    {"host-memory", host_memory, "fileview", never, "opened /dev/mem"},
    {"loop-control", loop_control, "fileview", never, "opened /dev/loop-control"},
    {"host-disk", host_disk, "fileview", never, "opened the host's disk"},
    {"tunnel", tunnel, "fileview", never, "opened /dev/net/tun"},
    {"automounts", automounts, "fileview", in_stand_in, "opened /dev/autofs"},
    {"device-whiteout", whiteout, "seccomp landlock", by_walls, "made a character device"},
    {"device-block", block_device, "seccomp landlock", never, "made a block device"},
    {"device-character", character_device, "seccomp landlock", never, "made a character device of memory"},
    {"tree-written", tree_written, "fileview landlock", by_grant, "wrote to a file given for reading"},
    {"tree-created", tree_created, "fileview landlock", by_grant, "made a file there"},
    {"tree-truncated", tree_truncated, "fileview landlock", by_grant, "emptied one"},
    {"tree-renamed", tree_renamed, "fileview landlock", by_grant, "renamed one"},
    {"tree-removed", tree_removed, "fileview landlock", by_grant, "removed one"},
    {"tree-directory", tree_directory, "fileview landlock", by_grant, "made a directory there"},
    {"tree-hard-link", tree_hard_link, "fileview landlock", by_grant, "gave a file a second name there"},
    {"tree-symlink", tree_symlink, "fileview landlock", by_grant, "made a link there"},
    {"tree-mode", tree_mode, "fileview", by_grant, "made a file set-uid"},
    {"tree-owner", tree_owner, "fileview", by_grant, "gave a file an owner"},
    {"tree-times", tree_times, "fileview", by_grant, "changed a file's times"},
    {"tree-attribute", tree_attribute, "fileview", by_grant, "gave a file an attribute"},
    {"tree-reopened", tree_reopened, "fileview landlock", by_grant,
     "wrote through a descriptor that was opened for reading"},
    {"tree-moved-out", tree_moved_out, "fileview landlock", never, "gave a file a name elsewhere"},
    {"root-written", root_written, "fileview landlock", by_remount, "made a directory in the root"},
    {"settings-written", settings_written, "fileview landlock", by_remount, "wrote to /etc/passwd"},
    {"programs-written", programs_written, "fileview landlock", never, "made a file in /usr"},
    {"own-memory", own_memory, "landlock", by_walls, "changed a constant through /proc/self/mem"},
    {"mount", mounted, "seccomp capabilities landlock", by_walls, "mounted a file system"},
    {"mount-bind", bound, "seccomp capabilities landlock", by_walls, "mounted a directory elsewhere"},
    {"mount-remount", remounted, "seccomp capabilities landlock", by_walls, "made the root writable"},
    {"mount-umount", unmounted, "seccomp capabilities landlock", by_walls, "took a mount away"},
    {"mount-attributes", mount_changed, "seccomp capabilities", by_walls, "changed a mount's attributes"},
    {"mount-list", mounts_listed, "seccomp", by_walls, "listed the mounts by number"},
    {"chroot", chrooted, "seccomp capabilities", by_walls, "changed its root"},
    {"pivot-root", pivoted, "seccomp capabilities landlock", by_walls, "was allowed to exchange the root"},
    {"open-tree", tree_opened, "seccomp", by_walls, "opened a mount"},
    {"open-tree-clone", tree_cloned, "seccomp capabilities", by_walls, "copied a mount"},
    {"fsopen", file_system_opened, "seccomp capabilities", by_walls, "opened a new file system"},
    {"fspick", file_system_picked, "seccomp capabilities", by_walls, "opened a mounted file system's settings"},
    {"handle-name", handle_named, "seccomp", by_walls, "got a handle, which is a name past every view"},
    {"handle-open", handle_opened, "seccomp capabilities", by_walls, "opened a file by its handle"},
    {"fanotify", watched, "seccomp", by_walls, "can watch what others do with files"},
    {0},
};
