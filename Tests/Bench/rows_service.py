"""The service of a system: on the bus, from the first connection on, and through a restart."""

import contextlib
import functools
import json
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import HERE, Bench, Broken, Row, Server, duration, span

sys.path.append(str(HERE.parent / "Interop"))
from manager import ServiceManager  # noqa: E402

CLOISTER = "org.cloister.Cloister1"
PEER = "org.cloister.Bench"
BUS = """\
<busconfig>
  <type>system</type>
  <listen>unix:path={}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
  </policy>
</busconfig>
"""


@contextlib.contextmanager
def bus(bench: Bench):
    """A dbus-daemon for everybody; its address."""
    with tempfile.TemporaryDirectory(prefix="cb-") as place:
        Path(place).chmod(0o755)
        path, settings = Path(place) / "bus", Path(place) / "bus.conf"
        settings.write_text(BUS.format(path))
        command = ["dbus-daemon", "--config-file", settings, "--nofork", "--nopidfile"]
        with Server(bench, command, path, stops_cleanly=False):
            yield f"unix:path={path}"


@contextlib.contextmanager
def pinged(bench: Bench, address: str):
    """The peer: a service of sd-bus that does nothing but to be there."""
    command = [bench.tools / "bus", "serve", address, PEER]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=bench.log,
                          env=bench.environment) as process:
        try:
            if process.stdout.readline() != b"ready\n":
                raise Broken(f"the peer on the bus: {bench.last_words()}")
            yield
        finally:
            process.kill()


def await_name(bench: Bench, address: str):
    deadline = time.monotonic() + 10
    while True:
        try:
            return bench.run([bench.tools / "bus", "ping", address, CLOISTER, 1])
        except Broken:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def bus_call(bench: Bench) -> Row:
    bar, n = 1.3, 1000

    def on_bus(*words) -> float:
        return json.loads(bench.run([bench.tools / "bus", *words]))["median_ns"]

    rounds = []
    with (bus(bench) as address, pinged(bench, address),
          bench.daemon("--bus", "yes", environment={"DBUS_SYSTEM_BUS_ADDRESS": address}) as daemon):
        await_name(bench, address)
        for _ in range(bench.rounds):
            rounds.append({
                "ping": on_bus("ping", address, PEER, n),
                "socket": bench.client("rtt", daemon.socket, n, bench.line("system_info"),
                                       bench.line("hello"))["median_ns"],
                "call": on_bus("call", address, n),
            })
    ratios = [each["call"] / (each["ping"] + each["socket"]) for each in rounds]
    ping, socket, call = (statistics.median(each[key] for each in rounds) for key in ("ping", "socket", "call"))
    return Row(
        work="CallTool system_info on the bus", bar=f"≤ {bar:g} ×", measured=span(ratios, ".2f") + " ×",
        peer=f"{duration(ping)} sd-bus Ping + {duration(socket)} our socket", ours=duration(call),
        excess=statistics.median(ratios) / bar, raw={"ratios": ratios, "rounds": rounds})


def cold_start(bench: Bench) -> Row:
    """systemd's own socket activation; what is in the page cache stays there."""
    bar, starts = 40e6, 10
    activate = shutil.which("systemd-socket-activate")
    if not activate:
        raise Broken("systemd-socket-activate is not installed")

    def start() -> float:
        with tempfile.TemporaryDirectory(prefix="cb-") as place:
            socket = Path(place) / "activated.sock"
            command = [activate, "--listen", socket, bench.binary("cloisterd"), "--standalone", place]
            with subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=bench.log,
                                  stderr=bench.log, env=bench.environment) as process:
                try:
                    while not socket.exists():
                        if process.poll() is not None:
                            raise Broken(f"{activate}: {bench.last_words()}")
                        time.sleep(0.005)
                    # From the bind to the listen is a moment more.
                    time.sleep(0.05)
                    return bench.client("connect", socket, bench.line("hello"))["median_ns"]
                finally:
                    process.terminate()
                    process.wait()
                    # celld and what it had ready go after it, and would be in the way of the next.
                    time.sleep(0.3)

    start()
    rounds = [[start() for _ in range(starts)] for _ in range(bench.rounds)]
    medians = [statistics.median(each) for each in rounds]
    return Row(
        work="socket-activated start to initialize reply", bar=f"≤ {duration(bar)}",
        measured=span([each / 1e6 for each in medians], ".1f") + " ms", peer="–",
        ours=f"slowest of {starts * bench.rounds}: {duration(max(map(max, rounds)))}",
        excess=statistics.median(medians) / bar, raw={"rounds": rounds})


def restart(bench: Bench) -> Row:
    """The longest time that any of them waited for an answer, over the restarts of a round."""
    bar, clients, period, restarts = 250e6, 100, 50, 3
    rounds = []
    for _ in range(bench.rounds):
        manager = ServiceManager(bench.binary, log=bench.log)
        try:
            command = [bench.tools / "client", "steady", manager.socket, clients, period,
                       bench.line("system_info"), bench.line("hello")]
            holder = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=bench.log, env=bench.environment)
            with holder:
                if holder.stdout.readline() != b"ready\n":
                    raise Broken(f"{clients} clients: {bench.last_words()}")
                time.sleep(0.3)
                for _ in range(restarts):
                    if manager.end(signal.SIGTERM) != 0:
                        raise Broken("cloisterd did not stop cleanly on SIGTERM")
                    manager.start()
                    time.sleep(0.5)
                holder.stdin.close()
                answer = holder.stdout.readline()
                if not answer:
                    raise Broken(f"{clients} clients and a restart: {bench.last_words()}")
                rounds.append(json.loads(answer))
        finally:
            manager.stop()
    longest = [each["max_ns"] for each in rounds]
    usual = statistics.median(each["median_ns"] for each in rounds)
    return Row(
        work=f"restart with {clients} clients, longest pause", bar=f"≤ {duration(bar)}",
        measured=span([each / 1e6 for each in longest], ".0f") + " ms", peer="–",
        ours=f"usually {duration(usual)}", excess=statistics.median(longest) / bar, raw={"rounds": rounds})


@functools.cache
def in_machine(bench: Bench) -> dict:
    """The package in a booted container: what its own units add to a start and a restart (acceptance/test_times.py)."""
    script, debian = HERE.parent / "System/native.py", "bookworm"
    bench.run(["env", f"DEBIAN={debian}", sys.executable, script, bench.build, "-c", "pytest.ini", "test_times.py"], 600)
    return json.loads((bench.build / f"system/{debian}/results/times.json").read_text())


def unit_start(bench: Bench) -> Row:
    bar = 40e6
    times = in_machine(bench)
    ours, with_celld, peer = (
        statistics.median(times[name]) for name in ("start", "start-with-celld", "start-of-peer")
    )
    return Row(
        work="the same, by the package's units", bar=f"≤ {duration(bar)}", measured=f"{ours / 1e6:.1f} ms",
        peer=f"{duration(peer)} a unit with the same walls", ours=f"{duration(with_celld)} where celld has to start, too",
        excess=ours / bar, raw=times)


def unit_restart(bench: Bench) -> Row:
    bar = 250e6
    times = in_machine(bench)
    [longest], [usual] = times["restart"], times["usual"]
    return Row(
        work="restart with 100 clients, the package's units", bar=f"≤ {duration(bar)}",
        measured=f"{longest / 1e6:.0f} ms", peer="–", ours=f"usually {duration(usual)}", excess=longest / bar, raw=times)


ROWS = {
    "bus-call": bus_call,
    "cold-start": cold_start,
    "cold-start-unit": unit_start,
    "restart": restart,
    "restart-unit": unit_restart,
}
