"""A machine that is not as it should be: what runs in the wrong order or twice, has no room, or lacks the bus."""

import contextlib
import os

import pytest

from administrator import (
    BUS_NAME, SOCKETS, UNITS, cursor, done, is_active, journal, ping_on_the_bus, property_of, run, wait_until,
)  # fmt: skip
from services import Client, main_process, systemctl

SERVICES = [f"{unit}.service" for unit in UNITS]


def stop_all():
    systemctl("stop", *SOCKETS, *SERVICES)


@pytest.fixture
def stopped():
    """Nothing of ours runs; afterwards it is as an administrator has it."""
    stop_all()
    yield
    stop_all()
    systemctl("reset-failed")
    systemctl("start", *SOCKETS)


def assert_serves():
    with Client("anna") as anna:
        assert anna.run("echo here").output == "here\n"


@pytest.mark.parametrize(
    "order",
    [
        ["cloisterd.service"],
        ["cloister-celld.service", "cloisterd.service"],
        ["cloister-commands.service", "cloister-celld.service", "cloisterd.socket"],
        ["cloisterd.service", "cloister-commands.socket", "cloister-celld.service"],
    ],
    ids=" ".join,
)
def test_units_are_started_in_any_order(stopped, order):
    for unit in order:
        systemctl("start", unit)
    assert_serves()
    for unit in SOCKETS:
        assert is_active(unit) == "active"


def test_a_daemon_whose_sockets_are_taken_away_ends_and_leaves_none(stopped):
    systemctl("start", "cloisterd.service")
    systemctl("stop", "cloisterd.socket")
    wait_until(lambda: is_active("cloisterd.service") == "inactive")
    assert property_of("cloisterd.service", "Result") == "success"
    assert not os.path.exists(SOCKETS["cloisterd.socket"])


def test_a_second_daemon_finds_nothing_to_serve():
    second = run("cloisterd")
    assert second.returncode == 1 and "systemctl enable --now cloisterd.socket" in second.stderr


def test_a_second_daemon_with_a_socket_of_its_own_does_not_write_the_same_records(anna):
    first, path, mark = main_process("cloisterd.service"), "/run/second.sock", cursor()
    done("systemd-run", "--quiet", "--unit=second", f"--socket-property=ListenStream={path}", "--uid=cloister",
         "--property=Type=notify", "/usr/bin/cloisterd")  # fmt: skip
    try:
        run("setpriv", "--reuid=anna", "cloister-bridge", "--socket", path, input='{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
        wait_until(lambda: property_of("second.service", "Result") != "success")
        said = [str(entry["MESSAGE"]) for entry in journal(mark, _SYSTEMD_UNIT="second.service")]
        assert any("another cloisterd" in text and "/var/lib/cloister/audit" in text for text in said), said
    finally:
        run("systemctl", "stop", "second.socket", "second.service")
        run("systemctl", "reset-failed", "second.socket", "second.service")
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
    assert main_process("cloisterd.service") == first
    assert anna.run("echo here").output == "here\n"
    done("cloisterctl", "audit", "verify")


def test_without_celld_clients_are_told_what_to_start(anna):
    systemctl("stop", "cloister-celld.socket", "cloister-celld.service")
    try:
        answer = anna.run("true")
        assert answer.is_error and "cloister-celld.socket" in answer.text
    finally:
        systemctl("start", "cloister-celld.socket")
    assert not anna.run("true").is_error


# MARK: No room


@contextlib.contextmanager
def tiny(inodes):
    """Instead of the directory of the sockets; its own root is one of the inodes."""
    done("mount", "-t", "tmpfs", "-o", f"size=4k,nr_inodes={inodes},mode=755", "none", "/run/cloister")
    try:
        yield
    finally:
        stop_all()
        done("umount", "/run/cloister")


def test_a_directory_without_room_for_a_socket_is_said_to_be_that(stopped):
    mark = cursor()
    with tiny(1):
        assert run("systemctl", "start", "cloisterd.socket").returncode != 0
        said = [str(entry["MESSAGE"]) for entry in journal(mark, UNIT="cloisterd.socket")]
        assert any("/run/cloister/mcp.sock" in text and "No space left on device" in text for text in said), said
        refused = run("cloister-bridge", input='{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
        assert refused.returncode == 1 and "systemctl" in refused.stdout
    # As soon as there is room.
    systemctl("reset-failed")
    systemctl("start", "cloisterd.socket")
    assert_serves()


def test_a_directory_with_room_for_sockets_and_nothing_else_is_enough(stopped):
    with tiny(1 + len(SOCKETS)):
        systemctl("start", *SOCKETS)
        with pytest.raises(OSError, match="No space left"):
            open("/run/cloister/more", "w")
        assert_serves()
        systemctl("restart", "cloisterd.service")
        assert_serves()


# MARK: The bus


def owns_its_name():
    """Asked of the bus, which starts nobody for it."""
    asked = run("busctl", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameHasOwner",
                "s", BUS_NAME)  # fmt: skip
    return asked.stdout == "b true\n"


@pytest.fixture
def without_bus(stopped):
    systemctl("stop", "dbus.socket", "dbus.service")
    yield
    systemctl("start", "dbus.socket", "dbus.service")
    # Who had names on the old one.
    systemctl("restart", "systemd-logind.service", "polkit.service")


def test_without_a_bus_it_serves_and_comes_to_the_bus_when_there_is_one(without_bus):
    assert run("busctl", "list").returncode != 0
    systemctl("start", "cloisterd.socket")
    with Client("anna") as anna:
        assert anna.run("echo here").output == "here\n"
        daemon = main_process("cloisterd.service")
        systemctl("start", "dbus.socket", "dbus.service")
        wait_until(owns_its_name)
        assert "anna" in done("cloisterctl", "clients")
        # And again, when the bus was restarted under it.
        systemctl("restart", "dbus.service")
        wait_until(owns_its_name)
        assert anna.run("echo here").output == "here\n"
        assert main_process("cloisterd.service") == daemon


def test_the_bus_starts_the_daemon_for_whoever_calls_it(stopped):
    systemctl("start", *SOCKETS)
    assert not owns_its_name() and is_active("cloisterd.service") == "inactive"
    called = ping_on_the_bus("ben")
    assert called.returncode == 0, called.stderr
    assert owns_its_name() and is_active("cloisterd.service") == "active"
    assert_serves()
