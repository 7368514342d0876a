// System calls by number, for tests of walls: Swift cannot call the variadic syscall(), nor enter the kernel by
// another architecture's gate.

#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline long cloister_probe_call(long number, const unsigned long arguments[6]) {
    return syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

// A port of the kernel's choice on loopback. Glibc declares addresses as transparent unions, which do not import.
static inline int cloister_probe_bind_tcp(void) {
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return bind(socket(AF_INET, SOCK_STREAM, 0), (const struct sockaddr *)&address, sizeof address);
}

// getpid through i386's gate: it needs no pointer, which would be too long for it. -ENOSYS elsewhere.
static inline long cloister_probe_i386(void) {
#ifdef __x86_64__
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
    return result;
#else
    return -ENOSYS;
#endif
}
