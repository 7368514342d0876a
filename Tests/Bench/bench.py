"""`make bench`: Cloister against named peers, as ratios taken in the same run.

Absolute times belong to one machine and one minute, so wherever a peer exists the two parties take
turns (A B A B …), every pair gives one ratio, and the median of the ratios is compared with the bar.
One C client (client.c) measures every party. It keeps to one CPU and the servers keep to another,
because the scheduler's choice alone can double a round trip; --free-placement leaves the choice to it.

A bar that is missed is reported and is no failure: the status is 1 only when something did not work.

    CLOISTER_BIN  directory with cloisterd, cloister-bridge and forward-bench   (.build/release)
    BUILD_DIR     where the C programs, bench.log and bench.json go             (.build)

Run it with a Python that has the peer's package: mcp, the version named by PEER below.
A new row is one more function in ROWS that returns a Row.
"""

import argparse
import contextlib
import dataclasses
import datetime
import importlib.metadata
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEER = "2.3.0"

INITIALIZE = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "bench", "version": "1"},
}
# The client replaces '#######' by a number that is new for each request.
LINES = {
    "hello": json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE}) + "\n"
    + json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}) + "\n",
    "ping": '{"jsonrpc":"2.0","id":#######,"method":"ping"}\n',
    "system_info": '{"jsonrpc":"2.0","id":#######,"method":"tools/call",'
    '"params":{"name":"system_info","arguments":{}}}\n',
    "echo": '{"jsonrpc":"2.0","id":#######,"padding":"' + "x" * 56 + '"}\n',
}
assert len(LINES["echo"]) == 100


class Broken(Exception):
    """Something did not work, as opposed to being slow."""


@dataclasses.dataclass
class Row:
    work: str
    bar: str
    measured: str
    peer: str
    ours: str
    excess: float  # measured ÷ bar, turned so that more than 1 misses
    raw: dict
    note: str = ""

    @property
    def verdict(self) -> str:
        return "met" if self.excess <= 1 else f"missed by {(self.excess - 1) * 100:.0f} %"


# The machinery: building, starting, measuring


class Bench:
    def __init__(self, rounds: int, build: Path, binaries: Path, cpus: tuple[int, int] | None):
        self.rounds, self.build, self.binaries, self.cpus = rounds, build, binaries, cpus
        self.tools = build / "bench"
        self.tools.mkdir(parents=True, exist_ok=True)
        self.log = open(build / "bench.log", "w")
        # A user's Python settings (unbuffered, no byte code) would slow the peer down.
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        if cpus:
            self.environment["BENCH_CPUS"] = f"{cpus[0]},{cpus[1]}"
        for name, text in LINES.items():
            self.line(name).write_text(text)
        for name in ("echo", "client"):
            self.run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", self.tools / name, HERE / f"{name}.c"])

    def line(self, name: str) -> Path:
        return self.tools / f"{name}.line"

    def binary(self, name: str) -> Path:
        path = self.binaries / name
        if not os.access(path, os.X_OK):
            raise Broken(f"{path} is missing")
        return path

    def peer(self) -> list:
        try:
            found = importlib.metadata.version("mcp")
        except importlib.metadata.PackageNotFoundError:
            found = "not installed"
        if found != PEER:
            raise Broken(f"the peer needs mcp {PEER} in {sys.executable}: {found}")
        return [sys.executable, HERE / "peer_server.py"]

    def bridge(self, daemon: "Server") -> list:
        return [self.binary("cloister-bridge"), "--socket", daemon.socket]

    def run(self, command: list, timeout: float = 120) -> str:
        command = [str(word) for word in command]
        name = Path(command[0]).name
        print("$", *command, file=self.log, flush=True)
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log,
                                  text=True, env=self.environment, timeout=timeout)
        except subprocess.TimeoutExpired:
            raise Broken(f"{name} took more than {timeout:.0f} s") from None
        except OSError as error:
            raise Broken(f"{name}: {error.strerror}") from None
        if done.returncode != 0:
            raise Broken(f"{name} ended with status {done.returncode}: {self.last_words()}")
        return done.stdout

    def client(self, *arguments) -> dict:
        """Runs client.c; its figures, and the last reply if it printed one."""
        figures, _, reply = self.run([self.tools / "client", *arguments]).partition("\n")
        return json.loads(figures) | ({"reply": json.loads(reply)} if reply else {})

    def last_words(self) -> str:
        lines = [line for line in Path(self.log.name).read_text(errors="replace").splitlines() if line]
        return lines[-1] if lines and not lines[-1].startswith("$ ") else "no message"

    @contextlib.contextmanager
    def daemon(self):
        """A fresh cloisterd of its own in a directory of its own, short because socket paths are."""
        with tempfile.TemporaryDirectory(prefix="cb-") as place:
            command = [self.binary("cloisterd"), "--standalone", place]
            with Server(self, command, Path(place) / "mcp.sock") as server:
                yield server

    @contextlib.contextmanager
    def echo(self):
        with tempfile.TemporaryDirectory(prefix="cb-") as place:
            path = Path(place) / "echo.sock"
            with Server(self, [self.tools / "echo", path], path, stops_cleanly=False) as server:
                yield server


class Server:
    """A process that listens on a Unix socket, from connectable to stopped."""

    def __init__(self, bench: Bench, command: list, path: Path, stops_cleanly: bool = True):
        self.bench, self.command, self.socket = bench, [str(word) for word in command], path
        self.stops_cleanly = stops_cleanly

    def __enter__(self) -> "Server":
        print("$", *self.command, "&", file=self.bench.log, flush=True)
        cpus = self.bench.cpus
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=self.bench.log, stderr=self.bench.log,
            env=self.bench.environment,
            preexec_fn=(lambda: os.sched_setaffinity(0, {cpus[1]})) if cpus else None)
        self.pid = self.process.pid
        try:
            self.await_connectable()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        return self

    def await_connectable(self):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Broken(f"{self.name} ended with status {self.process.returncode} at its start: "
                             f"{self.bench.last_words()}")
            with socket.socket(socket.AF_UNIX) as probe:
                with contextlib.suppress(OSError):
                    probe.connect(str(self.socket))
                    return
            time.sleep(0.005)
        raise Broken(f"{self.name} was not connectable within 10 s")

    def __exit__(self, kind, error, trace):
        # A server that died explains what its clients then complained of.
        if kind in (None, Broken) and self.process.poll() is not None:
            raise Broken(f"{self.name} ended by itself, with status {self.process.returncode}"
                         + (f", and then: {error}" if error else ""))
        self.process.terminate()
        try:
            status = self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            status = "none, and needed SIGKILL"
        if kind is None and self.stops_cleanly and status != 0:
            raise Broken(f"{self.name} did not stop cleanly on SIGTERM: status {status}")

    @property
    def name(self) -> str:
        return Path(self.command[0]).name

    def cpu_seconds(self) -> float:
        """The processor time of the whole process, threads that ended included, in nanosecond steps.

        This is utime + stime of /proc/PID/stat without its rounding to ticks: the clock that
        clock_getcpuclockid(3) names, which Python does not wrap.
        """
        return time.clock_gettime((~self.pid << 3) | 2)

    def resident_bytes(self) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise Broken(f"{self.name} has no VmRSS")


# Arithmetic and words


def duration(nanoseconds: float) -> str:
    if nanoseconds >= 1e7:
        return f"{nanoseconds / 1e6:.0f} ms"
    if nanoseconds >= 1e6:
        return f"{nanoseconds / 1e6:.2f} ms"
    return f"{nanoseconds / 1e3:.1f} µs"


def span(values: list[float], form: str) -> str:
    return f"{statistics.median(values):{form}} ({min(values):{form}}–{max(values):{form}})"


def against_peer(bench: Bench, work: str, bar: float, faster: bool, peer_name: str, peer, ours) -> Row:
    """Rounds of `peer()` and `ours()` by turns. The ratio is ours ÷ peer, or with `faster` peer ÷ ours."""
    rounds = [(peer(), ours()) for _ in range(bench.rounds)]
    theirs, mine = ([figures["median_ns"] for figures in side] for side in zip(*rounds))
    ratios = [a / b if faster else b / a for a, b in zip(theirs, mine)]
    ratio = statistics.median(ratios)
    return Row(
        work=work,
        bar=f"≥ {bar:g} × faster" if faster else f"≤ {bar:g} ×",
        measured=span(ratios, ".1f" if faster else ".2f") + " ×",
        peer=f"{duration(statistics.median(theirs))} {peer_name}",
        ours=duration(statistics.median(mine)),
        excess=bar / ratio if faster else ratio / bar,
        raw={"ratios": ratios, "peer": [p for p, _ in rounds], "ours": [o for _, o in rounds]},
    )


def shape(value):
    """What two results must share to be called equal: names and types, not the figures."""
    if isinstance(value, dict):
        return {key: shape(value[key]) for key in sorted(value)}
    return "number" if isinstance(value, (int, float)) else type(value).__name__


# The rows


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


# The report


def machine(cpus: tuple[int, int] | None) -> dict:
    model = next((line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "unknown")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": model,
        "kernel": platform.release(),
        "load_at_start": os.getloadavg(),
        "python": platform.python_version(),
        "placement": f"client on CPU {cpus[0]}, servers on CPU {cpus[1]}" if cpus else "free",
    }


def table(rows: list[Row]) -> str:
    cells = [["work", "bar", "measured", "peer", "ours", "verdict"]]
    cells += [[row.work, row.bar, row.measured, row.peer, row.ours, row.verdict] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in cells]
    return "\n".join([lines[0], "  ".join("─" * width for width in widths), *lines[1:]])


def main() -> int:
    parser = argparse.ArgumentParser(description="Cloister against named peers, as ratios.")
    parser.add_argument("--only", metavar="ROW", choices=ROWS, help="one row, bench.json left as it is: "
                        + ", ".join(ROWS))
    parser.add_argument("--rounds", type=int, default=5, help="turns that each party takes (default 5)")
    parser.add_argument("--free-placement", action="store_true", help="let the scheduler place client and servers")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds: at least 1")

    build = Path(os.environ.get("BUILD_DIR") or HERE.parent.parent / ".build").resolve()
    binaries = Path(os.environ.get("CLOISTER_BIN") or build / "release").resolve()
    available = sorted(os.sched_getaffinity(0))
    cpus = (available[0], available[1]) if len(available) > 1 and not options.free_placement else None
    facts = machine(cpus)
    report = {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
              "rounds": options.rounds, "peer": f"mcp {PEER}", "machine": facts, "rows": {}, "broken": {}}

    rows: list[Row] = []
    try:
        bench = Bench(options.rounds, build, binaries, cpus)
        for name in [options.only] if options.only else ROWS:
            print(f"bench: {name} …", file=sys.stderr, flush=True)
            try:
                row = ROWS[name](bench)
            except (Broken, OSError, LookupError, ValueError) as broken:  # the other rows still count
                report["broken"][name] = str(broken) if isinstance(broken, Broken) else repr(broken)
                continue
            rows.append(row)
            report["rows"][name] = dataclasses.asdict(row) | {"verdict": row.verdict}
    except Broken as broken:
        report["broken"]["building"] = str(broken)

    print(f"{facts['cores']} cores, {facts['cpu']}, kernel {facts['kernel']}; {facts['placement']}; "
          f"median of {options.rounds} rounds (min–max)\n")
    if rows:
        print(table(rows))
    for name, row in zip(report["rows"], rows):
        if row.note:
            print(f"note on {name}: {row.note}")
    for name, why in report["broken"].items():
        print(f"broken: {name}: {why}")
    if not options.only:
        (build / "bench.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    if report["broken"]:
        print(f"what the programs said is in {build / 'bench.log'}")
    return 1 if report["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
