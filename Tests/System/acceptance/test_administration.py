"""What an administrator says, and when it counts."""

import json
import os

from administrator import (
    KNOWS_PEERS, POLICY, cursor, done, drop_in, is_active, journal, policy, reload, run, wait_until)
from services import main_process, systemctl

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


def found():
    """What the doctor has to say, but for what this machine is known to lack."""
    lacking = {"groups"} if os.environ.get("CLOISTER_LACKING") else set()
    findings = json.loads(run("cloisterctl", "--json", "doctor").stdout)["findings"]
    assert len(findings) > 10
    return {
        each["name"]: each for each in findings
        if each["state"] != "good" and each["name"] not in lacking | (set() if KNOWS_PEERS else {"kernel"})
    }  # fmt: skip


def test_the_doctor_finds_nothing_and_then_what_was_broken():
    assert found() == {}
    systemctl("mask", "--runtime", "cloister-celld.service")
    try:
        assert found()["unit cloister-celld"]["mend"] == "systemctl unmask cloister-celld.service"
    finally:
        systemctl("unmask", "--runtime", "cloister-celld.service")
    with drop_in("cloister-celld.service", "[Service]\nType=exec\nExecStart=\nExecStart=/bin/false\nRestart=no\n"):
        run("systemctl", "start", "cloister-celld.service")
        wait_until(lambda: is_active("cloister-celld.service") == "failed")
        assert "cloister-celld.service has failed" in found()["unit cloister-celld"]["says"]
    assert found() == {}
