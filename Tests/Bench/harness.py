"""What the rows of the benchmark stand on: building, starting, measuring, and the arithmetic of ratios."""

import contextlib
import dataclasses
import importlib.metadata
import json
import os
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


def compiler(tool: str, directory: Path, *libraries: str) -> list:
    return ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", directory / tool, HERE / f"{tool}.c", *libraries]


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
        for name, *libraries in (("echo",), ("client",), ("bus", "-lsystemd")):
            self.run(compiler(name, self.tools, *libraries))

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
    def daemon(self, *options: str, pinned: bool = True, environment: dict[str, str] | None = None):
        """A fresh cloisterd of its own in a directory of its own, short because socket paths are."""
        with tempfile.TemporaryDirectory(prefix="cb-") as place:
            command = [self.binary("cloisterd"), "--standalone", place, *options]
            with Server(self, command, Path(place) / "mcp.sock", pinned=pinned, environment=environment) as server:
                yield server

    @contextlib.contextmanager
    def echo(self):
        with tempfile.TemporaryDirectory(prefix="cb-") as place:
            path = Path(place) / "echo.sock"
            with Server(self, [self.tools / "echo", path], path, stops_cleanly=False) as server:
                yield server


class Server:
    """A process that listens on a Unix socket, from connectable to stopped."""

    def __init__(self, bench: Bench, command: list, path: Path, stops_cleanly: bool = True,
                 pinned: bool = True, environment: dict[str, str] | None = None):
        self.pinned, self.environment = pinned, bench.environment | (environment or {})
        self.bench, self.command, self.socket = bench, [str(word) for word in command], path
        self.stops_cleanly = stops_cleanly

    def __enter__(self) -> "Server":
        print("$", *self.command, "&", file=self.bench.log, flush=True)
        cpus = self.bench.cpus if self.pinned else None
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=self.bench.log, stderr=self.bench.log,
            env=self.environment,
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
