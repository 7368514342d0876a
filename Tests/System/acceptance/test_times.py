"""How long clients wait for a daemon that is started, and for one that is restarted, under the package's own units.

What is asserted is that everybody is answered. The times are brought back (times.json) and printed; `make bench` sets
them against their bars. What systemd needs for any unit with these walls is in them, so the peer is such a unit: the
same file with another program, the least that can answer.
"""

import contextlib
import json
import os
import subprocess
import time

import pytest

from administrator import done, property_of
from services import systemctl

CLIENT = "/run/layer/Tests/Bench/client"
ECHO = "/run/layer/Tests/Bench/echo"
LINES = "/run/layer/Tests/Bench"
UNIT = "cloisterd.service"
CELLD = "cloister-celld.service"
STARTS = 15
RESTARTS = 5
CLIENTS = 100


@pytest.fixture(scope="module")
def times():
    found = {}
    yield found
    with open(f"{os.environ['CLOISTER_RESULTS']}/times.json", "w") as file:
        json.dump(found, file)


def as_anna(*words):
    return ["setpriv", "--reuid=anna", "--regid=anna", "--clear-groups", CLIENT, *map(str, words)]


def first_reply(socket, request="hello"):
    """From connect to the reply to the first request."""
    return json.loads(done(*as_anna("connect", socket, f"{LINES}/{request}.line")))["median_ns"]


@contextlib.contextmanager
def peer():
    """Our units with the least that can answer in the place of our program."""
    places = []
    for kind in "socket", "service":
        with open(f"/usr/lib/systemd/system/cloisterd.{kind}") as file:
            text = file.read()
        for old, new in {
            "/run/cloister/mcp.sock": "/run/peer/mcp.sock", "cloisterd": "peer", "/usr/bin/peer --hand-over": f"{ECHO} -",
            "Type=notify\n": "Type=exec\n", "BusName=org.cloister.Cloister1\n": "", "WatchdogSec=30s\n": "",
        }.items():  # fmt: skip
            text = text.replace(old, new)
        places.append(f"/run/systemd/system/peer.{kind}")
        with open(places[-1], "w") as file:
            file.write(text)
    systemctl("daemon-reload")
    systemctl("start", "peer.socket")
    try:
        yield "/run/peer/mcp.sock"
    finally:
        systemctl("stop", "peer.socket", "peer.service")
        for place in places:
            os.remove(place)
        systemctl("daemon-reload")


def test_the_first_connection_starts_the_daemon_and_is_answered(times):
    def cold(socket, *units, request="hello"):
        systemctl("stop", *units)
        # So many starts in a row are no crash.
        systemctl("reset-failed", *units)
        time.sleep(0.3)
        return first_reply(socket, request)

    times.update({"start": [], "start-with-celld": [], "start-of-peer": []})
    with peer() as other:
        for _ in range(STARTS):
            times["start"].append(cold("/run/cloister/mcp.sock", UNIT))
            times["start-with-celld"].append(cold("/run/cloister/mcp.sock", UNIT, CELLD))
            times["start-of-peer"].append(cold(other, "peer.service", request="echo"))
    assert property_of(UNIT, "ActiveState") == "active"


def test_a_restart_keeps_a_hundred_busy_clients_waiting_and_drops_none(times):
    words = as_anna("steady", "/run/cloister/mcp.sock", CLIENTS, 50, f"{LINES}/system_info.line", f"{LINES}/hello.line")
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as clients:
        assert clients.stdout.readline() == "ready\n"
        time.sleep(0.5)
        for _ in range(RESTARTS):
            systemctl("restart", UNIT)
            time.sleep(1)
        clients.stdin.close()
        # It ends with 1 if one of them was cut off, or answered with an error.
        figures = json.loads(clients.stdout.readline())
    assert clients.returncode == 0
    times["restart"] = [figures["max_ns"]]
    times["usual"] = [figures["median_ns"]]
