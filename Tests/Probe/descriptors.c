// Descriptors: those that were never meant for this process.

#include "probe.h"

#include <dirent.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>

// The probe itself opens none before it makes an attempt but the pipe of its report.
static bool is_foreign(int fd) {
    if (fd <= 2 || fcntl(fd, F_GETFD) < 0)
        return false;
    return !(fcntl(fd, F_GETFD) & FD_CLOEXEC); // exec has closed all others
}

static struct verdict inherited(void) {
    for (int fd = 3; fd < 4096; fd++)
        if (is_foreign(fd))
            return worked("there is one");
    return hidden("only 0, 1 and 2");
}

static struct verdict inherited_directory(void) {
    for (int fd = 0; fd < 4096; fd++) {
        int secret = openat(fd, "secret", O_RDONLY);
        if (secret >= 0)
            return mark_in(secret);
    }
    return hidden("none leads to a directory");
}

// Neither a socket, which could be asked for more, nor a terminal, into which could be typed.
static struct verdict standard_ones(void) {
    for (int fd = 0; fd <= 2; fd++) {
        struct stat status;
        if (fstat(fd, &status) < 0)
            return failed("fstat");
        if (S_ISSOCK(status.st_mode) || S_ISDIR(status.st_mode) || isatty(fd))
            return worked("a socket, a directory or a terminal");
    }
    return hidden("pipes and files");
}

static struct verdict of_process(const char *pid) {
    char path[300];
    snprintf(path, sizeof path, "/proc/%s/fd", pid);
    DIR *directory = opendir(path);
    if (!directory)
        return refused("opendir");
    for (struct dirent *entry; (entry = readdir(directory));) {
        char link[640], target[64];
        snprintf(link, sizeof link, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.' && readlink(link, target, sizeof target) > 0)
            return worked("saw where one leads");
    }
    return hidden("it shows none");
}

static struct verdict of_first_process(void) { return of_process("1"); }
static struct verdict of_bystander(void) { return of_process(planted("PROBE_PID")); }

static struct verdict bystander_opened(void) {
    char path[300];
    snprintf(path, sizeof path, "/proc/%s/fd/%s", planted("PROBE_PID"), planted("PROBE_FD"));
    return mark_in_file(path);
}

// MARK: pidfd_getfd

static struct verdict taken_from(pid_t pid, int number, const char *step) {
    int process = (int)syscall(SYS_pidfd_open, pid, 0);
    if (process < 0)
        return refused("pidfd_open");
    int fd = (int)syscall(SYS_pidfd_getfd, process, number, 0);
    return fd < 0 ? refused(step) : worked("");
}

static struct verdict taken_from_sibling(void) { return taken_from(sibling(), 0, "pidfd_getfd"); }
static struct verdict taken_from_first(void) { return taken_from(1, 0, "pidfd_getfd"); }

static struct verdict taken_from_bystander(void) {
    int process = (int)syscall(SYS_pidfd_open, planted_number("PROBE_PID"), 0);
    if (process < 0)
        return refused("pidfd_open");
    int fd = (int)syscall(SYS_pidfd_getfd, process, planted_number("PROBE_FD"), 0);
    return fd < 0 ? refused("pidfd_getfd") : (lseek(fd, 0, SEEK_SET), mark_in(fd));
}

// MARK: handed over

static struct verdict received(struct sockaddr_un *address, socklen_t size) {
    int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection < 0)
        return failed("socket");
    if (connect(connection, (struct sockaddr *)address, size) < 0)
        return refused("connect");
    char byte, space[CMSG_SPACE(sizeof(int))];
    struct iovec bytes = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    if (recvmsg(connection, &message, MSG_CMSG_CLOEXEC) < 0)
        return refused("recvmsg");
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (!header || header->cmsg_type != SCM_RIGHTS)
        return hidden("no descriptor came");
    int directory;
    memcpy(&directory, CMSG_DATA(header), sizeof directory);
    int secret = openat(directory, "secret", O_RDONLY);
    return secret < 0 ? refused("openat") : mark_in(secret);
}

static struct verdict received_by_name(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *name = planted("PROBE_ABSTRACT");
    strncpy(address.sun_path + 1, name, sizeof address.sun_path - 2);
    return received(&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name)));
}

static struct verdict received_by_path(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, planted("PROBE_SOCKET"), sizeof address.sun_path - 1);
    return received(&address, sizeof address);
}

// MARK: terminals

// A terminal of its own, as whoever had been given one would hold it.
static int own_terminal(void) {
    setsid();
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
        return -1;
    int terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
    if (terminal < 0 || ioctl(terminal, TIOCSCTTY, 0) < 0)
        return -1;
    return terminal;
}

static struct verdict typed(void) {
    int terminal = own_terminal();
    if (terminal < 0)
        return failed("no terminal");
    for (const char *byte = "x\n"; *byte; byte++)
        if (ioctl(terminal, TIOCSTI, byte) < 0)
            return refused("ioctl");
    char line[4];
    return read(terminal, line, sizeof line) == 2 ? worked("it was read as typed") : hidden("it was not read");
}

static struct verdict discipline_set(void) {
    int terminal = own_terminal(), discipline = 0;
    if (terminal < 0)
        return failed("no terminal");
    return judge(ioctl(terminal, TIOCSETD, &discipline));
}

static struct verdict console_taken(void) {
    int terminal = own_terminal();
    return terminal < 0 ? failed("no terminal") : judge(ioctl(terminal, TIOCCONS));
}

static struct verdict console_pasted(void) {
    int terminal = own_terminal();
    char selection = 3;
    // Only a console knows the command: ENOTTY comes from the terminal, so from behind the wall.
    return terminal < 0 ? failed("no terminal") : past(ioctl(terminal, TIOCLINUX, &selection), ENOTTY);
}

static struct verdict controlling_terminal(void) { return judge(open("/dev/tty", O_RDWR | O_CLOEXEC)); }

const struct attempt descriptors[] = {
    {"inherited", inherited, "descriptors", in_stand_in, "has a descriptor above 2"},
    {"inherited-directory", inherited_directory, "descriptors", in_stand_in, "opened the secret below one"},
    {"standard-ones", standard_ones, "descriptors", in_stand_in, "0, 1 or 2 is more than a pipe"},
    {"first-process-listed", of_first_process, "nonewprivs", by_walls, "saw what the first process has open"},
    {"bystander-listed", of_bystander, "pidns landlock", in_stand_in, "saw what the host's process has open"},
    {"bystander-opened", bystander_opened, "pidns landlock", in_stand_in, "opened what it has open again"},
    {"taken-from-sibling", taken_from_sibling, "seccomp", by_walls, "copied a descriptor out of another process"},
    {"taken-from-first", taken_from_first, "seccomp nonewprivs", by_walls, "copied one of the first process's"},
    {"taken-from-bystander", taken_from_bystander, "pidns seccomp landlock", in_stand_in,
     "copied one of the host's process"},
    {"received-by-name", received_by_name, "netns landlock", by_walls,
     "was passed the secret's directory by an abstract socket of the host"},
    {"received-by-path", received_by_path, "fileview", in_stand_in,
     "was passed it by a socket in the host's files"},
    {"terminal-typed", typed, "seccomp", by_walls, "typed into a terminal (TIOCSTI)"},
    {"terminal-discipline", discipline_set, "seccomp", by_walls, "changed what a line means (TIOCSETD)"},
    {"terminal-pasted", console_pasted, "seccomp", by_walls, "was allowed to paste from a console (TIOCLINUX)"},
    {"terminal-console", console_taken, "seccomp", never, "redirected the console (TIOCCONS)"},
    {"terminal-controlling", controlling_terminal, "pidns", in_stand_in, "has a controlling terminal"},
    {0},
};
