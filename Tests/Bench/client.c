// The measuring client: the same code measures every party, so that a ratio compares servers only.
//
//   rtt SOCKET N PAYLOAD [HELLO]                   N round trips over a socket
//   rtt-exec N PAYLOAD HELLO -- COMMAND…           the same through a child's stdin and stdout
//   startup N HELLO -- COMMAND…                    from spawn to the reply to HELLO's first request
//   pipeline SOCKET CLIENTS SECONDS PAYLOAD HELLO DEPTH
//                                                  CLIENTS connections, each with DEPTH requests in flight
//   idle SOCKET CLIENTS HELLO                      hold CLIENTS initialised connections until stdin ends
//   first SOCKET N PAYLOAD HELLO                   from connect to the reply to a session's first PAYLOAD
//   crowd SOCKET CLIENTS PAYLOAD HELLO ROUNDS      CLIENTS sessions, each of which had a reply to PAYLOAD; then
//                                                  ROUNDS more of each, all alive; "ready" before them, and an
//                                                  end of stdin ends them
//   connect SOCKET HELLO                           from connect to the reply to HELLO's first request, once
//   steady SOCKET CLIENTS MILLISECONDS PAYLOAD HELLO
//                                                  CLIENTS sessions, each of which sends PAYLOAD as often, or as soon
//                                                  as its last is answered; "ready" when they are all there, and an
//                                                  end of stdin ends them
//   spawn N -- COMMAND…                            vfork, exec, wait: nobody reads its output
//   apart N -- COMMAND…                            the same, with the time in between that first leaves, too
//   slurp N -- COMMAND…                            spawn, read its output to the end, wait
//
// PAYLOAD is a file with one request. A run of seven '#' in it becomes a number that is new for every
// request, so that no id is ever in flight twice. HELLO is a file with the lines of a handshake; each
// line with an "id" is answered before the next is sent. A HELLO of "-" is none.
//
// BENCH_CPUS is read as measure.h says, but that startup keeps both on S.
//
// The first line of output is a JSON object of figures (idle: the word "ready"); rtt and rtt-exec add the
// last reply as a second line. An error reply, a closed connection or a failed call ends the run with
// status 1.

#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

extern char **environ;

// MARK: the lines that are sent

struct text {
    char *bytes;
    size_t length;
};

static struct text load(const char *path) {
    FILE *file = fopen(path, "re");
    if (!file) die("%s: %s", path, strerror(errno));
    struct text text = {must(malloc(1 << 20)), 0};
    text.length = fread(text.bytes, 1, (1 << 20) - 1, file);
    fclose(file);
    if (text.length == (1 << 20) - 1) die("%s: too long", path);
    if (text.length == 0 || text.bytes[text.length - 1] != '\n') text.bytes[text.length++] = '\n';
    return text;
}

struct payload {
    struct text line;
    char *digits; // where the seven '#' were, or NULL
    uint32_t count;
};

static struct payload load_payload(const char *path) {
    struct payload payload = {load(path), NULL, 0};
    if (memchr(payload.line.bytes, '\n', payload.line.length) != payload.line.bytes + payload.line.length - 1)
        die("%s: more than one line", path);
    payload.digits = memmem(payload.line.bytes, payload.line.length, "#######", 7);
    return payload;
}

// Seven digits that never start with zero, as JSON wants its numbers.
static void renumber(struct payload *payload) {
    if (!payload->digits) return;
    uint32_t value = 1000000 + payload->count++ % 9000000;
    for (int i = 6; i >= 0; i--, value /= 10) payload->digits[i] = (char)('0' + value % 10);
}

// MARK: one connection

struct wire {
    int in, out;
    char *bytes; // what was read: bytes[start..<end] is not yet handed out
    size_t start, end, capacity;
    size_t unsent; // pipeline only: bytes of requests which the socket did not take yet
    char *outgoing;
};

static struct wire wire_over(int in, int out) {
    return (struct wire){.in = in, .out = out, .bytes = must(malloc(65536)), .capacity = 65536};
}

static struct wire wire_to(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) die("%s: too long for a socket", path);
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket: %s", strerror(errno));
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        die("connect %s: %s", path, strerror(errno));
    return wire_over(fd, fd);
}

static void send_all(struct wire *wire, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t n = write(wire->out, bytes, length);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) die("write: %s", strerror(errno));
        bytes += n;
        length -= (size_t)n;
    }
}

// Reads once. False when a non-blocking descriptor has nothing.
static bool fill(struct wire *wire) {
    if (wire->start == wire->end) wire->start = wire->end = 0;
    if (wire->end == wire->capacity && wire->start > 0) {
        memmove(wire->bytes, wire->bytes + wire->start, wire->end - wire->start);
        wire->end -= wire->start;
        wire->start = 0;
    } else if (wire->end == wire->capacity) {
        wire->bytes = must(realloc(wire->bytes, wire->capacity *= 2));
    }
    ssize_t got;
    do got = read(wire->in, wire->bytes + wire->end, wire->capacity - wire->end);
    while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN) return false;
    if (got < 0) die("read: %s", strerror(errno));
    if (got == 0) die("the server closed the connection");
    wire->end += (size_t)got;
    return true;
}

// A whole line that was already read, newline included; its length is 0 when there is none yet.
static struct text buffered_line(struct wire *wire) {
    struct text line = {wire->bytes + wire->start, 0};
    char *newline = memchr(line.bytes, '\n', wire->end - wire->start);
    if (!newline) return line;
    line.length = (size_t)(newline - line.bytes) + 1;
    wire->start += line.length;
    return line;
}

static struct text next_line(struct wire *wire) {
    for (;;) {
        struct text line = buffered_line(wire);
        if (line.length) return line;
        fill(wire);
    }
}

static bool contains(struct text text, const char *what) {
    return memmem(text.bytes, text.length, what, strlen(what)) != NULL;
}

// Requests and notifications of the server are no replies. An error is never a result to measure.
static bool is_reply(struct text line) {
    if (contains(line, "\"error\":") || contains(line, "\"isError\":true"))
        die("the server answered with an error: %.*s", (int)line.length, line.bytes);
    return !contains(line, "\"method\":");
}

static struct text next_reply(struct wire *wire) {
    for (;;) {
        struct text line = next_line(wire);
        if (is_reply(line)) return line;
    }
}

// Sends a handshake from byte `from` on, up to and including the reply to the next request in it.
// Returns where it stopped.
static size_t greet_once(struct wire *wire, struct text hello, size_t from) {
    while (from < hello.length) {
        struct text line = {hello.bytes + from, hello.length - from};
        line.length = (size_t)((char *)memchr(line.bytes, '\n', line.length) - line.bytes) + 1;
        send_all(wire, line.bytes, line.length);
        from += line.length;
        if (contains(line, "\"id\":")) {
            next_reply(wire);
            return from;
        }
    }
    return from;
}

static void greet(struct wire *wire, const char *path) {
    if (strcmp(path, "-") == 0) return;
    struct text hello = load(path);
    for (size_t at = 0; at < hello.length;) at = greet_once(wire, hello, at);
    free(hello.bytes);
}

// MARK: a child that speaks on its stdin and stdout

struct child {
    pid_t pid;
    struct wire wire;
};

static struct child start(char **command) {
    int to[2], from[2];
    if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0) die("pipe2: %s", strerror(errno));
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, to[0], 0);
    posix_spawn_file_actions_adddup2(&files, from[1], 1);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t defaults; // SIGPIPE is ignored here, and an ignored signal would be inherited
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);

    struct child child;
    int error = posix_spawnp(&child.pid, command[0], &files, &attributes, command, environ);
    if (error) die("%s: %s", command[0], strerror(error));
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    close(to[0]);
    close(from[1]);
    child.wire = wire_over(from[0], to[1]);
    return child;
}

// End of input is how a stdio server is told to leave.
static void finish(struct child *child) {
    close(child->wire.out);
    int status;
    while (waitpid(child->pid, &status, 0) < 0)
        if (errno != EINTR) die("waitpid: %s", strerror(errno));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) die("the server ended with wait status %d", status);
    close(child->wire.in);
    free(child->wire.bytes);
}

// MARK: modes

static void round_trips(struct wire *wire, long n, const char *payload_path) {
    struct payload payload = load_payload(payload_path);
    uint64_t *samples = must(calloc((size_t)n, sizeof *samples));
    struct text reply = {NULL, 0};
    long warm_up = n / 10; // not counted: caches, page faults, a server's first allocations
    for (long i = -warm_up; i < n; i++) {
        renumber(&payload);
        uint64_t before = now();
        send_all(wire, payload.line.bytes, payload.line.length);
        reply = next_line(wire);
        uint64_t after = now();
        if (!is_reply(reply)) { // a notification came first, and this sample measured nothing
            next_reply(wire);
            i--;
            continue;
        }
        if (payload.digits && !memmem(reply.bytes, reply.length, payload.digits, 7))
            die("a reply to another request: %.*s", (int)reply.length, reply.bytes);
        if (i >= 0) samples[i] = after - before;
    }
    report(samples, n);
    fwrite(reply.bytes, 1, reply.length, stdout);
}

static void rtt(const char *socket, long n, const char *payload, const char *hello) {
    struct wire wire = wire_to(socket);
    greet(&wire, hello);
    round_trips(&wire, n, payload);
}

static void rtt_exec(long n, const char *payload, const char *hello, char **command) {
    move_to(server_cpu); // for the child to inherit
    struct child child = start(command);
    move_to(own_cpu);
    greet(&child.wire, hello);
    round_trips(&child.wire, n, payload);
    finish(&child);
}

static void startup(long n, const char *hello_path, char **command) {
    struct text hello = load(hello_path);
    uint64_t *samples = must(calloc((size_t)n, sizeof *samples));
    move_to(server_cpu); // and stay: a move back would be part of what is timed
    for (long i = 0; i < n; i++) {
        uint64_t before = now();
        struct child child = start(command);
        size_t at = greet_once(&child.wire, hello, 0);
        samples[i] = now() - before;
        while (at < hello.length) at = greet_once(&child.wire, hello, at);
        finish(&child);
    }
    report(samples, n);
}

// Appends `count` requests to what the wire owes, and gives the socket what it takes.
static void run_once(char **command) {
    pid_t pid = vfork();
    if (pid < 0) die("vfork: %s", strerror(errno));
    if (pid == 0) {
        execvp(command[0], command);
        _exit(127);
    }
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) die("waitpid: %s", strerror(errno));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) die("%s ended with wait status %d", command[0], status);
}

// What a round leaves is taken away, which is not what is timed. Of the namespaces and mounts of a cell the kernel frees
// most about 22 ms after its end, which takes up to 0.7 ms of one CPU: with 20 ms in between that was in the next round.
static void let_the_kernel_tidy_up(void) { usleep(60000); }

static void spawn(long n, char **command, bool apart) {
    uint64_t *samples = must(calloc((size_t)n, sizeof *samples));
    for (long i = -n / 10; i < n; i++) {
        uint64_t before = now();
        run_once(command);
        if (i >= 0) samples[i] = now() - before;
        if (apart) let_the_kernel_tidy_up();
    }
    report(samples, n);
}

static void slurp(long n, char **command) {
    uint64_t *samples = must(calloc((size_t)n, sizeof *samples));
    static char sink[1 << 16];
    for (long i = -n / 10; i < n; i++) {
        uint64_t before = now();
        struct child child = start(command);
        while (read(child.wire.in, sink, sizeof sink) > 0) continue;
        finish(&child);
        if (i >= 0) samples[i] = now() - before;
    }
    report(samples, n);
}

static void first(const char *socket, long n, const char *payload_path, const char *hello) {
    struct payload payload = load_payload(payload_path);
    uint64_t *samples = must(calloc((size_t)n, sizeof *samples));
    for (long i = -1; i < n; i++) {
        renumber(&payload);
        uint64_t before = now();
        struct wire wire = wire_to(socket);
        greet(&wire, hello);
        send_all(&wire, payload.line.bytes, payload.line.length);
        next_reply(&wire);
        if (i >= 0) samples[i] = now() - before;
        close(wire.in);
        free(wire.bytes);
        let_the_kernel_tidy_up();
    }
    report(samples, n);
}

static void crowd(const char *socket, long clients, const char *payload_path, const char *hello, long rounds) {
    struct payload payload = load_payload(payload_path);
    struct wire *wires = must(calloc((size_t)clients, sizeof *wires));
    uint64_t *samples = must(calloc((size_t)(clients * rounds), sizeof *samples));
    for (long i = 0; i < clients; i++) {
        wires[i] = wire_to(socket);
        greet(&wires[i], hello);
        renumber(&payload);
        send_all(&wires[i], payload.line.bytes, payload.line.length);
        next_reply(&wires[i]);
    }
    puts("ready");
    fflush(stdout);
    for (long i = 0; i < clients * rounds; i++) {
        struct wire *wire = &wires[i % clients];
        renumber(&payload);
        uint64_t before = now();
        send_all(wire, payload.line.bytes, payload.line.length);
        next_reply(wire);
        samples[i] = now() - before;
    }
    report(samples, clients * rounds);
    fflush(stdout);
    char byte;
    while (read(0, &byte, 1) > 0) continue;
}

static void enqueue(struct wire *wire, struct payload *payload, long count) {
    for (; count > 0; count--) {
        renumber(payload);
        memcpy(wire->outgoing + wire->unsent, payload->line.bytes, payload->line.length);
        wire->unsent += payload->line.length;
    }
    ssize_t n = wire->unsent ? write(wire->out, wire->outgoing, wire->unsent) : 0;
    if (n < 0 && errno != EAGAIN && errno != EINTR) die("write: %s", strerror(errno));
    if (n <= 0) return;
    wire->unsent -= (size_t)n;
    memmove(wire->outgoing, wire->outgoing + n, wire->unsent);
}

static void pipeline(const char *socket, long clients, long seconds, const char *payload_path,
                     const char *hello, long depth) {
    struct payload payload = load_payload(payload_path);
    struct wire *wires = must(calloc((size_t)clients, sizeof *wires));
    struct epoll_event events[64];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) die("epoll_create1: %s", strerror(errno));
    for (long i = 0; i < clients; i++) {
        wires[i] = wire_to(socket);
        greet(&wires[i], hello);
        wires[i].outgoing = must(malloc((size_t)depth * payload.line.length));
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = &wires[i]};
        if (fcntl(wires[i].in, F_SETFL, O_NONBLOCK) < 0) die("fcntl: %s", strerror(errno));
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, wires[i].in, &event) < 0) die("epoll_ctl: %s", strerror(errno));
    }

    uint64_t begin = now(), deadline = begin + (uint64_t)seconds * 1000000000u;
    uint64_t replies = 0, owed = (uint64_t)clients * (uint64_t)depth;
    for (long i = 0; i < clients; i++) enqueue(&wires[i], &payload, depth);
    while (owed > 0) { // after the deadline nothing new is asked, and what was asked is still counted
        int ready = epoll_wait(epoll, events, 64, 10000);
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) die("no reply for ten seconds, %" PRIu64 " owed", owed);
        bool over = now() >= deadline;
        for (int i = 0; i < ready; i++) {
            struct wire *wire = events[i].data.ptr;
            long answered = 0;
            while (fill(wire))
                for (struct text line; (line = buffered_line(wire)).length;) answered += is_reply(line);
            replies += (uint64_t)answered;
            if (over) owed -= (uint64_t)answered;
            enqueue(wire, &payload, over ? 0 : answered);
        }
    }
    printf("{\"replies\":%" PRIu64 ",\"wall_ns\":%" PRIu64 "}\n", replies, now() - begin);
}

static void connect_once(const char *socket, const char *hello_path) {
    struct text hello = load(hello_path);
    uint64_t before = now();
    struct wire wire = wire_to(socket);
    size_t at = greet_once(&wire, hello, 0);
    uint64_t sample = now() - before;
    while (at < hello.length) at = greet_once(&wire, hello, at);
    report(&sample, 1);
}

// When each client has to ask again, and since when it waits.
struct rhythm {
    uint64_t next, asked;
};

static void steady(const char *socket, long clients, long milliseconds, const char *payload_path, const char *hello) {
    struct payload payload = load_payload(payload_path);
    struct wire *wires = must(calloc((size_t)clients, sizeof *wires));
    struct rhythm *rhythms = must(calloc((size_t)clients, sizeof *rhythms));
    struct pollfd *polled = must(calloc((size_t)clients + 1, sizeof *polled));
    const long most = 4000000;
    uint64_t *samples = must(calloc((size_t)most, sizeof *samples));
    uint64_t period = (uint64_t)milliseconds * 1000000u;
    long n = 0;
    for (long i = 0; i < clients; i++) {
        wires[i] = wire_to(socket);
        greet(&wires[i], hello);
        if (fcntl(wires[i].in, F_SETFL, O_NONBLOCK) < 0) die("fcntl: %s", strerror(errno));
        polled[i] = (struct pollfd){.fd = wires[i].in, .events = POLLIN};
    }
    polled[clients] = (struct pollfd){.fd = 0, .events = POLLIN};
    for (long i = 0; i < clients; i++) rhythms[i].next = now() + period * (uint64_t)i / (uint64_t)clients;
    puts("ready");
    fflush(stdout);
    for (bool over = false; n < most;) {
        long waiting = 0;
        for (long i = 0; i < clients; i++) {
            if (!rhythms[i].asked && !over && now() >= rhythms[i].next) {
                renumber(&payload);
                rhythms[i].asked = now();
                rhythms[i].next = rhythms[i].asked + period;
                send_all(&wires[i], payload.line.bytes, payload.line.length);
            }
            waiting += rhythms[i].asked != 0;
        }
        if (over && !waiting) break;
        if (poll(polled, (nfds_t)(clients + !over), over ? 10000 : 1) == 0 && over) die("%ld are not answered", waiting);
        if (polled[clients].revents) over = true;
        for (long i = 0; i < clients; i++) {
            if (!polled[i].revents || !fill(&wires[i])) continue;
            for (struct text line; (line = buffered_line(&wires[i])).length;) {
                if (!is_reply(line) || n == most) continue;
                samples[n++] = now() - rhythms[i].asked;
                rhythms[i].asked = 0;
            }
        }
    }
    report(samples, n);
}

static void idle(const char *socket, long clients, const char *hello) {
    for (long i = 0; i < clients; i++) {
        struct wire wire = wire_to(socket);
        greet(&wire, hello);
        free(wire.bytes); // the descriptor stays open: that is the point
    }
    puts("ready");
    fflush(stdout);
    char byte;
    while (read(0, &byte, 1) > 0) continue;
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    read_placement();
    move_to(own_cpu);

    const long most = 10000000;
    const char *mode = argc > 1 ? argv[1] : "";
    if (strcmp(mode, "rtt") == 0 && (argc == 5 || argc == 6))
        rtt(argv[2], number(argv[3], most), argv[4], argc == 6 ? argv[5] : "-");
    else if (strcmp(mode, "rtt-exec") == 0 && argc > 6 && strcmp(argv[5], "--") == 0)
        rtt_exec(number(argv[2], most), argv[3], argv[4], argv + 6);
    else if (strcmp(mode, "startup") == 0 && argc > 5 && strcmp(argv[4], "--") == 0)
        startup(number(argv[2], most), argv[3], argv + 5);
    else if (strcmp(mode, "pipeline") == 0 && argc == 8)
        pipeline(argv[2], number(argv[3], 10000), number(argv[4], 3600), argv[5], argv[6],
                 number(argv[7], 10000));
    else if (strcmp(mode, "idle") == 0 && argc == 5)
        idle(argv[2], number(argv[3], 100000), argv[4]);
    else if (strcmp(mode, "first") == 0 && argc == 6)
        first(argv[2], number(argv[3], most), argv[4], argv[5]);
    else if (strcmp(mode, "crowd") == 0 && argc == 7)
        crowd(argv[2], number(argv[3], 10000), argv[4], argv[5], number(argv[6], 1000));
    else if (strcmp(mode, "connect") == 0 && argc == 4)
        connect_once(argv[2], argv[3]);
    else if (strcmp(mode, "steady") == 0 && argc == 7)
        steady(argv[2], number(argv[3], 10000), number(argv[4], 10000), argv[5], argv[6]);
    else if (strcmp(mode, "spawn") == 0 && argc > 4 && strcmp(argv[3], "--") == 0)
        spawn(number(argv[2], most), argv + 4, false);
    else if (strcmp(mode, "apart") == 0 && argc > 4 && strcmp(argv[3], "--") == 0)
        spawn(number(argv[2], most), argv + 4, true);
    else if (strcmp(mode, "slurp") == 0 && argc > 4 && strcmp(argv[3], "--") == 0)
        slurp(number(argv[2], most), argv + 4);
    else {
        fputs("usage: client rtt|rtt-exec|startup|pipeline|idle|first|crowd|connect|steady|spawn|apart|slurp …, as the head of client.c says\n", stderr);
        return 2;
    }
    return 0;
}
