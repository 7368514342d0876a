"""The daemon on a bus of its own, with a real polkit beside it, and callers of every kind."""

import json
import os
import subprocess
import sys
from pathlib import Path

from governed import Governed
from libdbus import DBusError
from polkit import NOBODY, Polkit, until

HERE = Path(__file__).resolve().parent
NAME = "org.cloister.Cloister1"
ROOT = "/org/cloister/Cloister1"
MANAGER, CLIENT, CELL, APPROVAL, MODULE = (
    f"{NAME}.{each}" for each in ("Manager", "Client", "Cell", "Approval", "Module")
)
MCP = f"{NAME}.MCP"
PROPERTIES = "org.freedesktop.DBus.Properties"
MANAGED = "org.freedesktop.DBus.ObjectManager"


class Caller:
    """A process on the bus that speaks by libdbus-1."""

    def __init__(self, address, uid=0):
        self.process = subprocess.Popen(
            [sys.executable, HERE / "caller.py", address, str(uid)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/",
        )  # fmt: skip
        said = json.loads(self.process.stdout.readline())
        self.name, self.pid = said["name"], said["pid"]

    def tell(self, **order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def told(self):
        said = json.loads(self.process.stdout.readline())
        if "error" in said:
            raise DBusError(said["error"], said["message"])
        assert "failed" not in said, said["failed"]
        return said

    def do(self, **order):
        self.tell(**order)
        return self.told()

    def begin(self, path, interface, member, signature="", *values, **options):
        self.tell(do="call", words=[NAME, path, interface, member, signature, values], options=options)

    def call(self, *words, **options):
        self.begin(*words, **options)
        return self.told()["values"]

    def manager(self, member, signature="", *values, **options):
        return self.call(ROOT, MANAGER, member, signature, *values, **options)

    def json(self, member, signature="", *values, **options):
        return json.loads(self.manager(member, signature, *values, **options)[0])

    def get(self, path, interface, name):
        return self.call(path, PROPERTIES, "Get", "ss", interface, name)[0]

    def objects(self):
        """Those that come and go with clients."""
        return {path: each for path, each in self.managed().items() if "/module/" not in path}

    def managed(self):
        return self.call(ROOT, MANAGED, "GetManagedObjects")[0]

    def signals(self, seconds=0.5):
        said = self.do(do="signals", seconds=seconds)["signals"]
        return [each for each in said if each[0] != "org.freedesktop.DBus"]

    def leave(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def error(call, *words, **options):
    """The name and the message of the error that a call ends with."""
    try:
        answer = call(*words, **options)
    except DBusError as fault:
        return fault.name.removeprefix("org.freedesktop.DBus.Error."), fault.message
    raise AssertionError(f"it was not refused: {answer}")


class BusScene:
    def __init__(self, executable, *options, **settings):
        self.polkit = Polkit()
        self.executable = executable
        self.callers = []
        environment = {"DBUS_SYSTEM_BUS_ADDRESS": self.polkit.address}
        self.governed = Governed(executable, "--bus", "yes", *options, environment=environment, **settings)
        os.chmod(self.governed.directory, 0o755)
        self.wait_for_name()

    def has_name(self):
        call = ["busctl", f"--address={self.polkit.address}", "status", NAME]
        return subprocess.run(call, capture_output=True, timeout=20).returncode == 0

    def wait_for_name(self):
        until(self.has_name, f"{NAME} on the bus")

    def caller(self, uid=0):
        caller = Caller(self.polkit.address, uid)
        self.callers.append(caller)
        return caller

    def busctl(self, *words, user=None, status=0):
        run = subprocess.run(
            ["busctl", f"--address={self.polkit.address}", *words], capture_output=True, text=True, timeout=60,
            user=user, extra_groups=None if user is None else [],
        )  # fmt: skip
        assert status is None or run.returncode == status, run.stdout + run.stderr
        return run.stdout if status == 0 else run.stdout + run.stderr

    def ctl(self, *words, user=None, status=0):
        """cloisterctl as the system's administrators have it: without --root."""
        run = subprocess.run(
            [self.governed.ctl_program, *words], capture_output=True, text=True, timeout=60, user=user,
            extra_groups=None if user is None else [],
            env=os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": self.polkit.address},
        )  # fmt: skip
        assert status is None or run.returncode == status, run.stdout + run.stderr
        return run.stdout + run.stderr

    def refusals(self):
        return [each for each in self.governed.records("admin") if each.get("outcome") == "refused"]

    def stop(self):
        for caller in self.callers:
            caller.leave()
        self.governed.stop()
        self.polkit.stop()


__all__ = ["APPROVAL", "CELL", "CLIENT", "MANAGER", "MCP", "MODULE", "NAME", "NOBODY", "PROPERTIES", "ROOT", "BusScene", "error", "until"]
