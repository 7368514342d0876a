// The peer: the least that an AF_UNIX stream server can do for one line. It listens on the socket
// named by its argument, or on the one that systemd passed ("-"), forks once per client, and gives
// every byte back with blocking calls.
// Nothing that reads and answers a line over such a socket can be expected to beat it.

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void echo(int client) {
    static char bytes[65536];
    for (;;) {
        ssize_t got = read(client, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return;
        for (ssize_t sent = 0; sent < got;) {
            ssize_t n = write(client, bytes + sent, (size_t)(got - sent));
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return;
            sent += n;
        }
    }
}

static int listen_at(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        fprintf(stderr, "%s: too long for a socket\n", path);
        exit(2);
    }
    strcpy(address.sun_path, path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0) die("socket");
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) die(path);
    if (listen(listener, 1024) < 0) die("listen");
    return listener;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: echo SOCKET\n");
        return 2;
    }
    signal(SIGCHLD, SIG_IGN); // nobody waits for the children
    int listener = strcmp(argv[1], "-") == 0 ? 3 : listen_at(argv[1]);
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0 && errno == EINTR) continue;
        if (client < 0) die("accept");
        pid_t child = fork();
        if (child < 0) die("fork");
        if (child == 0) {
            close(listener);
            echo(client);
            _exit(0);
        }
        close(client);
    }
}
