// The peer on a bus, and its measuring client: both are sd-bus, so that a ratio compares servers only.
//
//   serve ADDRESS NAME     a service with that name and no object: sd-bus itself answers Peer.Ping
//   ping ADDRESS NAME N    N times Peer.Ping of whoever has the name
//   call ADDRESS N         N times CallTool system_info {} of org.cloister.Cloister1
//
// Figures and placement are as in measure.h. An error reply ends the run with status 1.

#define _GNU_SOURCE
#include <systemd/sd-bus.h>

#include "measure.h"

#define CLOISTER "org.cloister.Cloister1"

static int check(const char *what, int result) {
    if (result < 0) die("%s: %s", what, strerror(-result));
    return result;
}

static sd_bus *bus_at(const char *address) {
    sd_bus *bus;
    check("sd_bus_new", sd_bus_new(&bus));
    check(address, sd_bus_set_address(bus, address));
    check("sd_bus_set_bus_client", sd_bus_set_bus_client(bus, 1));
    check("sd_bus_start", sd_bus_start(bus));
    return bus;
}

__attribute__((noreturn)) static void serve(sd_bus *bus, const char *name) {
    check(name, sd_bus_request_name(bus, name, 0));
    puts("ready");
    fflush(stdout);
    for (;;)
        if (check("sd_bus_process", sd_bus_process(bus, NULL)) == 0) check("sd_bus_wait", sd_bus_wait(bus, UINT64_MAX));
}

static sd_bus_message *call_tool(sd_bus *bus) {
    sd_bus_message *call;
    check("CallTool", sd_bus_message_new_method_call(bus, &call, CLOISTER, "/org/cloister/Cloister1", CLOISTER ".MCP",
                                                     "CallTool"));
    check("CallTool", sd_bus_message_append(call, "ssa{sv}", "system_info", "{}", 0));
    return call;
}

static sd_bus_message *ping(sd_bus *bus, const char *name) {
    sd_bus_message *call;
    check("Ping", sd_bus_message_new_method_call(bus, &call, name, "/", "org.freedesktop.DBus.Peer", "Ping"));
    return call;
}

// `name`: who is pinged; without it a tool is called.
static void round_trips(sd_bus *bus, const char *name, long n) {
    uint64_t *samples = must(calloc((size_t)n, sizeof *samples));
    for (long i = -n / 10; i < n; i++) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply;
        uint64_t before = now();
        sd_bus_message *call = name ? ping(bus, name) : call_tool(bus);
        if (sd_bus_call(bus, call, 0, &error, &reply) < 0) die("%s: %s", error.name, error.message);
        int is_error = 0;
        if (!name) check("CallTool", sd_bus_message_read(reply, "b", &is_error));
        uint64_t after = now();
        if (is_error) die("the tool failed");
        sd_bus_message_unref(call);
        sd_bus_message_unref(reply);
        if (i >= 0) samples[i] = after - before;
    }
    report(samples, n);
}

int main(int argc, char **argv) {
    read_placement();
    const char *mode = argc > 1 ? argv[1] : "";
    if (strcmp(mode, "serve") == 0 && argc == 4) {
        move_to(server_cpu);
        serve(bus_at(argv[2]), argv[3]);
    }
    move_to(own_cpu);
    if (strcmp(mode, "ping") == 0 && argc == 5)
        round_trips(bus_at(argv[2]), argv[3], number(argv[4], 10000000));
    else if (strcmp(mode, "call") == 0 && argc == 4)
        round_trips(bus_at(argv[2]), NULL, number(argv[3], 10000000));
    else {
        fputs("usage: bus serve|ping|call …, as the head of bus.c says\n", stderr);
        return 2;
    }
    return 0;
}
