"""The protocol: round trips, throughput, memory."""

import json
import statistics
import subprocess
import time

from harness import Bench, Broken, Row, against_peer, shape, span



def ping_socket(bench: Bench) -> Row:
    with bench.echo() as echo, bench.daemon() as daemon:
        return against_peer(
            bench, "ping over the socket, one client", 1.6, False, "C echo",
            lambda: bench.client("rtt", echo.socket, 5000, bench.line("echo")),
            lambda: bench.client("rtt", daemon.socket, 5000, bench.line("ping"), bench.line("hello")))


def ping_bridge(bench: Bench) -> Row:
    with bench.echo() as echo, bench.daemon() as daemon:
        return against_peer(
            bench, "ping through the bridge", 3.5, False, "C echo",
            lambda: bench.client("rtt", echo.socket, 5000, bench.line("echo")),
            lambda: bench.client("rtt-exec", 5000, bench.line("ping"), bench.line("hello"), "--",
                                 *bench.bridge(daemon)))


def tool_call(bench: Bench) -> Row:
    def call(command: list, n: int) -> dict:
        return bench.client("rtt-exec", n, bench.line("system_info"), bench.line("hello"), "--", *command)

    peer = bench.peer()
    with bench.daemon() as daemon:
        bridge = bench.bridge(daemon)
        row = against_peer(bench, "tools/call system_info over stdio", 5, True, "Python SDK",
                           lambda: call(peer, 300), lambda: call(bridge, 1000))
    peer_shape, our_shape = (shape(row.raw[side][-1]["reply"]["result"].get("structuredContent"))
                             for side in ("peer", "ours"))
    if peer_shape != our_shape:
        row.note = f"the two tools are not equal: the peer answers {peer_shape}, we answer {our_shape}"
    return row


def startup(bench: Bench) -> Row:
    def start(command: list, n: int) -> dict:
        return bench.client("startup", n, bench.line("hello"), "--", *command)

    peer = bench.peer()
    with bench.daemon() as daemon:
        bridge = bench.bridge(daemon)
        start(peer, 1), start(bridge, 1)  # not counted: both programs into the page cache
        return against_peer(bench, "start to initialize reply over stdio", 50, True, "Python SDK",
                            lambda: start(peer, 1), lambda: start(bridge, 20))


def pipelined(bench: Bench) -> Row:
    bar, clients, depth, seconds = 60_000, 32, 16, 1
    rounds = []
    with bench.daemon() as daemon:
        for _ in range(bench.rounds):
            before = daemon.cpu_seconds()  # the handshakes fall into the span too: a thousandth of it
            figures = bench.client("pipeline", daemon.socket, clients, seconds, bench.line("ping"),
                                   bench.line("hello"), depth)
            rounds.append(figures | {"cpu_seconds": daemon.cpu_seconds() - before})
    rates = [r["replies"] / r["cpu_seconds"] for r in rounds]
    wall = statistics.median(r["replies"] / (r["wall_ns"] / 1e9) for r in rounds)
    return Row(
        work=f"pipelined ping, {clients} clients × {depth}, per CPU second",
        bar=f"≥ {bar:,}",
        measured=span(rates, ",.0f"),
        peer="–",
        ours=f"{wall:,.0f} per second of wall time",
        excess=bar / statistics.median(rates),
        raw={"per_cpu_second": rates, "rounds": rounds},
    )


def memory_idle(bench: Bench) -> Row:
    bar = 12 * 1024 * 1024
    sizes = []
    for _ in range(bench.rounds):
        with bench.daemon() as daemon:
            time.sleep(0.3)
            sizes.append(daemon.resident_bytes())
    return Row(
        work="resident memory, idle daemon",
        bar="≤ 12 MB",
        measured=span([size / 1024 / 1024 for size in sizes], ".1f") + " MB",
        peer="–",
        ours=f"{statistics.median(sizes) / 1024:,.0f} kB",
        excess=statistics.median(sizes) / bar,
        raw={"bytes": sizes},
    )


def memory_connection(bench: Bench) -> Row:
    bar, clients = 64 * 1024, 500
    rounds = []
    for _ in range(bench.rounds):
        with bench.daemon() as daemon:
            time.sleep(0.3)
            before = daemon.resident_bytes()
            holder = subprocess.Popen(
                [bench.tools / "client", "idle", daemon.socket, str(clients), bench.line("hello")],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=bench.log, env=bench.environment)
            with holder:  # leaving closes its stdin, and with that its connections
                if holder.stdout.readline() != b"ready\n":
                    raise Broken(f"{clients} idle connections: {bench.last_words()}")
                time.sleep(0.3)
                rounds.append({"before": before, "with_connections": daemon.resident_bytes()})
    each = [(r["with_connections"] - r["before"]) / clients for r in rounds]
    return Row(
        work=f"resident memory per idle connection, of {clients}",
        bar="≤ 64 kB",
        measured=span([size / 1024 for size in each], ".1f") + " kB",
        peer="–",
        ours=f"{statistics.median(r['with_connections'] for r in rounds) / 1024 / 1024:.1f} MB for all",
        excess=statistics.median(each) / bar,
        raw={"bytes_per_connection": each, "rounds": rounds},
    )


def forward(bench: Bench) -> Row:
    bar = 300
    rounds = [json.loads(bench.run([bench.binary("forward-bench")])) for _ in range(bench.rounds)]
    ascii, escaped, unicode = ([r[f"{kind}_mb_s"] for r in rounds] for kind in ("ascii", "escaped", "unicode"))
    return Row(
        work="forwarding a 1 MB string, parse and emit",
        bar=f"≥ {bar} MB/s",
        measured=span(ascii, ",.0f") + " MB/s",
        peer="–",
        ours=f"escaped {statistics.median(escaped):,.0f}, unicode {statistics.median(unicode):,.0f} MB/s",
        excess=bar / statistics.median(ascii),
        raw={"rounds": rounds},
    )


ROWS = {
    "ping-socket": ping_socket,
    "ping-bridge": ping_bridge,
    "tool-call": tool_call,
    "startup": startup,
    "pipelined": pipelined,
    "memory-idle": memory_idle,
    "memory-connection": memory_connection,
    "forward": forward,
}
