"""What an administrator types, and what a machine has on its disk."""

import contextlib
import glob
import json
import os
import re
import subprocess
import time

from machine import eventually
from services import SECONDS, main_process, systemctl

PACKAGES = os.environ.get("CLOISTER_PACKAGES", "/run/layer/packages")
UNITS = ["cloisterd", "cloister-celld", "cloister-commands"]
SOCKETS = {
    "cloisterd.socket": "/run/cloister/mcp.sock",
    "cloister-celld.socket": "/run/cloister/celld.sock",
    "cloister-commands.socket": "/run/cloister/commands.sock",
}
BUS_NAME = "org.cloister.Cloister1"
# Before Linux 6.5 the kernel does not say for certain which process is at the other end of a socket: no rule can be
# about its program, and nothing runs as root for it.
KNOWS_PEERS = tuple(int(word) for word in os.uname().release.split(".")[:2]) >= (6, 5)
POLICY = "/etc/cloister/policy.d"
# What must be there before, for a comparison afterwards that means something.
BEFORE = "/var/tmp/files-before"


def run(*words, **options):
    return subprocess.run(words, capture_output=True, text=True, **options)


def done(*words, **options):
    result = run(*words, **options)
    assert result.returncode == 0, (words, result.stdout, result.stderr)
    return result.stdout


def package(which):
    [path] = glob.glob(f"{PACKAGES}/{which}/cloister_*.deb")
    return path


def install(which):
    """As an administrator would; the machine has no network."""
    return done(
        "apt-get", "install", "--yes", "--no-install-recommends", package(which),
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )  # fmt: skip


def is_active(unit):
    return run("systemctl", "is-active", unit).stdout.strip()


def property_of(unit, name):
    return systemctl("show", f"--property={name}", "--value", unit)


def is_started_again(unit, before):
    return eventually(lambda: main_process(unit) not in (0, before) and is_active(unit) == "active", 3 * SECONDS)


@contextlib.contextmanager
def drop_in(unit, text):
    path = f"/etc/systemd/system/{unit}.d/test.conf"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    try:
        systemctl("daemon-reload")
        systemctl("try-restart", unit)
        yield
    finally:
        os.remove(path)
        with contextlib.suppress(OSError):
            os.rmdir(os.path.dirname(path))
        systemctl("daemon-reload")
        systemctl("reset-failed", unit)
        systemctl("try-restart", unit)


def command_line(unit):
    """As it is in force, with what this machine lacks."""
    return re.search(r"argv\[\]=([^;]*) ;", property_of(unit, "ExecStart")).group(1)


@contextlib.contextmanager
def policy(name, text):
    """In force as soon as the daemon says so."""
    path = f"{POLICY}/{name}"
    with open(path, "w") as file:
        file.write(text)
    reload()
    try:
        yield
    finally:
        os.remove(path)
        reload()


def reload():
    """systemd 252 does not wait for the end of a reload; the daemon says it in its log."""
    if is_active("cloisterd.service") != "active":
        return
    mark = cursor()
    systemctl("reload", "cloisterd.service")
    assert eventually(lambda: any(entry["MESSAGE"] == "reloaded" for entry in journal(mark)), 2 * SECONDS)


def ping_on_the_bus(user):
    """Which starts the daemon, if anything does."""
    return run("busctl", "call", BUS_NAME, "/org/cloister/Cloister1", "org.freedesktop.DBus.Peer", "Ping",
               user=user, group=user, extra_groups=[])  # fmt: skip


def cursor():
    """A place in the journal."""
    done("journalctl", "--sync")
    return json.loads(done("journalctl", "--lines=1", "--output=json"))["__CURSOR"]


def journal(since=None, **fields):
    """Entries of our units, and what systemd says of them; or those with these fields. It is looked through here:
    journalctl 252 skips the first entry behind a cursor that would match."""
    done("journalctl", "--sync")
    words = [f"--after-cursor={since}"] if since else []
    entries = [json.loads(line) for line in done("journalctl", "--all", "--output=json", *words).splitlines()]
    if fields:
        return [entry for entry in entries if fields.items() <= entry.items()]
    units = {f"{unit}.service" for unit in UNITS}
    return [entry for entry in entries if units & {entry.get("_SYSTEMD_UNIT"), entry.get("UNIT")}]


def files():
    """Of the whole disk, but for what every installation of anything changes."""
    found = set()
    for top, directories, names in os.walk("/"):
        directories[:] = [name for name in directories if os.path.join(top, name) not in NOT_OURS]
        found.update(os.path.join(top, name) for name in directories + names)
    return {path for path in found if path.startswith("/run/cloister") or not path.startswith("/run/")}


NOT_OURS = {
    "/proc", "/sys", "/dev", "/tmp", "/opt", "/run/layer", "/run/results", "/run/tests", "/run/user", "/home",
    "/var/log", "/var/tmp", "/var/cache", "/var/lib/dpkg", "/var/lib/apt", "/var/lib/systemd/linger",
}  # fmt: skip


def wait_until(check, seconds=3 * SECONDS):
    assert eventually(check, seconds)


def timed(body):
    before = time.monotonic()
    body()
    return time.monotonic() - before
