// libseccomp, and the one macro with an argument, which Swift cannot import.

#pragma once

#include <seccomp.h>

static inline uint32_t cloister_seccomp_errno(int number) {
    return SCMP_ACT_ERRNO((uint32_t)number);
}
