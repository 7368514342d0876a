// Landlock's system calls, which Glibc does not wrap: Swift can neither call the variadic syscall() nor lay out
// a packed struct. The structs are ours because Debian 12's <linux/landlock.h> ends at version 2.

#pragma once

#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

// The version of the interface, or -1 where there is none.
static inline int cloister_landlock_version(void) {
    return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, 1U /* LANDLOCK_CREATE_RULESET_VERSION */);
}

// An older kernel accepts the longer struct as long as what it does not know is zero.
static inline int cloister_landlock_create(uint64_t files, uint64_t network, uint64_t scopes) {
    const struct {
        uint64_t handled_access_fs, handled_access_net, scoped;
    } attributes = {files, network, scopes};
    return (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
}

static inline int cloister_landlock_allow(int ruleset, int parent, uint64_t access) {
    const struct __attribute__((packed)) {
        uint64_t allowed_access;
        int32_t parent_fd;
    } rule = {access, parent};
    return (int)syscall(SYS_landlock_add_rule, ruleset, 1 /* LANDLOCK_RULE_PATH_BENEATH */, &rule, 0);
}

static inline int cloister_landlock_restrict_self(int ruleset) {
    return (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
}
