"""What may happen to a service: it is stopped, killed, hangs, or has nothing to do. What clients notice of it."""

import os
import signal

import pytest

from administrator import (
    command_line, cursor, done, drop_in, is_active, is_started_again, journal, property_of, run, wait_until,
)  # fmt: skip
from services import Client, main_process, systemctl


def test_stop_and_start():
    with Client("anna") as anna:
        anna.run("true")
        systemctl("stop", "cloisterd.socket", "cloisterd.service")
        wait_until(lambda: anna.bridge.poll() is not None)
    assert is_active("cloisterd.service") == "inactive"
    refused = run("cloister-bridge", input='{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
    assert "systemctl" in refused.stdout and refused.returncode == 1
    systemctl("start", "cloisterd.socket")
    with Client("anna") as anna:
        assert anna.run("echo back").output == "back\n"


@pytest.mark.parametrize("unit", ["cloisterd.service", "cloister-celld.service", "cloister-commands.service"])
def test_a_service_that_is_killed_comes_back(unit):
    systemctl("start", unit)
    with Client("anna") as anna:
        anna.run("echo kept > kept")
        before = main_process(unit)
        os.kill(before, signal.SIGKILL)
        assert is_started_again(unit, before)
    with Client("anna") as anna:
        assert anna.run("cat kept").output == "kept\n"


@pytest.mark.parametrize("place", [0, 1], ids=["first process", "starter"])
def test_a_process_of_a_cell_that_is_killed_costs_one_call_and_no_file(anna, place):
    anna.run("echo kept > kept")
    cells = [line.split() for line in done("ps", "-o", "pid=,user=,args=", "-C", "cloister-cell").splitlines()]
    mine = sorted(int(words[0]) for words in cells if words[1] == "anna")
    assert len(mine) == 2, cells
    os.kill(mine[place], signal.SIGKILL)
    wait_until(lambda: not anna.run("true").is_error)
    assert anna.run("cat kept").output == "kept\n"


def test_a_bridge_that_is_killed_takes_its_programs_with_it_and_nobody_elses(anna, ben):
    for client, seconds in (anna, 4713), (ben, 4714):
        assert not client.call("start_process", argv=["sleep", str(seconds)]).is_error
    assert run("pgrep", "-f", "^sleep 471[34]$").stdout.count("\n") == 2
    anna.bridge.kill()
    wait_until(lambda: run("pgrep", "-f", "^sleep 4713$").returncode == 1)
    assert run("pgrep", "-f", "^sleep 4714$").returncode == 0
    assert ben.run("echo here").output == "here\n"


def test_a_daemon_that_hangs_is_ended_by_the_watchdog_and_comes_back():
    mark = cursor()
    with drop_in("cloisterd.service", "[Service]\nWatchdogSec=3s\n"):
        with Client("anna") as anna:
            anna.ping()
        before = main_process("cloisterd.service")
        os.kill(before, signal.SIGSTOP)
        assert is_started_again("cloisterd.service", before)
        said = [entry["MESSAGE"] for entry in journal(mark)]
        assert any("Watchdog timeout" in str(text) for text in said), said
        # The same daemon lives when it does not hang.
        before = main_process("cloisterd.service")
        with Client("anna") as anna:
            anna.run("sleep 5")
        assert main_process("cloisterd.service") == before
    done("cloisterctl", "audit", "verify")


@pytest.mark.parametrize("unit", ["cloister-celld.service", "cloister-commands.service"])
def test_a_celld_that_hangs_is_ended_by_the_watchdog_and_comes_back(unit):
    mark = cursor()
    with drop_in(unit, "[Service]\nWatchdogSec=3s\n"):
        systemctl("start", unit)
        before = main_process(unit)
        # It lives when it does not hang, with nothing to do and with something.
        with Client("anna") as anna:
            anna.run("sleep 5")
        assert main_process(unit) == before
        os.kill(before, signal.SIGSTOP)
        assert is_started_again(unit, before)
        said = [str(entry["MESSAGE"]) for entry in journal(mark)]
        assert any(text.startswith(f"{unit}: Watchdog timeout") for text in said), said
        with Client("anna") as anna:
            assert anna.run("echo back").output == "back\n"


def test_systemd_says_what_celld_has():
    unit = "cloister-celld.service"
    wait_until(lambda: property_of(unit, "StatusText") == "0 cells")
    with Client("anna") as anna, Client("ben") as ben:
        anna.run("true")
        wait_until(lambda: property_of(unit, "StatusText") == "1 cell")
        ben.run("true")
        wait_until(lambda: property_of(unit, "StatusText") == "2 cells")
    wait_until(lambda: property_of(unit, "StatusText") == "0 cells")


def test_a_client_stays_through_a_dozen_crashes_in_a_row(anna):
    """As many as a client may cause: systemd's usual limit of five would end them all."""
    unit = "cloisterd.service"
    anna.run("echo mine >/tmp/only-in-this-cell")
    for _ in range(12):
        before = main_process(unit)
        os.kill(before, signal.SIGKILL)
        assert is_started_again(unit, before)
    assert anna.run("cat /tmp/only-in-this-cell").output == "mine\n"


def test_nobody_is_there_and_the_daemon_ends_and_comes_back():
    line = command_line("cloisterd.service")
    with drop_in("cloisterd.service", f"[Service]\nExecStart=\nExecStart={line} --idle-timeout 1\n"):
        with Client("anna") as anna:
            anna.run("echo kept > kept")
            # As long as somebody is connected it stays.
            anna.run("sleep 2")
            assert is_active("cloisterd.service") == "active"
        wait_until(lambda: is_active("cloisterd.service") == "inactive")
        assert property_of("cloisterd.service", "Result") == "success"
        assert is_active("cloisterd.socket") == "active"
        with Client("anna") as anna:
            assert anna.run("cat kept").output == "kept\n"
