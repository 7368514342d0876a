// Loading a system call filter: Glibc has no wrapper, Swift cannot call the variadic syscall(), and
// <linux/filter.h> is not in Swift's Glibc module.

#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { cloister_most_filter_instructions = BPF_MAXINSNS };

static inline int cloister_seccomp_load(const void *instructions, unsigned short count) {
    const struct sock_fprog program = {count, (struct sock_filter *)instructions};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}
