// cloister-probe: tries to get out of where it runs, and says of each attempt how it ended.
//
//   cloister-probe --list           group, name, walls, how they are lowered, what success means; by tabs
//   cloister-probe [NAME|GROUP…]    makes the attempts; `group name outcome detail`, a line each
//   cloister-probe --rights         ends with 0 if it has any capability or is root: for set-uid copies
//   cloister-probe --remount        makes the root of the view writable, for attempts that ask for it
//   cloister-probe --bystander      waits for its standard input to end, as somebody else's process
//
// What it looks for, the driver planted; it says where in variables named PROBE_*.

#include "probe.h"

#include <sys/mount.h>

static const struct attempt_group groups[] = {
    {"files", files},         {"processes", processes},     {"kernel", kernel}, {"network", network},
    {"resources", resources}, {"descriptors", descriptors}, {"races", races},
};
enum { group_count = sizeof groups / sizeof *groups };

static const char *const outcomes[] = {"succeeded", "denied", "unavailable", "error"};
static const char *const lowerings[] = {"walls", "stand-in", "grant", "room", "remount", "absence", "never"};

// No attempt needs longer; one that hangs is broken.
enum { patience = 10 };

static void list(void) {
    for (int i = 0; i < group_count; i++)
        for (const struct attempt *attempt = groups[i].attempts; attempt->name; attempt++)
            printf("%s\t%s\t%s\t%s\t%s\n", groups[i].name, attempt->name, attempt->walls,
                   lowerings[attempt->lowering], attempt->aim);
}

// The child's report is `outcome errno detail`, by words.
static void report(const char *group, const char *name, char *bytes, int status) {
    char outcome[16], detail[256] = "";
    int error = 0;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
        printf("%s %s denied SIGSYS\n", group, name);
    } else if (WIFSIGNALED(status)) {
        printf("%s %s error ended by signal %d\n", group, name, WTERMSIG(status));
    } else if (sscanf(bytes, "%15s %d %255[^\n]", outcome, &error, detail) < 2) {
        printf("%s %s error said nothing, and ended with %d\n", group, name, WEXITSTATUS(status));
    } else {
        const char *word = strcmp(outcome, "broken") ? outcome : "error";
        printf("%s %s %s%s%s%s%s\n", group, name, word, error ? " " : "", error ? strerrorname_np(error) : "",
               *detail ? " " : "", detail);
    }
    fflush(stdout);
}

static void make(const char *group, const struct attempt *attempt) {
    int channel[2];
    if (pipe2(channel, O_CLOEXEC) < 0)
        abort();
    pid_t pid = fork();
    if (pid < 0) {
        printf("%s %s error fork: %s\n", group, attempt->name, strerrorname_np(errno));
        close(channel[0]);
        close(channel[1]);
        return;
    }
    if (pid == 0) {
        // Its words go to its report; its own children may well write to the same place.
        stdout = fdopen(channel[1], "w");
        alarm(patience);
        struct verdict verdict = attempt->act();
        printf("%s %d %s", verdict.outcome == broken ? "broken" : outcomes[verdict.outcome], verdict.error,
               verdict.detail);
        fflush(stdout);
        _exit(0);
    }
    close(channel[1]);
    int status;
    waitpid(pid, &status, 0);
    // Not to the end of the pipe, which a child that the attempt left behind may hold open.
    char bytes[512] = "";
    fcntl(channel[0], F_SETFL, O_NONBLOCK);
    ssize_t size = read(channel[0], bytes, sizeof bytes - 1);
    bytes[size > 0 ? size : 0] = 0;
    close(channel[0]);
    report(group, attempt->name, bytes, status);
}

static bool is_asked(const char *group, const char *name, int count, char **words) {
    bool asked = count == 0;
    for (int i = 0; i < count; i++)
        asked |= !strcmp(words[i], name) || !strcmp(words[i], group);
    return asked;
}

static int stand_by(void) {
    static char memory[64];
    snprintf(memory, sizeof memory, "%s", planted("PROBE_MARK"));
    int fd = open(planted("PROBE_SECRET"), O_RDONLY);
    printf("%d %lu %d\n", getpid(), (unsigned long)(uintptr_t)memory, fd);
    fflush(stdout);
    char byte;
    while (read(0, &byte, 1) > 0)
        continue;
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && !strcmp(argv[1], "--list"))
        return list(), 0;
    if (argc == 2 && !strcmp(argv[1], "--rights"))
        return has_rights() ? 0 : 1;
    if (argc == 2 && !strcmp(argv[1], "--bystander"))
        return stand_by();
    if (argc == 2 && !strcmp(argv[1], "--remount"))
        return mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV, NULL) < 0;
    bool found = false;
    for (int i = 0; i < group_count; i++)
        for (const struct attempt *attempt = groups[i].attempts; attempt->name; attempt++)
            if (is_asked(groups[i].name, attempt->name, argc - 1, argv + 1)) {
                found = true;
                make(groups[i].name, attempt);
            }
    return found ? 0 : 2;
}
