// What all groups of attempts share.
//
// An attempt is a function that tries one thing which an escape needs, and says "succeeded" only if that thing
// really happened: the planted bytes were read, the other process was reached, the mount stands. It runs in a
// child of its own, so it may change, leave or end its process.
//
// Every attempt is harmless where it succeeds. Where the real act would touch the machine, it is made with
// arguments that the kernel refuses *after* it has looked at the caller's rights: `past` then counts the
// argument's error as success, because only the wall would have answered before.

#pragma once

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

// How the driver takes an attempt's walls away, to see that it works without them.
enum lowering {
    by_walls,    // celld and the cell are told to fail exactly these walls
    in_stand_in, // no cell lacks these walls: the probe runs in namespaces without them (stand-in.c)
    by_grant,    // the plan grants the tree for writing
    by_room,     // the plan has higher limits
    by_remount,  // the walls that keep programs from mounting are lowered, and the root is made writable
    by_absence,  // the wall is missing on machines without its controllers, and cannot be lowered elsewhere
    never,       // needs a right over the machine itself, which no lowered run may have
};

enum outcome { succeeded, denied, unavailable, broken };

struct verdict {
    enum outcome outcome;
    int error;
    const char *detail;
};

struct attempt {
    const char *name;
    struct verdict (*act)(void);
    const char *walls; // each of them denies it alone
    enum lowering lowering;
    const char *aim; // what has happened when it succeeds
};

struct attempt_group {
    const char *name;
    const struct attempt *attempts; // ended by one without a name
};

extern const struct attempt files[], processes[], kernel[], network[], resources[], descriptors[], races[];

static inline struct verdict worked(const char *detail) { return (struct verdict){succeeded, 0, detail}; }

static inline struct verdict refused(const char *detail) { return (struct verdict){denied, errno, detail}; }

static inline struct verdict hidden(const char *detail) { return (struct verdict){denied, 0, detail}; }

static inline struct verdict missing(const char *detail) {
    return (struct verdict){unavailable, errno, detail};
}

// The attempt could not be made; that is a fault of the probe, and neither a success nor a denial.
static inline struct verdict failed(const char *detail) { return (struct verdict){broken, errno, detail}; }

static inline struct verdict judge(long result) { return result < 0 ? refused("") : worked(""); }

// Succeeded, or past the walls and refused for its arguments.
static inline struct verdict past(long result, int argument_error) {
    if (result < 0 && errno != argument_error)
        return refused("");
    return worked(result < 0 ? "reached the check of its arguments" : "");
}

// What the driver planted, by the name of its variable. Without it the attempt is broken.
const char *planted(const char *name);
long planted_number(const char *name);

// Whether the driver's mark stands in what can be read from here.
bool has_mark(const void *bytes, size_t size);
struct verdict mark_in(int fd);
struct verdict mark_in_file(const char *path);

// A path below the directory in which the probe may write.
const char *scratch(const char *name);
// A file there with some bytes in it.
int scratch_file(const char *name);

// A child that waits, with the mark in its memory, and ends with the attempt.
pid_t sibling(void);
extern char sibling_mark[64];

// Whether this process, or one that it makes, has any capability or has become root.
bool has_rights(void);
// Runs a function in a child: its exit status, or 128 and the signal.
int in_child(int (*body)(void *), void *argument);
// The verdict about a program that ends with 0 when it has been given rights.
struct verdict rights_of(const char *program);
