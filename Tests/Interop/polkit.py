"""A bus with a real polkit on it, which see nothing of the machine's own: they run in mounts of their own, with the
actions of this tree, the rules of the test, and a PAM that lets everybody in.

    /run/dbus                    a directory of the test's: the bus's socket is reached from outside
    /usr/share/polkit-1/actions  org.cloister.Cloister1.policy, with the owner that the test's cloisterd has
    /etc/polkit-1/rules.d        what the test says; polkit watches it
    /usr/share/dbus-1/system.d   who may have which name: polkit's, and org.cloister.Cloister1.conf of this tree
    /etc/pam.d                   polkit-1: pam_permit, or what the test says
    no service that the bus could start
"""

import contextlib
import fcntl
import json
import os
import pwd
import queue
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ACTIONS = HERE.parents[1] / "polkit/org.cloister.Cloister1.policy"
BUS_POLICY = HERE.parents[1] / "dbus/org.cloister.Cloister1.conf"
BUS_POLICIES = Path("/usr/share/dbus-1/system.d")
POLKITD = "/usr/lib/polkit-1/polkitd"
# What a test has to have.
NEEDED = [POLKITD, "/usr/bin/dbus-daemon", "/usr/bin/pkttyagent"]
NOBODY = 65534

COMMAND_ACTION = "org.cloister.Cloister1.code-execution-sudo"
# As PAM would say to the right password.
SAYS_YES = "auth required pam_permit.so\naccount required pam_permit.so\n"

MOUNTS = """
set -e
mount -t tmpfs none /run
mkdir -p /run/dbus /run/systemd/users /run/systemd/sessions /run/systemd/seats /run/systemd/machines
mount --bind "$1/bus" /run/dbus
mount --bind "$1/actions" /usr/share/polkit-1/actions
mount --bind "$1/rules" /etc/polkit-1/rules.d
mount --bind "$1/none" /usr/share/polkit-1/rules.d
mount --bind "$1/none" /usr/share/dbus-1/system-services
mount --bind "$1/names" /usr/share/dbus-1/system.d
mount --bind "$1/limits" /etc/dbus-1/system.d
mount --bind "$1/pam" /etc/pam.d
echo ready
exec cat
"""


# For a test with a thousand callers of one user.
LIMITS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><limit name="max_connections_per_user">4096</limit><limit name="max_completed_connections">4096</limit></busconfig>
"""


def need(condition, what):
    assert condition, f"{what}: packaging/need.sh dbus polkitd"


def command_rule(script):
    """What polkit decides about a command as root: the body of a function of `command_line` and `program`."""
    return f"""
        if (action.id != "{COMMAND_ACTION}") return polkit.Result.NOT_HANDLED;
        var command_line = action.lookup("command_line"), program = action.lookup("program");
        {script}
    """


class Polkit:
    """`within` goes in front of a command that shall find this polkit."""

    def __init__(self, owner="root", rule="", bus=True, polkitd=True, pam=SAYS_YES):
        need(os.access(POLKITD, os.X_OK) and shutil.which("dbus-daemon"), "polkitd and dbus-daemon are not installed")
        self.directory = Path(tempfile.mkdtemp(prefix="cloister-polkit-"))
        self.directory.chmod(0o755)
        for name in "bus", "actions", "rules", "none", "pam", "names", "limits":
            (self.directory / name).mkdir()
        (self.directory / "limits/limits.conf").write_text(LIMITS)
        shutil.copy(BUS_POLICIES / "org.freedesktop.PolicyKit1.conf", self.directory / "names")
        names = BUS_POLICY.read_text()
        assert '<policy user="cloister">' in names
        (self.directory / "names" / BUS_POLICY.name).write_text(
            names.replace('<policy user="cloister">', f'<policy user="{owner}">')
        )
        policy = ACTIONS.read_text()
        assert "unix-user:cloister<" in policy
        owners = f"unix-user:{owner}"
        with contextlib.suppress(KeyError):
            # Where there is this user, cloister-authorize is it.
            owners += f" unix-user:{pwd.getpwnam('cloister').pw_name}"
        (self.directory / "actions" / ACTIONS.name).write_text(policy.replace("unix-user:cloister<", owners + "<"))
        (self.directory / "pam/polkit-1").write_text(pam)
        if rule:
            self.rule(rule)
        self.address = f"unix:path={self.directory}/bus/system_bus_socket"
        self.bus = self.daemon = None
        self.agents, self.terminals = [], []
        self.space = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", MOUNTS, "sh", self.directory],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        try:
            assert self.space.stdout.readline() == b"ready\n"
            self.within = ["nsenter", f"--mount=/proc/{self.space.pid}/ns/mnt", "--"]
            if bus:
                self.start_bus()
            if polkitd:
                self.start()
        except BaseException:
            self.stop()
            raise

    def beside(self, executable, directory, program):
        """The programs that `executable` finds, of which this one and what it starts ask this polkit."""

        def find(name):
            if name != program:
                return executable(name)
            script = directory / name
            script.write_text("#!/bin/sh\nexec " + shlex.join([*self.within, str(executable(name))]) + ' "$@"\n')
            script.chmod(0o755)
            return script

        return find

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stop()

    def inside(self, *words, **options):
        return subprocess.Popen(
            [*self.within, *map(os.fspath, words)], stdin=options.pop("stdin", subprocess.DEVNULL), **options
        )

    def start_bus(self):
        Path(self.directory / "bus/system_bus_socket").unlink(missing_ok=True)
        self.bus = self.inside("dbus-daemon", "--system", "--nofork", "--nopidfile", stderr=subprocess.DEVNULL)
        # It has a name before anybody listens.
        until(self.bus_listens, "the bus")

    def bus_listens(self):
        with socket.socket(socket.AF_UNIX) as caller:
            return caller.connect_ex(str(self.directory / "bus/system_bus_socket")) == 0

    def start(self):
        self.daemon = self.inside(POLKITD, "--no-debug", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self.has_name, "polkit on the bus")

    def has_name(self):
        assert self.daemon.poll() is None, "polkitd has ended"
        call = ["busctl", f"--address={self.address}", "status", "org.freedesktop.PolicyKit1"]
        return subprocess.run(call, capture_output=True, timeout=20).returncode == 0

    @staticmethod
    def end(process):
        if process and process.poll() is None:
            process.kill()
        if process:
            process.wait()

    def rule(self, body):
        """What polkit answers without asking anybody, as the body of a function of `action` and `subject`."""
        new = self.directory / "rules/.new"
        new.write_text("polkit.addRule(function(action, subject) { %s });\n" % body)
        new.chmod(0o644)
        new.rename(self.directory / "rules/10-test.rules")

    def agent(self, application, uid=NOBODY):
        agent = Agent(self, application.pid, uid)
        self.agents.append(agent)
        return agent

    def terminal_agent(self, pid):
        """Who asks a person at a terminal, for one client. What it shows, and what is typed, is at the other end."""
        end, terminal = os.openpty()
        process = self.inside(
            "pkttyagent", "--process", str(pid), "--notify-fd", "1",
            stdin=terminal, stdout=subprocess.PIPE, stderr=terminal, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(terminal)
        # Closed once it is registered.
        process.stdout.read()
        process.stdout.close()
        self.terminals.append(process)
        return os.fdopen(end, "rb", buffering=0), process

    def stop(self):
        for agent in self.agents:
            agent.end()
        for process in self.terminals:
            self.end(process)
        self.end(self.daemon)
        self.end(self.bus)
        self.space.stdin.close()
        self.space.wait()
        shutil.rmtree(self.directory)


class Agent:
    """agent.py, beside the test."""

    def __init__(self, polkit, pid, uid):
        self.process = polkit.inside(
            sys.executable, HERE / "agent.py", "unix:path=/run/dbus/system_bus_socket", str(uid), str(pid),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.events = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()
        assert self.next() == {"registered": True}

    def read(self):
        for line in self.process.stdout:
            self.events.put(json.loads(line))

    def next(self, within=20):
        return self.events.get(timeout=within)

    def sees_nothing(self, seconds=0.3):
        try:
            raise AssertionError(f"the agent was asked: {self.events.get(timeout=seconds)}")
        except queue.Empty:
            pass

    def tell(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def end(self):
        self.process.kill()
        self.process.wait()


APPLICATION = """
import os, socket, sys
uid = int(sys.argv[2])
os.setgroups([]); os.setresgid(uid, uid, uid); os.setresuid(uid, uid, uid)
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.stdin.readline().strip())
socket.send_fds(socket.socket(fileno=int(sys.argv[1])), [b"x"], [connection.fileno()])
connection.close()
sys.stdin.read()
"""


class Application:
    """A process of an ordinary user that has connected; what it says is the test's matter."""

    def __init__(self, uid=NOBODY):
        self.channel, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-c", APPLICATION, str(theirs.fileno()), str(uid)],
                stdin=subprocess.PIPE, pass_fds=[theirs.fileno()], text=True,
            )  # fmt: skip
        self.pid = self.process.pid

    def connect(self, daemon):
        os.chmod(daemon.directory, 0o755)
        self.process.stdin.write(f"{daemon.socket}\n")
        self.process.stdin.flush()
        with self.channel:
            _, descriptors, _, _ = socket.recv_fds(self.channel, 1, 1)
        assert descriptors, "the application could not connect"
        return socket.socket(fileno=descriptors[0])

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def until(condition, what, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"in vain waited for {what}"
        time.sleep(0.02)
