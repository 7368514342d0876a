// Network: listeners of the host, and families and rights that a cell has no use for.

#include "probe.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

// MARK: the host's listeners, which greet with the mark

static struct verdict greeted(int family, int type, const void *address, socklen_t size) {
    int connection = socket(family, type | SOCK_CLOEXEC, 0);
    const struct timeval patience = {2, 0};
    if (connection < 0)
        return refused("socket");
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(connection, address, size) < 0)
        return refused("connect");
    if (type == SOCK_DGRAM && send(connection, "?", 1, 0) < 0)
        return refused("send");
    char bytes[128] = "";
    ssize_t count = recv(connection, bytes, sizeof bytes, 0);
    if (count < 0)
        return refused("recv");
    return has_mark(bytes, sizeof bytes) ? worked("it answered") : hidden("something else answered");
}

static struct verdict greeted_v4(int type, const char *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)planted_number(port))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return greeted(AF_INET, type, &address, sizeof address);
}

static struct verdict tcp(void) { return greeted_v4(SOCK_STREAM, "PROBE_TCP"); }
static struct verdict udp(void) { return greeted_v4(SOCK_DGRAM, "PROBE_UDP"); }

static struct verdict tcp_v6(void) {
    struct sockaddr_in6 address = {.sin6_family = AF_INET6,
                                   .sin6_port = htons((uint16_t)planted_number("PROBE_TCP6")),
                                   .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    return greeted(AF_INET6, SOCK_STREAM, &address, sizeof address);
}

static struct verdict abstract(int type, const char *variable) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *name = planted(variable);
    strncpy(address.sun_path + 1, name, sizeof address.sun_path - 2);
    return greeted(AF_UNIX, type, &address,
                   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name)));
}

static struct verdict abstract_stream(void) { return abstract(SOCK_STREAM, "PROBE_ABSTRACT"); }
static struct verdict abstract_packet(void) { return abstract(SOCK_SEQPACKET, "PROBE_ABSTRACT_PACKET"); }

static struct verdict abstract_datagram(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *name = planted("PROBE_ABSTRACT_DATAGRAM");
    strncpy(address.sun_path + 1, name, sizeof address.sun_path - 2);
    int sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
    return judge(sendto(sender, "?", 1, MSG_DONTWAIT, (struct sockaddr *)&address, size));
}

static struct verdict by_path(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, planted("PROBE_SOCKET"), sizeof address.sun_path - 1);
    return greeted(AF_UNIX, SOCK_STREAM, &address, sizeof address);
}

// MARK: what can be seen of the host's network

static struct verdict is_listed(const char *path, const char *words) {
    FILE *file = fopen(path, "r");
    if (!file)
        return refused("open");
    char line[1024];
    while (fgets(line, sizeof line, file))
        if (strstr(line, words))
            return worked("it is listed");
    return hidden("it is not listed");
}

static struct verdict ports_seen(void) {
    char words[32];
    snprintf(words, sizeof words, "0100007F:%04lX", planted_number("PROBE_TCP"));
    return is_listed("/proc/net/tcp", words);
}

static struct verdict names_seen(void) { return is_listed("/proc/net/unix", planted("PROBE_ABSTRACT")); }

static struct verdict interfaces_seen(void) {
    char line[256];
    FILE *file = fopen("/proc/net/dev", "r");
    if (!file)
        return refused("open");
    for (int number = 0; fgets(line, sizeof line, file); number++)
        if (number >= 2 && !strstr(line, " lo:"))
            return worked("one that is not the loopback");
    return hidden("only a loopback");
}

// MARK: families and kinds

static struct verdict made(int family, int type, int protocol) {
    int fd = socket(family, type | SOCK_CLOEXEC, protocol);
    return fd < 0 ? refused("socket") : worked("");
}

static struct verdict route_netlink(void) { return made(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE); }
static struct verdict audit_netlink(void) { return made(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT); }
static struct verdict netfilter_netlink(void) { return made(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER); }
static struct verdict uevent_netlink(void) { return made(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT); }
static struct verdict packets(void) { return made(AF_PACKET, SOCK_RAW, 0); }
static struct verdict raw(void) { return made(AF_INET, SOCK_RAW, IPPROTO_ICMP); }
static struct verdict raw_v6(void) { return made(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6); }
static struct verdict multipath(void) { return made(AF_INET, SOCK_STREAM, 262 /* IPPROTO_MPTCP */); }
static struct verdict express(void) { return made(AF_XDP, SOCK_RAW, 0); }
static struct verdict ciphers(void) { return made(AF_ALG, SOCK_SEQPACKET, 0); }
static struct verdict bluetooth(void) { return made(AF_BLUETOOTH, SOCK_RAW, 1); }
static struct verdict pair_of_tipc(void) {
    int fds[2];
    return judge(socketpair(AF_TIPC, SOCK_SEQPACKET, 0, fds));
}

// A virtual machine's host listens in no network namespace.
static struct verdict machine(void) { return made(AF_VSOCK, SOCK_STREAM, 0); }

// MARK: rights over its own network

static struct verdict low_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(81)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return judge(bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address));
}

static struct verdict interface_set(void) {
    struct ifreq request = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (ioctl(fd, SIOCGIFFLAGS, &request) < 0)
        return failed("SIOCGIFFLAGS");
    // To what they are.
    return judge(ioctl(fd, SIOCSIFFLAGS, &request));
}

static struct verdict marked(void) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), mark = 1;
    return judge(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark));
}

static struct verdict filter_read(void) {
    // IPT_SO_GET_INFO with a wrong length: EINVAL from behind the check of rights.
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    socklen_t size = 1;
    char byte;
    long result = getsockopt(fd, IPPROTO_IP, 64, &byte, &size);
    if (result < 0 && errno == ENOPROTOOPT)
        return missing("no such tables in this kernel, or not for such a socket");
    return past(result, EINVAL);
}

static struct verdict forwarding(void) {
    int fd = open("/proc/sys/net/ipv4/ip_forward", O_WRONLY);
    return fd < 0 ? refused("open") : worked("");
}

const struct attempt network[] = {
    {"tcp", tcp, "netns", by_walls, "a TCP listener on the host's loopback answered"},
    {"tcp-v6", tcp_v6, "netns", by_walls, "one on ::1 answered"},
    {"udp", udp, "netns", by_walls, "a UDP socket on the host's loopback answered"},
    {"abstract-stream", abstract_stream, "netns landlock", by_walls, "an abstract socket of the host answered"},
    {"abstract-packet", abstract_packet, "netns landlock", by_walls, "one of packets answered"},
    {"abstract-datagram", abstract_datagram, "netns landlock", by_walls, "sent a datagram to one"},
    {"local-by-path", by_path, "fileview", in_stand_in, "a socket in the host's files answered"},
    {"ports-seen", ports_seen, "netns", by_walls, "saw the host's listener in /proc/net/tcp"},
    {"names-seen", names_seen, "netns", by_walls, "saw its abstract name in /proc/net/unix"},
    {"interfaces-seen", interfaces_seen, "netns", by_walls, "saw a network interface"},
    {"netlink-route", route_netlink, "seccomp", by_walls, "got a netlink socket for routes"},
    {"netlink-audit", audit_netlink, "seccomp", by_walls, "got one for audit"},
    {"netlink-netfilter", netfilter_netlink, "seccomp", by_walls, "got one for packet filters"},
    {"netlink-uevent", uevent_netlink, "seccomp", by_walls, "got one for device events"},
    {"packets", packets, "seccomp capabilities", by_walls, "got a packet socket"},
    {"raw", raw, "seccomp capabilities", by_walls, "got a raw socket"},
    {"raw-v6", raw_v6, "seccomp capabilities", by_walls, "got a raw IPv6 socket"},
    {"express", express, "seccomp capabilities", by_walls, "got an XDP socket"},
    {"multipath", multipath, "seccomp", by_walls, "got a multipath TCP socket"},
    {"machine", machine, "seccomp", by_walls, "got a socket to the machine's own host (vsock)"},
    {"ciphers", ciphers, "seccomp", by_walls, "got a socket to the kernel's ciphers"},
    {"bluetooth", bluetooth, "seccomp", by_walls, "got a bluetooth socket"},
    {"pair-of-tipc", pair_of_tipc, "seccomp", by_walls, "got a pair of another family"},
    {"low-port", low_port, "capabilities", by_walls, "listens below port 1024"},
    {"interface-set", interface_set, "capabilities", by_walls, "changed a network interface"},
    {"marked", marked, "capabilities", by_walls, "marks packets for routing"},
    {"filter-read", filter_read, "capabilities", by_walls, "was allowed to read packet filters"},
    {"forwarding", forwarding, "capabilities landlock", by_walls, "opened the setting of forwarding to write"},
    {0},
};
