"""What an administrator does to it, and what may happen to a service."""

import os
import signal

import pytest

from administrator import (
    POLICY, command_line, cursor, done, drop_in, is_active, is_started_again, journal, policy, property_of, reload, run,
    wait_until,
)  # fmt: skip
from services import Client, main_process, systemctl

NO_PROGRAMS = """
clients:
  - name: none
    rules:
      - deny: CODE_EXECUTION
        reason: the acceptance suite says so
"""


def test_a_policy_is_checked_before_it_counts(tmp_path):
    file = tmp_path / "wrong.yaml"
    file.write_text("clients:\n  - name: x\n    rules:\n      - alow: TOOL\n")
    wrong = run("cloisterctl", "policy", "check", str(file))
    assert wrong.returncode == 1 and "wrong.yaml:4" in wrong.stdout + wrong.stderr
    file.write_text(NO_PROGRAMS)
    done("cloisterctl", "policy", "check", str(file))


def test_a_reload_is_for_sessions_that_are_open(anna):
    before = main_process("cloisterd.service")
    assert anna.run("echo here").output == "here\n"
    with policy("50-none.yaml", NO_PROGRAMS):
        refused = anna.run("echo here")
        assert refused.is_error and "the acceptance suite says so" in refused.text
    assert anna.run("echo here").output == "here\n"
    assert main_process("cloisterd.service") == before


def test_a_policy_that_is_wrong_changes_nothing(anna):
    with open(f"{POLICY}/60-wrong.yaml", "w") as file:
        file.write("clients: 7\n")
    try:
        mark = cursor()
        reload()
        assert anna.run("echo here").output == "here\n"
        assert any("60-wrong.yaml" in str(entry.get("MESSAGE")) for entry in journal(mark))
    finally:
        os.remove(f"{POLICY}/60-wrong.yaml")
        reload()


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


@pytest.mark.parametrize("unit", ["cloisterd.service", "cloister-celld.service"])
def test_a_service_that_is_killed_comes_back(unit):
    with Client("anna") as anna:
        anna.run("echo kept > kept")
        before = main_process(unit)
        os.kill(before, signal.SIGKILL)
        assert is_started_again(unit, before)
    with Client("anna") as anna:
        assert anna.run("cat kept").output == "kept\n"


def test_the_first_process_of_a_cell_that_is_killed_costs_one_call_and_no_file(anna):
    anna.run("echo kept > kept")
    cells = [line.split() for line in done("ps", "-o", "pid=,user=,args=", "-C", "cloister-cell").splitlines()]
    mine = sorted(int(words[0]) for words in cells if words[1] == "anna")
    assert mine, cells
    os.kill(mine[0], signal.SIGKILL)
    wait_until(lambda: not anna.run("true").is_error)
    assert anna.run("cat kept").output == "kept\n"


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


def test_a_second_daemon_finds_nothing_to_serve():
    second = run("cloisterd")
    assert second.returncode == 1 and "systemctl enable --now cloisterd.socket" in second.stderr


def test_without_celld_clients_are_told_what_to_start(anna):
    systemctl("stop", "cloister-celld.socket", "cloister-celld.service")
    try:
        answer = anna.run("true")
        assert answer.is_error and "cloister-celld.socket" in answer.text
    finally:
        systemctl("start", "cloister-celld.socket")
    assert not anna.run("true").is_error


def test_nothing_was_lost_on_the_way():
    """No process of ours was ended by a filter, and no unit has failed."""
    entries = journal()
    assert not [text for text in (str(entry["MESSAGE"]) for entry in entries) if "SYS" in text and "status=31" in text]
    assert systemctl("list-units", "--failed", "--no-legend", "cloister*") == ""
    assert entries
