"""Cells: programs, files and memory, against C, bubblewrap and grep.

Nobody is kept to a CPU here: a program in a cell is the work of four processes, and where a machine has two
CPUs, they share them as they would anywhere.
"""

import contextlib
import json
import os
import statistics
import subprocess
import time
from pathlib import Path

from harness import LINES, Bench, Broken, Row, against_peer, duration, span

TRUE = "/usr/bin/true"
BWRAP = [
    "bwrap", "--unshare-all", "--ro-bind", "/usr", "/usr", "--symlink", "usr/lib", "/lib",
    "--symlink", "usr/lib64", "/lib64", "--symlink", "usr/bin", "/bin", "--proc", "/proc", "--dev", "/dev",
]  # fmt: skip


def free(bench: Bench) -> Bench:
    """The same bench without placement."""
    bench.cpus = None
    bench.environment.pop("BENCH_CPUS", None)
    return bench


@contextlib.contextmanager
def cells(bench: Bench):
    """A daemon whose cells may lack the controllers that this machine keeps in version 1 hierarchies."""
    with free(bench).daemon("--best-effort", "cgroup", pinned=False) as daemon:
        yield daemon


def call(bench: Bench, name: str, tool: str, **arguments) -> Path:
    """The line of a call, in a file."""
    line = json.dumps({"jsonrpc": "2.0", "id": "ID", "method": "tools/call",
                       "params": {"name": tool, "arguments": arguments}})
    path = bench.tools / f"{name}.line"
    path.write_text(line.replace('"ID"', "#######") + "\n")
    return path


def once(bench: Bench, daemon, tool: str, **arguments) -> dict:
    """One call in a session of its own; the workspace is the same for all of them."""
    line = call(bench, "once", tool, **arguments)
    return bench.client("rtt", daemon.socket, 1, line, bench.line("hello"))["reply"]["result"]


def run_true(bench: Bench, bar: float, faster: bool, peer_name: str, rounds: int, *peer: str) -> Row:
    line = call(bench, "true", "run_command", argv=[TRUE])
    with cells(bench) as daemon:
        return against_peer(
            bench, "run_command true, warm cell", bar, faster, peer_name,
            lambda: bench.client("spawn", rounds, "--", *peer),
            lambda: bench.client("rtt", daemon.socket, 500, line, bench.line("hello")))


def run_true_c(bench: Bench) -> Row:
    return run_true(bench, 2.0, False, "C vfork+exec+wait", 500, TRUE)


def run_true_bwrap(bench: Bench) -> Row:
    return run_true(bench, 3, True, "bwrap true", 100, *BWRAP, TRUE)


def fresh(bench: Bench) -> Row:
    line = call(bench, "true", "run_command", argv=[TRUE])
    with cells(bench) as daemon:
        return against_peer(
            bench, "connect, initialize, fresh cell, run_command true", 1.2, False, "bwrap true",
            lambda: bench.client("apart", 60, "--", *BWRAP, TRUE),
            lambda: bench.client("first", daemon.socket, 60, line, bench.line("hello")))


def read(bench: Bench, name: str, size: int, bar: float) -> Row:
    # Lines of 64 bytes with their end, about what those of sources have: an end of a line is two bytes in JSON.
    text = "    let answer = try await cell.perform(.read(request), in: here)"[:63]
    host = bench.tools / f"read-{name}"
    host.write_text(f"{text}\n" * (size // 64))
    with cells(bench) as daemon:
        once(bench, daemon, "run_command", command=f"yes '{text}' | head -c {size} > f-{name}")
        line = call(bench, f"read-{name}", "read_file", path=f"f-{name}", length=size, offset=0)
        row = against_peer(
            bench, f"read_file of {name}", bar, True, "cat under bwrap",
            lambda: bench.client("slurp", 60, "--", *BWRAP, "--ro-bind", bench.tools, "/w", "/usr/bin/cat",
                                 f"/w/read-{name}"),
            lambda: bench.client("rtt", daemon.socket, 200, line, bench.line("hello")))
        reply = row.raw["ours"][-1]["reply"]["result"]
        if len(reply["content"][0]["text"]) < size:
            row.note = f"only {len(reply['content'][0]['text'])} of {size} bytes came back"
    return row


def read_small(bench: Bench) -> Row:
    return read(bench, "4KB", 4096, 5)


def read_large(bench: Bench) -> Row:
    return read(bench, "1MB", 1 << 20, 2)


def search(bench: Bench) -> Row:
    """Of a source tree of 200 MB in the workspace; both have it in the page cache, and both are in the cell."""
    pattern = "struct [a-z]+_list [a-z]"
    with cells(bench) as daemon:
        # Ours is measured whole, call and answer; grep is timed inside its call, without them.
        fill = "mkdir -p t && i=0; while [ $(du -sm t | cut -f1) -lt 200 ]; do cp -r /usr/include t/$i; i=$((i+1)); done"
        made = once(bench, daemon, "run_command", command=fill, timeout_seconds=300)
        if made.get("isError"):
            raise Broken(f"the tree was not made: {made['content'][0]['text']}")
        line = call(bench, "search", "search_files", pattern=pattern, path="t", limit=10000)
        grep = call(bench, "grep", "run_command", argv=["grep", "-rnE", pattern, "t"])
        row = against_peer(
            bench, "search_files over 200 MB", 1.5, False, "grep -rnE in a cell",
            lambda: bench.client("rtt", daemon.socket, 2, grep, bench.line("hello")),
            lambda: bench.client("rtt", daemon.socket, 2, line, bench.line("hello")))
    return row


def idle_cells(daemon) -> dict[int, int]:
    """The proportional memory of every process of a cell of this daemon, by pid."""
    sizes = {}
    parents = {daemon.pid}
    for _ in range(4):
        for status in Path("/proc").glob("[0-9]*/status"):
            with contextlib.suppress(OSError, ValueError):
                fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
                if int(fields["PPid"]) in parents:
                    parents.add(int(fields["Pid"]))
    for pid in parents:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text().strip() == "cloister-cell":
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
                sizes[pid] = next(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line[:4] == "Pss:")
    return sizes


def crowd(bench: Bench, daemon, clients: int, rounds: int) -> tuple[dict, dict[int, int]]:
    line = call(bench, "true", "run_command", argv=[TRUE])
    holder = subprocess.Popen(
        [bench.tools / "client", "crowd", daemon.socket, str(clients), line, bench.line("hello"), str(rounds)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=bench.log, env=bench.environment)
    with holder:
        if holder.stdout.readline() != b"ready\n":
            raise Broken(f"{clients} cells: {bench.last_words()}")
        figures = json.loads(holder.stdout.readline())
        time.sleep(0.3)
        sizes = idle_cells(daemon)
        holder.stdin.close()
    return figures, sizes


def memory(bench: Bench) -> Row:
    bar, clients = 2 * 1024 * 1024, 10
    rounds = []
    for _ in range(bench.rounds):
        with cells(bench) as daemon:
            _, sizes = crowd(bench, daemon, clients, 1)
            # One more may wait for the next cell.
            if len(sizes) not in (2 * clients, 2 * clients + 1):
                raise Broken(f"{len(sizes)} processes are in {clients} cells")
            rounds.append(sum(sizes.values()) / clients)
    return Row(
        work=f"PSS of an idle cell, of {clients}", bar="≤ 2 MB",
        measured=span([size / 1024 / 1024 for size in rounds], ".2f") + " MB", peer="–", ours="2 processes",
        excess=statistics.median(rounds) / bar, raw={"bytes": rounds})


def many(bench: Bench) -> Row:
    clients = 200
    rounds = []
    for _ in range(min(bench.rounds, 3)):
        with cells(bench) as daemon:
            figures, sizes = crowd(bench, daemon, clients, 3)
            rounds.append(figures | {"processes": len(sizes)})
    p99 = statistics.median(r["p99_ns"] for r in rounds)
    return Row(
        work=f"{clients} cells alive, run_command true in each", bar="all answer",
        measured=f"all; p99 {duration(p99)}", peer="–",
        ours=f"median {duration(statistics.median(r['median_ns'] for r in rounds))}",
        excess=1 if all(r["processes"] in (2 * clients, 2 * clients + 1) for r in rounds) else 2, raw={"rounds": rounds})


ROWS = {
    "run-true": run_true_c,
    "run-true-bwrap": run_true_bwrap,
    "fresh-cell": fresh,
    "read-4KB": read_small,
    "read-1MB": read_large,
    "search": search,
    "memory-cell": memory,
    "many-cells": many,
}
