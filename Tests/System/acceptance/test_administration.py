"""What an administrator says, and when it counts."""

import os

from administrator import POLICY, cursor, done, journal, policy, reload, run
from services import main_process

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
