"""A service manager for one test: it hands cloisterd its socket, keeps descriptors for it, and starts it again.

What systemd does for a unit with FileDescriptorStoreMax= and nothing else, so that a process can be ended and started
at every moment. The real one does it in the system tests.

celld gets a control group of its own, as each unit has: whatever is in its group it takes for what an earlier one left.
"""

import glob
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.append(os.path.join(os.path.dirname(__file__), "../Cells"))
from machine import read, unified_groups  # noqa: E402

POLICY = Path(__file__).parents[2] / "policy.d" / "10-default.yaml"


def processes_of(words):
    """Those that were started so: what stands in their command lines, with the NULs."""
    return [path for path in glob.glob("/proc/[0-9]*/cmdline") if words in read(path)]


class ServiceManager:
    def __init__(self, executable, *options, environment=None, log=None):
        """`log`: the file that gets what the programs complain of, instead of whoever runs this."""
        self.executable, self.options, self.log = executable, options, log
        self.environment = environment or {}
        self.directory = Path(tempfile.mkdtemp(prefix="cloister-", dir="/var/tmp"))
        self.directory.chmod(0o755)
        (self.directory / "policy.d").mkdir()
        shutil.copy(POLICY, self.directory / "policy.d")
        self.socket = self.directory / "mcp.sock"
        self.listener = self.listen(self.socket, socket.SOCK_STREAM)
        self.group = self.control_group()
        celld_listener = self.listen(self.directory / "celld.sock", socket.SOCK_SEQPACKET)
        self.celld = self.spawn(
            [executable("cloister-celld"), "--state", self.directory, "--best-effort", "cgroup",
             "--cell-user", "nobody"],
            [("celld", celld_listener.fileno())], self.environment, self.group)
        celld_listener.close()
        self.notifications = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notifications.bind(os.fspath(self.directory / "notify"))
        # As systemd has it: what is asked for here is in order, and nothing is lost.
        self.notifications.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.kept = []
        self.status = []
        self.is_ready = threading.Event()
        self.is_over = False
        self.hearing = threading.Thread(target=self.hear, daemon=True)
        self.hearing.start()
        self.clients = []
        self.start()

    @staticmethod
    def listen(path, kind):
        listener = socket.socket(socket.AF_UNIX, kind)
        listener.bind(os.fspath(path))
        path.chmod(0o666)
        listener.listen(1024)
        return listener

    def control_group(self):
        group = Path(unified_groups()) / f"tests-{self.directory.name}"
        group.mkdir()
        return group

    def spawn(self, command, descriptors, environment, group=None):
        """With these descriptors from 3 on, as sd_listen_fds(3) has them."""
        variables = os.environ | {
            "LISTEN_FDS": str(len(descriptors)), "LISTEN_FDNAMES": ":".join(name for name, _ in descriptors),
        } | environment
        pid = os.fork()
        if pid:
            return pid
        try:
            if group:
                (group / "cgroup.procs").write_text("0")
            if self.log:
                os.dup2(self.log.fileno(), 2)
            high = [os.dup(fd) for _, fd in descriptors]
            safe = [fd if fd > 3 + len(high) else os.dup2(fd, 10_000 + place) for place, fd in enumerate(high)]
            for place, fd in enumerate(safe):
                os.dup2(fd, 3 + place, inheritable=True)
            os.closerange(3 + len(high), 20_000)
            variables["LISTEN_PID"] = str(os.getpid())
            os.execve(command[0], [os.fspath(word) for word in command], variables)
        finally:
            os._exit(127)

    # What the service says

    def hear(self):
        while not self.is_over:
            if not select.select([self.notifications], [], [], 0.2)[0]:
                continue
            data, fds, _, _ = socket.recv_fds(self.notifications, 4096, 16)
            lines = data.decode().split("\n")
            said = dict(line.split("=", 1) for line in lines)
            if said.get("FDSTORE") == "1":
                self.kept += [(said["FDNAME"], fd) for fd in fds]
                continue
            for fd in fds:
                os.close(fd)
            if said.get("FDSTOREREMOVE") == "1":
                self.forget(lambda name, fd: name == said["FDNAME"])
            if "STATUS" in said:
                self.status.append(said["STATUS"])
            if said.get("READY") == "1":
                self.is_ready.set()

    def forget(self, which):
        kept, self.kept = self.kept, []
        for name, fd in kept:
            if which(name, fd):
                os.close(fd)
            else:
                self.kept.append((name, fd))

    def names(self):
        return sorted({name for name, _ in self.kept})

    @staticmethod
    def has_hung_up(name, fd):
        poll = select.poll()
        try:
            poll.register(fd, 0)
            return bool(poll.poll(0))
        except OSError:
            return False

    # Its life

    def start(self):
        self.forget(self.has_hung_up)
        self.is_ready.clear()
        self.daemon = self.spawn(
            [self.executable("cloisterd"), "--hand-over", "--bus", "no", "--idle-timeout", "0",
             "--best-effort", "cgroup", "--celld", self.directory / "celld.sock",
             "--audit", self.directory / "audit", "--policy", self.directory / "policy.d", *self.options],
            [("mcp.sock", self.listener.fileno()), *self.kept],
            {"NOTIFY_SOCKET": os.fspath(self.directory / "notify"), **self.environment})
        assert self.is_ready.wait(20), "the daemon did not become ready"

    def end(self, signal_number):
        """The status, as waitpid(2) has it."""
        os.kill(self.daemon, signal_number)
        return self.reap("daemon")

    def reap(self, name, within=20):
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            pid, status = os.waitpid(getattr(self, name), os.WNOHANG)
            if pid:
                setattr(self, name, None)
                return status
            time.sleep(0.005)
        os.kill(getattr(self, name), signal.SIGKILL)
        raise AssertionError(f"{name} did not end")

    def restart(self):
        assert self.end(signal.SIGTERM) == 0
        self.start()

    def crash(self):
        assert self.end(signal.SIGKILL) == signal.SIGKILL
        self.start()

    def stop(self):
        for client in self.clients:
            client.close()
        for name in ("daemon", "celld"):
            if getattr(self, name):
                os.kill(getattr(self, name), signal.SIGTERM)
                self.reap(name)
        for path, _, _ in os.walk(self.group, topdown=False):
            os.rmdir(path)
        self.is_over = True
        self.hearing.join()
        self.forget(lambda name, fd: True)
        self.notifications.close()
        self.listener.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def records(self, kind="call"):
        run = subprocess.run(
            [self.executable("cloisterctl"), "--root", self.directory, "audit", "--output", "json",
             "--kind", kind],
            capture_output=True, text=True, timeout=30, check=True)
        return [json.loads(line) for line in run.stdout.splitlines()]
