"""The services of the machine, as clients and an administrator see them, and their control groups."""

import glob
import json
import os
import socket
import statistics
import subprocess
import threading
import time

import cells
from machine import eventually, host_pid

# The machine is interpreted: what has two seconds elsewhere has ten here.
SLOWNESS = 5
SECONDS = 2 * SLOWNESS
MEGABYTE = 1 << 20

GROUPS = "/sys/fs/cgroup/system.slice/cloister-celld.service"
CELLD = "/run/cloister/celld.sock"


def systemctl(*words):
    return subprocess.run(["systemctl", *words], check=True, capture_output=True, text=True).stdout.strip()


def main_process(unit):
    return int(systemctl("show", "--property=MainPID", "--value", unit))


class Client:
    """An application of a user: the bridge as its child, MCP through it. Calls may be under way at once."""

    def __init__(self, user, application="tests", *options):
        words = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "cloister-bridge"]
        self.bridge = subprocess.Popen(
            [*words, "--client", application, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.last = 0
        self.answers = {}
        self.arrived = threading.Condition()
        threading.Thread(target=self._receive, daemon=True).start()
        self.request(
            "initialize",
            {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": application, "version": "1"},
            },
        )
        self._send({"method": "notifications/initialized"})

    def _receive(self):
        for line in self.bridge.stdout:
            message = json.loads(line)
            if "id" in message:
                with self.arrived:
                    self.answers[message["id"]] = message
                    self.arrived.notify_all()
        with self.arrived:
            self.answers[None] = None
            self.arrived.notify_all()

    def _send(self, message):
        self.bridge.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.bridge.stdin.flush()

    def begin(self, method, parameters):
        self.last += 1
        self._send({"id": self.last, "method": method, "params": parameters})
        return self.last

    def wait(self, number, seconds=120):
        with self.arrived:
            assert self.arrived.wait_for(lambda: number in self.answers or None in self.answers, seconds), "no answer"
            return self.answers.pop(number)["result"]

    def request(self, method, parameters):
        return self.wait(self.begin(method, parameters))

    def start(self, tool, **arguments):
        return self.begin("tools/call", {"name": tool, "arguments": arguments})

    def call(self, tool, **arguments):
        return Answer(self.wait(self.start(tool, **arguments)))

    def run(self, command, **arguments):
        return self.call("run_command", command=command, **arguments)

    def ping(self):
        """How long the daemon took to answer."""
        before = time.monotonic()
        self.request("ping", {})
        return time.monotonic() - before

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.bridge.stdin.close()
        try:
            self.bridge.wait(SECONDS)
        finally:
            self.bridge.kill()
            self.bridge.wait()


class Pings:
    """How long the daemon takes to answer a client at rest, and then while somebody else is busy."""

    # Of a median: what a busy machine adds to any process that sleeps and is woken.
    FELT = 5

    def __init__(self, client):
        self.client, self.busy = client, []
        self.rest = statistics.median(client.ping() for _ in range(40))

    def ask(self):
        self.busy.append(self.client.ping())

    def assert_unmoved(self):
        busy = statistics.median(self.busy)
        print(f"ping: {1e3 * self.rest:.1f} ms at rest, {1e3 * busy:.1f} ms beside it, slowest {1e3 * max(self.busy):.1f} ms")
        assert len(self.busy) >= 5 and busy < self.FELT * self.rest
        assert max(self.busy) < SLOWNESS


class Answer:
    def __init__(self, result):
        self.is_error = result.get("isError", False)
        self.text = "\n".join(block.get("text", "") for block in result["content"])
        self.fields = result.get("structuredContent", {})

    @property
    def output(self):
        return self.fields.get("stdout")

    def __repr__(self):
        return f"{'error' if self.is_error else 'answer'}: {self.text}"


class Celld(cells.Celld):
    """A connection to the celld that systemd started, as cloisterd has one: cells with limits of our own."""

    def __init__(self, path=CELLD):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(60)
        self.socket.connect(path)
        self.cells = 0

    def stop(self):
        self.socket.close()


# MARK: Groups


def read(path):
    """Empty when it is not there any more: files of groups and processes come and go."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def try_to_write(user, path, value):
    """The name of the error that a process of this user gets; "" when it may. `self` is its own number."""
    code = "import errno, os, sys\nvalue = sys.argv[2].replace('self', str(os.getpid())).encode()"
    code += "\ntry: os.write(os.open(sys.argv[1], os.O_WRONLY), value)"
    code += "\nexcept OSError as error: print(errno.errorcode[error.errno], end='')"
    words = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "python3", "-c", code, path, str(value)]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def group_of(pid):
    lines = [line for line in read(f"/proc/{pid}/cgroup").decode().splitlines() if line.startswith("0::")]
    return "/sys/fs/cgroup" + lines[0][3:] if lines else ""


def group_of_cell(cell):
    """Where its limits are, but those of memory, which are its programs'."""
    return os.path.dirname(group_of(host_pid(cell.pidfd)))


def number(group, file, key=None):
    words = [line.split() for line in read(f"{group}/{file}").decode().splitlines()]
    return int(words[0][0]) if key is None else next(int(value) for name, value in words if name == key)


def processes(group):
    """Of it and all below."""
    found = []
    for directory, _, _ in os.walk(group):
        found += [int(word) for word in read(f"{directory}/cgroup.procs").split()]
    return found


def uid(pid):
    for line in read(f"/proc/{pid}/status").decode().splitlines():
        if line.startswith("Uid:"):
            return int(line.split()[1])
    return None


def groups_of_cells():
    """Of those that are somebody's: one waits for its user, and is root's until then."""
    return {group for group in glob.glob(GROUPS + "/cell-*") if any(uid(pid) for pid in processes(group))}


def calls(group):
    """The groups of its calls that run."""
    found = [path for path, _, _ in os.walk(group) if os.path.basename(path).startswith("call-")]
    return {path for path in found if processes(path)}


def assert_no_cells(within=SECONDS):
    def left():
        spare = {os.path.dirname(group_of(pid)) for pid in processes(GROUPS) if uid(pid) == 0 and "/cell-" in group_of(pid)}
        return set(glob.glob(GROUPS + "/cell-*")) - spare

    assert eventually(lambda: not left(), within), left()
