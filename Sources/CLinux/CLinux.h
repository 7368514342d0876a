// What Swift cannot import from the C library by itself: headers that its Glibc module leaves out,
// variadic functions, macros with arguments, and system calls without a wrapper. Nothing here decides
// anything. (_GNU_SOURCE comes from Package.swift, so that this module and Glibc agree on every type.)

#pragma once

#include <errno.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/loop.h>
#include <net/if.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>
#include <linux/securebits.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

// Debian 12's headers are older than the kernels that we run on (Linux 6.5).
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

// Mounts by descriptor: Glibc 2.36 has the calls, but only beside a header that clashes with <sys/mount.h>.
static inline int cloister_mount_setattr(int fd, unsigned int flags, unsigned long long set,
                                         unsigned long long clear, unsigned long long propagation) {
    struct {
        unsigned long long set, clear, propagation, userns;
    } attributes = {set, clear, propagation, 0};
    return (int)syscall(SYS_mount_setattr, fd, "", flags, &attributes, sizeof attributes);
}

static inline int cloister_open_tree(int directory, const char *path, unsigned int flags) {
    return (int)syscall(SYS_open_tree, directory, path, flags);
}

static inline int cloister_move_mount(int tree, int directory, const char *path, unsigned int flags) {
    return (int)syscall(SYS_move_mount, tree, "", directory, path, flags);
}

// fsopen and its kin: as above.
static inline int cloister_fsopen(const char *type) {
    return (int)syscall(SYS_fsopen, type, 1 /* FSOPEN_CLOEXEC */);
}

static inline int cloister_fsconfig_string(int context, const char *key, const char *value) {
    return (int)syscall(SYS_fsconfig, context, 1 /* FSCONFIG_SET_STRING */, key, value, 0);
}

static inline int cloister_fsconfig_create(int context) {
    return (int)syscall(SYS_fsconfig, context, 6 /* FSCONFIG_CMD_CREATE */, NULL, NULL, 0);
}

static inline int cloister_fsmount(int context, unsigned int attributes) {
    return (int)syscall(SYS_fsmount, context, 1 /* FSMOUNT_CLOEXEC */, attributes);
}

static inline int cloister_pivot_root(const char *root, const char *put_old) {
    return (int)syscall(SYS_pivot_root, root, put_old);
}

// The constants of <linux/openat2.h>, whose struct Glibc does not have.
struct cloister_open_how {
    unsigned long long flags, mode, resolve;
};

static inline int cloister_openat2(int directory, const char *path, unsigned long long flags,
                                   unsigned long long mode, unsigned long long resolve) {
    struct cloister_open_how how = {flags, mode, resolve};
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

static inline int cloister_close_range(unsigned int first, unsigned int last, unsigned int flags) {
    return (int)syscall(SYS_close_range, first, last, flags);
}

static inline int cloister_prctl(int option, unsigned long two, unsigned long three) {
    return prctl(option, two, three, 0, 0);
}

static inline int cloister_set_capabilities(uint64_t effective, uint64_t permitted,
                                            uint64_t inheritable) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {
        {(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
        {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32)}};
    return (int)syscall(SYS_capset, &header, data);
}

static inline int cloister_open(const char *path, int flags, mode_t mode) {
    return open(path, flags, mode);
}

static inline int cloister_openat(int directory, const char *path, int flags) {
    return openat(directory, path, flags, 0);
}

static inline int cloister_create_at(int directory, const char *path, mode_t mode) {
    return openat(directory, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
}

static inline int cloister_pidfd_open(pid_t pid, unsigned int flags) {
    return (int)syscall(SYS_pidfd_open, pid, flags);
}

static inline int cloister_pidfd_send_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

// waitid on a pidfd: Glibc of Debian 12 knows P_PIDFD, but siginfo_t's union does not import.
static inline int cloister_waitid_pidfd(int pidfd, int *exit_status, int *ended_by_signal) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    if (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) < 0)
        return -1;
    if (info.si_pid == 0) {
        errno = EAGAIN;
        return -1;
    }
    *exit_status = info.si_code == CLD_EXITED ? info.si_status : -1;
    *ended_by_signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
    return 0;
}

// Glibc declares addresses as transparent unions, which do not import.
static inline int cloister_bind(int socket, const struct sockaddr_un *address, socklen_t length) {
    return bind(socket, (const struct sockaddr *)address, length);
}

static inline int cloister_connect(int socket, const struct sockaddr_un *address,
                                   socklen_t length) {
    return connect(socket, (const struct sockaddr *)address, length);
}

static inline int cloister_accept(int socket) {
    return accept4(socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

static inline ssize_t cloister_send(int socket, const void *bytes, size_t count) {
    return send(socket, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// With our own environment, which Swift sees as unsafe to share between threads.
static inline int cloister_spawn(pid_t *pid, const char *file,
                                 const posix_spawn_file_actions_t *actions, char *const argv[]) {
    return posix_spawnp(pid, file, actions, NULL, argv, environ);
}

enum { cloister_most_fds = 16 };

// sendmsg with descriptors beside the bytes (SCM_RIGHTS). The CMSG_* macros do not import.
static inline ssize_t cloister_send_fds(int socket, const void *bytes, size_t count, const int *fds,
                                        int fd_count) {
    union {
        char space[CMSG_SPACE(sizeof(int) * cloister_most_fds)];
        struct cmsghdr align;
    } control;
    memset(&control, 0, sizeof control);
    struct iovec vector = {.iov_base = (void *)bytes, .iov_len = count};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    if (fd_count > cloister_most_fds) {
        errno = E2BIG;
        return -1;
    }
    if (fd_count > 0) {
        message.msg_control = control.space;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)fd_count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)fd_count);
        memcpy(CMSG_DATA(header), fds, sizeof(int) * (size_t)fd_count);
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// recvmsg with room for descriptors, which arrive close-on-exec. `fds` has cloister_most_fds places.
// A message whose descriptors did not all fit is refused whole: those that came are closed.
static inline ssize_t cloister_receive(int socket, void *bytes, size_t count, int *fds, int *fd_count,
                                       int flags) {
    union {
        char space[CMSG_SPACE(sizeof(int) * cloister_most_fds)];
        struct cmsghdr align;
    } control;
    struct iovec vector = {.iov_base = bytes, .iov_len = count};
    struct msghdr message = {.msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = control.space,
                             .msg_controllen = sizeof control.space};
    *fd_count = 0;
    ssize_t received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | flags);
    if (received < 0)
        return received;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        int arrived = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        for (int i = 0; i < arrived && *fd_count < cloister_most_fds; i++)
            memcpy(&fds[(*fd_count)++], CMSG_DATA(header) + sizeof(int) * (size_t)i, sizeof(int));
    }
    if (message.msg_flags & MSG_CTRUNC) {
        for (int i = 0; i < *fd_count; i++)
            close(fds[i]);
        *fd_count = 0;
        errno = EMSGSIZE;
        return -1;
    }
    return received;
}

// ioctl is variadic, and struct ifreq is a union of everything.
static inline int cloister_raise_loopback(int socket) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, "lo");
    if (ioctl(socket, SIOCGIFFLAGS, &request) < 0)
        return -1;
    request.ifr_flags |= IFF_UP | IFF_RUNNING;
    return ioctl(socket, SIOCSIFFLAGS, &request);
}

static inline int cloister_terminal_columns(int terminal) {
    struct winsize size;
    memset(&size, 0, sizeof size);
    return ioctl(terminal, TIOCGWINSZ, &size) < 0 ? -1 : size.ws_col;
}

static inline int cloister_free_loop_device(int control) { return ioctl(control, LOOP_CTL_GET_FREE); }

static inline int cloister_configure_loop(int device, int file) {
    struct loop_config config;
    memset(&config, 0, sizeof config);
    config.fd = (unsigned int)file;
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    return ioctl(device, LOOP_CONFIGURE, &config);
}

static inline int cloister_join_session_keyring(void) {
    return (int)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
}

static inline int cloister_get_capabilities(uint64_t *effective, uint64_t *permitted,
                                            uint64_t *inheritable) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) < 0)
        return -1;
    *effective = data[0].effective | (uint64_t)data[1].effective << 32;
    *permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
    *inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
    return 0;
}

// waitid fills a siginfo_t, whose union does not import; wait4 alone reports what was used.
static inline pid_t cloister_wait_any(int *exit_status, int *ended_by_signal, struct rusage *usage) {
    int status;
    pid_t pid = wait4(-1, &status, WNOHANG, usage);
    if (pid > 0) {
        *exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        *ended_by_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    }
    return pid;
}

#include "clone.h"
#include "command.h"
#include "landlock.h"
#include "seccomp.h"
#include "starter.h"
