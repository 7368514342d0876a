"""From a machine that has never heard of it to the first answer."""

import grp
import os
import pwd
import re
import stat

import pytest

from administrator import BEFORE, SOCKETS, UNITS, done, files, install, is_active, ping_on_the_bus, property_of, run, timed, wait_until
from services import Client, systemctl

PROGRAMS = ["/usr/bin/cloisterd", "/usr/bin/cloisterctl", "/usr/bin/cloister-bridge"]
HELPERS = [
    "/usr/libexec/cloister/" + name for name in ("cloister-celld", "cloister-cell", "cloister-busid", "cloister-authorize")]


def test_before_there_is_nothing():
    assert run("getent", "passwd", "cloister").returncode == 2
    assert not any(os.path.exists(path) for path in [*PROGRAMS, *HELPERS, "/run/cloister", "/etc/cloister"])
    with open(BEFORE, "w") as file:
        file.write("\n".join(sorted(files())))


def test_it_installs_and_starts_nothing():
    install("first")
    assert done("dpkg-query", "--show", "--showformat=${db:Status-Abbrev}", "cloister").strip() == "ii"
    assert done("dpkg", "--verify", "cloister") == ""
    for unit in [*SOCKETS, *(f"{unit}.service" for unit in UNITS)]:
        assert is_active(unit) == "inactive"
    assert run("systemctl", "is-enabled", "cloisterd.socket").stdout.strip() == "disabled"
    assert run("systemctl", "--global", "is-enabled", "cloisterd.socket").stdout.strip() == "disabled"


def test_its_users_can_do_nothing_else():
    for name in "cloister", "cloister-cell":
        person = pwd.getpwnam(name)
        assert 0 < person.pw_uid < 1000 and person.pw_shell.endswith("/nologin")
        assert [group.gr_name for group in grp.getgrall() if name in group.gr_mem] == []


def test_policy_is_the_administrators_to_write():
    assert os.listdir("/etc/cloister/policy.d") == []
    for path in "/etc/cloister", "/etc/cloister/policy.d", "/usr/lib/cloister/policy.d", "/run/cloister", "/var/lib/cloister":
        about = os.stat(path)
        assert (about.st_uid, stat.S_IMODE(about.st_mode)) == (0, 0o755), path
    assert "10-default.yaml" in os.listdir("/usr/lib/cloister/policy.d")
    done("cloisterctl", "policy", "check")


@pytest.mark.parametrize("program", [*PROGRAMS, *HELPERS])
def test_a_program_needs_nothing_that_the_package_does_not_bring(program):
    libraries = run("ldd", program)
    assert "not found" not in libraries.stdout and "swift" not in libraries.stdout.lower(), libraries.stdout
    if program in ("/usr/libexec/cloister/cloister-cell", "/usr/bin/cloister-bridge"):
        assert "not a dynamic executable" in libraries.stdout + libraries.stderr
    else:
        assert "libc.so.6" in libraries.stdout


@pytest.mark.parametrize("program", [*PROGRAMS, HELPERS[0]])
def test_a_program_is_of_the_packages_version(program):
    assert done(program, "--version").split()[1] in done("dpkg-query", "--show", "--showformat=${Version}", "cloister")


def test_units_are_as_systemd_wants_them():
    units = [path for path in done("dpkg", "--listfiles", "cloister").split() if re.search(r"/system/.*\.(service|socket)$", path)]
    assert len(units) == 6
    checked = run("systemd-analyze", "verify", "--man=no", *units)
    assert checked.returncode == 0 and "cloister" not in checked.stderr, checked.stderr


@pytest.mark.parametrize(("unit", "most"), [("cloisterd.service", 15), ("cloister-celld.service", 45)])
def test_a_unit_leaves_no_more_open_than_it_must(unit, most):
    """In tenths. The unit that takes nothing away shows that the figure means something."""
    assert run("systemd-analyze", "security", f"--threshold={most}", unit).returncode == 0
    assert run("systemd-analyze", "security", f"--threshold={most}", "cloister-commands.service").returncode != 0


def test_its_messages_are_in_the_catalogue():
    assert "An application called" in done("journalctl", "--dump-catalog", "9ed1be54c70342ef8058b80af5ca9088")


def test_before_an_administrator_says_so_nobody_starts_it_by_the_bus():
    """Any user could, and with the daemon would come its socket, to which everybody can connect."""
    called = ping_on_the_bus("anna")
    assert called.returncode != 0 and "cloister" in called.stderr, called
    assert is_active("cloisterd.service") == is_active("cloisterd.socket") == "inactive"


def test_one_command_switches_it_on():
    systemctl("enable", "--now", "cloisterd.socket")
    for unit in SOCKETS:
        assert run("systemctl", "is-enabled", unit).stdout.strip() == "enabled"
    assert is_active("cloisterd.socket") == "active"
    assert is_active("cloisterd.service") == "inactive"


def test_the_first_connection_starts_the_daemon():
    def first():
        with Client("anna") as anna:
            anna.ping()

    print(f"first answer after {1000 * timed(first):.0f} ms")
    assert is_active("cloisterd.service") == "active"
    assert property_of("cloisterd.service", "User") == "cloister"
    wait_until(lambda: property_of("cloisterd.service", "StatusText").startswith("Serving"))


def test_sockets_are_whose_they_should_be():
    owner = pwd.getpwnam("cloister").pw_uid
    found = {unit: os.stat(path) for unit, path in SOCKETS.items()}
    seen = {unit: (about.st_uid, stat.S_IMODE(about.st_mode)) for unit, about in found.items()}
    assert seen == {
        "cloisterd.socket": (0, 0o666), "cloister-celld.socket": (owner, 0o600), "cloister-commands.socket": (owner, 0o600),
    }  # fmt: skip
    for path in "/run/cloister/celld.sock", "/run/cloister/commands.sock":
        tried = run("setpriv", "--reuid=anna", "--clear-groups", "python3", "-c", f"import socket\n"
                    f"socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect({path!r})")  # fmt: skip
        assert "PermissionError" in tried.stderr
