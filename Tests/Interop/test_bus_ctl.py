"""cloisterctl without --root: on the system bus, with the same output as through a standalone daemon's socket."""

import json
import os
import subprocess

import pytest

from bus import NOBODY, until
from polkit import Polkit
from test_bus import OTHER, Asking

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts of its own, and clients of other users, need root")


@pytest.fixture
def asking(scene):
    asking = Asking(scene)
    yield asking
    asking.end()


def without_time(text):
    """What is left of a question's time, and how much was recorded, goes on between two looks."""
    lines = [each for each in text.splitlines() if "time left" not in each and not each.startswith("audit:")]
    said = "\n".join(lines)
    for word in '"seconds_left":', '"written":':
        head, found, tail = said.partition(word)
        said = head + found + tail.lstrip("0123456789")
    return said


def test_the_bus_says_what_the_control_socket_says(scene, asking):
    for words in ["status"], ["clients"], ["cells"], ["approvals"], ["grants"], ["modules"]:
        for form in [], ["--json"]:
            by_bus, by_socket = scene.ctl(*form, *words), scene.governed.ctl(*form, *words)
            assert without_time(by_bus) == without_time(by_socket), (form, words)
    said = scene.ctl("approve", "--session", str(asking.number))
    assert "allowed, as grant 1" in said and "TOOL system_info" in said
    assert asking.client.result(asking.call)[1] is False
    assert "system_info" in scene.ctl("grants") and scene.ctl("grants", "revoke", "1") == ""
    assert scene.ctl("grants") == ""
    asking.ask()
    assert "denied" in scene.ctl("deny", str(asking.number))
    assert scene.ctl("reload") == ""
    assert [(each["who"], each["act"]) for each in scene.governed.records("admin")] == [
        ("uid 0", "revoke"), ("uid 0", "reload"),
    ]  # fmt: skip


def test_an_ordinary_user_sees_what_is_theirs_and_is_told_what_is_not(scene, asking):
    assert f"question {asking.number}: system_info" in scene.ctl("approvals", user=NOBODY)
    assert scene.ctl("approvals", user=OTHER) == "" and scene.ctl("clients", user=OTHER) == ""
    said = scene.ctl("clients", "--all", user=OTHER, status=1)
    assert "no agent" in said and "org.cloister.Cloister1.view" in said
    assert "no agent" in scene.ctl("approve", str(asking.number), user=NOBODY, status=1)
    scene.polkit.rule("return polkit.Result.NO;")
    until(lambda: "not authorized" in scene.ctl("reload", user=OTHER, status=1), "polkit's rule")
    scene.polkit.rule("return polkit.Result.YES;")
    until(lambda: asking_is_seen(scene, asking), "polkit's rule")
    assert "allowed once" in scene.ctl("approve", str(asking.number), user=OTHER)
    assert asking.client.result(asking.call)[1] is False
    [consent] = scene.governed.records("consent")
    assert consent["consent"]["who"] == f"uid {OTHER}"


def asking_is_seen(scene, asking):
    return f"question {asking.number}:" in scene.ctl("approvals", "--all", user=OTHER, status=None)


def test_what_does_not_stand_is_said(scene):
    assert "question 7 does not stand" in scene.ctl("approve", "7", status=1)
    assert "there is no grant 7" in scene.ctl("grants", "revoke", "7", status=1)


def test_without_a_bus_or_a_daemon_it_is_said_what_helps(executable, tmp_path):
    def ctl(address, *words):
        environment = os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": address}
        run = subprocess.run(
            [executable("cloisterctl"), *words], env=environment, capture_output=True, text=True, timeout=60)
        assert run.returncode == 1 and run.stdout == ""
        return run.stderr

    said = ctl(f"unix:path={tmp_path}/nothing", "status")
    assert "the system bus cannot be reached" in said and "--root DIR" in said
    assert "socket of this machine" in ctl("tcp:host=localhost,port=1", "status")
    polkit = Polkit()
    try:
        said = ctl(polkit.address, "status")
        assert "cloisterd is not running" in said and "systemctl enable --now cloisterd.socket" in said
    finally:
        polkit.stop()


def test_json_of_the_bus_is_json(scene):
    assert json.loads(scene.ctl("--json", "status"))["ok"] is True
