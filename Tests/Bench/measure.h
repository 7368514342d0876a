// What every measuring program does: place itself, take times, report them.
//
// BENCH_CPUS="C,S" in the environment keeps a client on CPU C and the commands it starts on CPU S. Where the scheduler
// puts two processes changes a round trip twofold, and it decides anew for each pair.

#pragma once

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

__attribute__((noreturn, format(printf, 1, 2))) static inline void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    exit(1);
}

static inline void *must(void *memory) {
    if (!memory) die("out of memory");
    return memory;
}

static inline uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline long number(const char *text, long most) {
    char *end;
    long value = strtol(text, &end, 10);
    if (*text == 0 || *end != 0 || value < 1 || value > most)
        die("not a number from 1 to %ld: %s", most, text);
    return value;
}

// MARK: placement

static int own_cpu = -1, server_cpu = -1;

static inline void read_placement(void) {
    const char *cpus = getenv("BENCH_CPUS");
    if (cpus && sscanf(cpus, "%d,%d", &own_cpu, &server_cpu) != 2) die("not C,S: %s", cpus);
}

static inline void move_to(int cpu) {
    if (cpu < 0) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0) die("sched_setaffinity %d: %s", cpu, strerror(errno));
}

// MARK: figures

static inline int ascending(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static inline void report(uint64_t *samples, long n) {
    qsort(samples, (size_t)n, sizeof *samples, ascending);
    printf("{\"n\":%ld,\"median_ns\":%" PRIu64 ",\"p99_ns\":%" PRIu64 ",\"min_ns\":%" PRIu64
           ",\"max_ns\":%" PRIu64 "}\n", n, samples[n / 2], samples[n * 99 / 100], samples[0], samples[n - 1]);
}
