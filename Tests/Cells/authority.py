"""A real polkitd on a real bus, which nobody on this machine sees but who is put beside them: both are in a mount
namespace of their own, with rules and actions of their own."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
import termios
import textwrap
import time
from pathlib import Path

POLKITD = "/usr/lib/polkit-1/polkitd"
ACTION = "org.cloister.Cloister1.code-execution-sudo"
NEEDED = [POLKITD, "/usr/bin/dbus-daemon", "/usr/bin/pkcheck", "/usr/bin/pkttyagent"]

# What is shipped, with an owner that every machine has.
ACTIONS = (
    (Path(__file__).resolve().parents[2] / "polkit/org.cloister.Cloister1.policy").read_text()
    .replace("unix-user:cloister<", "unix-user:root<"))

BUS = """\
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
  </policy>
</busconfig>
"""

# As PAM would say to the right password.
SAYS_YES = "auth sufficient pam_permit.so\naccount sufficient pam_permit.so\n"

# Everything that is mounted is gone with the namespace.
SETUP = """\
set -eu
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /etc/polkit-1
mount -t tmpfs tmpfs /usr/share/polkit-1
mkdir -m 755 /run/dbus /etc/polkit-1/rules.d /usr/share/polkit-1/rules.d /usr/share/polkit-1/actions
cp "$1/cloister.policy" /usr/share/polkit-1/actions/
cp "$1/50-test.rules" /etc/polkit-1/rules.d/
cp "$1/pam" /run/pam
mount --bind /run/pam /etc/pam.d/polkit-1 2>/dev/null || mount --bind /run/pam /usr/lib/pam.d/polkit-1
echo ready
read line
"""


def rule(script):
    """What polkit decides about our action: the body of a function of `command_line`."""
    return textwrap.dedent(f"""\
        polkit.addRule(function(action, subject) {{
            if (action.id != "{ACTION}") return polkit.Result.NOT_HANDLED;
            var command_line = action.lookup("command_line"), program = action.lookup("program");
            {script}
        }});
        """)


class Polkit:
    """`inside` goes in front of a command that shall find this polkit."""

    def __init__(self, rules="", bus=True, polkitd=True, pam=SAYS_YES):
        self.place = tempfile.mkdtemp(prefix="polkit.")
        self.processes = []
        try:
            self._begin(rules, bus, polkitd, pam)
        except BaseException:
            self.stop()
            raise

    def _begin(self, rules, bus, polkitd, pam):
        self._write("cloister.policy", ACTIONS)
        self._write("50-test.rules", rules)
        self._write("bus.conf", BUS)
        self._write("pam", pam)
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", SETUP, "sh", self.place],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.holder.stdout.readline() == b"ready\n"
        self.inside = ["nsenter", "--target", str(self.holder.pid), "--mount", "--"]
        if bus:
            self._start("dbus-daemon", "--config-file", f"{self.place}/bus.conf", "--nofork", "--nopidfile")
            self._wait("test", "-S", "/run/dbus/system_bus_socket")
        if polkitd:
            self._start(POLKITD, "--no-debug")
            self._wait("pkcheck", "--action-id", ACTION, "--process", f"{os.getpid()}")

    def _write(self, name, text):
        with open(os.path.join(self.place, name), "w") as file:
            file.write(text)

    def _start(self, *command):
        self.processes.append(
            subprocess.Popen([*self.inside, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def _wait(self, *command):
        """Until it succeeds: for us, who are root, polkit does once it is there."""
        end = time.monotonic() + 20
        while subprocess.run([*self.inside, *command], capture_output=True).returncode != 0:
            assert time.monotonic() < end, f"{command} in vain"
            time.sleep(0.02)

    def agent(self, pid):
        """Who asks a person at a terminal, for one client. What it shows, and what is typed, is at the other end."""
        end, terminal = os.openpty()
        process = subprocess.Popen(
            [*self.inside, "pkttyagent", "--process", str(pid), "--notify-fd", "1"],
            stdin=terminal, stdout=subprocess.PIPE, stderr=terminal, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(terminal)
        # Closed once it is registered.
        process.stdout.read()
        process.stdout.close()
        self.processes.append(process)
        return os.fdopen(end, "rb", buffering=0), process

    def stop(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()
        self.holder.communicate()
        shutil.rmtree(self.place)


@contextlib.contextmanager
def polkit(*arguments, **options):
    running = Polkit(*arguments, **options)
    try:
        yield running
    finally:
        running.stop()
