"""`via: polkit` on a machine with its own polkit, PAM and passwords: a person at a terminal is asked, and answers."""

import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
import termios
import time

import pytest

from administrator import KNOWS_PEERS, done, policy, wait_until
from services import SECONDS, Client

RULES = """
clients:
  - name: person
    match: {user: anna}
    rules:
      - ask: CODE_EXECUTION
        programs: [uptime]
        via: polkit
        reason: the acceptance suite wants to know
      - allow: CODE_EXECUTION_SUDO
        argv: ["id", "**"]
"""
PASSWORDS = {"anna": "annas-own", "root": "roots-own"}


@pytest.fixture(scope="module", autouse=True)
def asked():
    done("chpasswd", input="".join(f"{user}:{word}\n" for user, word in PASSWORDS.items()))
    with policy("50-person.yaml", RULES):
        yield
    done("passwd", "--delete", "anna")
    done("passwd", "--lock", "root")


class Person:
    """Somebody at a terminal, with polkit's agent for one process in it."""

    def __init__(self, process, user="anna"):
        self.terminal, theirs = os.openpty()
        words = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "pkttyagent", "--notify-fd=1"]
        self.agent = subprocess.Popen(
            [*words, f"--process={process}"], stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, cwd="/",
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(theirs)
        # Closed once it is registered, or has given up.
        self.agent.stdout.read()

    def reads(self, word):
        text, end = b"", time.monotonic() + 3 * SECONDS
        while word.encode() not in text:
            assert select.select([self.terminal], [], [], max(0, end - time.monotonic()))[0], text
            text += os.read(self.terminal, 4096)
        return text.decode()

    def is_asked_nothing(self):
        return not select.select([self.terminal], [], [], 1)[0]

    def types(self, word):
        # Whoever asks for a password throws away what was typed before, and then shows nothing of it.
        wait_until(lambda: not termios.tcgetattr(self.terminal)[3] & termios.ECHO)
        os.write(self.terminal, word.encode() + b"\n")

    def leaves(self):
        self.agent.send_signal(signal.SIGINT)
        self.agent.wait(SECONDS)

    def end(self):
        self.agent.kill()
        self.agent.wait()
        self.agent.stdout.close()
        os.close(self.terminal)


@contextlib.contextmanager
def person(client, user="anna"):
    someone = Person(client.bridge.pid, user)
    try:
        yield someone
    finally:
        someone.end()


def last_answer():
    """As it is on record: what was said, and by which way."""
    [record] = [json.loads(line) for line in done("cloisterctl", "--json", "audit", "--kind", "consent", "--lines", "1").splitlines()]
    return record["verdict"], record["consent"]["how"]


def test_a_person_who_proves_who_they_are_lets_the_call_go_on(anna):
    with person(anna) as somebody:
        call = anna.start("run_command", argv=["uptime"])
        shown = somebody.reads("Password: ")
        for part in (
            "AUTHENTICATING FOR org.cloister.Cloister1.code-execution", "wants to run uptime in its cell", "run_command",
            "the acceptance suite wants to know", "Authenticating as: anna",
        ):  # fmt: skip
            assert part in shown, shown
        # It waits, and others are served.
        assert anna.run("echo meanwhile").output == "meanwhile\n"
        assert call not in anna.answers
        somebody.types(PASSWORDS["anna"])
        somebody.reads("AUTHENTICATION COMPLETE")
        answer = anna.wait(call)
        assert not answer.get("isError") and "load average" in answer["structuredContent"]["stdout"]
        assert last_answer() == ("allow", "polkit")
        # For this call and no other.
        call = anna.start("run_command", argv=["uptime"])
        somebody.reads("Password: ")
        somebody.types(PASSWORDS["anna"])
        assert not anna.wait(call).get("isError")


@pytest.mark.parametrize("word", ["wrong", PASSWORDS["root"]], ids=["wrong", "somebody else's"])
def test_who_does_not_know_the_password_lets_nothing_go_on(anna, word):
    with person(anna) as somebody:
        call = anna.start("run_command", argv=["uptime"])
        somebody.reads("Password: ")
        somebody.types(word)
        somebody.reads("AUTHENTICATION FAILED")
        answer = anna.wait(call)
        assert answer.get("isError") and "load average" not in json.dumps(answer)
        assert last_answer()[0] == "deny"


def test_who_leaves_instead_of_answering_lets_nothing_go_on(anna):
    with person(anna) as somebody:
        call = anna.start("run_command", argv=["uptime"])
        somebody.reads("Password: ")
        somebody.leaves()
        assert anna.wait(call).get("isError")
        assert last_answer()[0] == "deny"


def test_where_nobody_can_be_asked_nothing_goes_on(anna):
    refused = anna.call("run_command", argv=["uptime"])
    assert refused.is_error and "polkit" in refused.text
    # The same client, as soon as somebody sits there.
    with person(anna) as somebody:
        call = anna.start("run_command", argv=["uptime"])
        somebody.reads("Password: ")
        somebody.types(PASSWORDS["anna"])
        assert not anna.wait(call).get("isError")


def test_nobody_answers_for_another_persons_application(anna):
    with person(anna, user="ben") as stranger:
        assert stranger.agent.wait(SECONDS) != 0
        assert anna.call("run_command", argv=["uptime"]).is_error


def test_nobody_is_asked_about_another_client_of_the_same_user(anna):
    with Client("anna", "another") as other, person(other) as somebody:
        assert anna.call("run_command", argv=["uptime"]).is_error
        assert somebody.is_asked_nothing()


def test_a_command_as_root_wants_an_administrators_password(anna):
    def asked_for(word):
        call = anna.start("run_system_command", argv=["id", "-u"], as_root=True)
        shown = somebody.reads("Password: ")
        assert "An AI application wants to run as root: /usr/bin/id -u" in shown
        somebody.types(word)
        return anna.wait(call)

    if not KNOWS_PEERS:
        assert "Linux 6.5" in anna.call("run_system_command", argv=["id", "-u"], as_root=True).text
        return
    with person(anna) as somebody:
        assert asked_for(PASSWORDS["anna"]).get("isError")
        somebody.reads("AUTHENTICATION FAILED")
        answer = asked_for(PASSWORDS["root"])
        assert not answer.get("isError") and answer["structuredContent"]["stdout"] == "0\n"
