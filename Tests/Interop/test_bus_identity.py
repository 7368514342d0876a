"""Who calls on the bus, as policy, administrators and records have it: by the kernel's word, as over the socket."""

import contextlib
import os
import sys
from pathlib import Path

import pytest

from bus import CLIENT, MCP, NAME, NOBODY, ROOT, error, until
from governed import Client
from polkit import Application
from test_bus_mcp import tool

sys.path.append(os.path.join(os.path.dirname(__file__), "../Cells"))
from machine import unified_groups  # noqa: E402

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="control groups, and clients of other users, need root")

# Of a unit of the system, and of an application that a user's manager started.
BACKUP = "system.slice/backup.service"
NOTES = f"user.slice/user-{NOBODY}.slice/user@{NOBODY}.service/app.slice/app-gnome-notes-12.scope"


@contextlib.contextmanager
def group(path):
    """A control group as systemd would have made it, below one of ours."""
    top = Path(unified_groups()) / f"tests-{os.getpid()}.slice"
    place = top / path
    place.mkdir(parents=True)
    try:
        yield lambda pid: (place / "cgroup.procs").write_text(f"{pid}")
    finally:
        until(lambda: not (place / "cgroup.procs").read_text(), "the end of those in the group")
        while place != top.parent:
            place.rmdir()
            place = place.parent


def deny(match):
    return f"clients:\n  - name: test\n    match: {match}\n    rules: [{{deny: TOOL, tools: system_info}}]\n"


@pytest.mark.parametrize(
    ("path", "unit", "application"),
    [(BACKUP, "backup.service", ""), (NOTES, f"user@{NOBODY}.service", "notes")],
    ids=["a unit of the system", "an application"],
)
def test_the_unit_of_a_caller_is_that_of_its_process(scene, path, unit, application):
    key = f"application: {application}" if application else f"unit: {unit}"
    scene.governed.policy(deny(f"{{{key}}}"))
    scene.governed.eventually(lambda: scene.governed.generation() == 2)
    inside, outside, over_socket = scene.caller(NOBODY), scene.caller(NOBODY), Application(NOBODY)
    with group(path) as enter:
        try:
            for each in inside, over_socket:
                enter(each.pid)
            client = Client(scene.governed.daemon, connection=over_socket.connect(scene.governed.daemon))
            scene.governed.clients.append(client)
            # Where it works, and where it does not.
            assert tool(outside, "system_info")[0] is False
            assert error(tool, inside, "system_info")[0] == f"{NAME}.Error.Protocol"
            assert "system_info" not in inside.call(ROOT, MCP, "ListTools")[0]
            assert client.call("system_info")[1] is True
            found = {}
            for values in map(lambda each: each[CLIENT], scene.caller().objects().values()):
                key = "socket" if values["Transport"] == "socket" else values["PID"]
                found[key] = (values["Unit"], values["Application"])
            assert found["socket"] == found[inside.pid] == (unit, application)
            assert unit not in found[outside.pid]
            # So the records have it.
            opened = [each["client"] for each in scene.governed.records("session") if each["change"] == "opened"]
            units = {each["pid"]: each.get("unit") for each in opened}
            assert units[inside.pid] == units[over_socket.pid] == unit and units[outside.pid] != unit
        finally:
            inside.leave()
            over_socket.end()
            client.close()
            scene.governed.clients.clear()


def test_a_caller_without_a_label_is_of_none(scene):
    """As it is where no security module is loaded: nothing that is not known fits."""
    caller = scene.caller(NOBODY)
    if Path(f"/proc/{caller.pid}/attr/current").exists():
        with contextlib.suppress(OSError):
            pytest.skip(f"a security module is loaded: {Path(f'/proc/{caller.pid}/attr/current').read_text()}")
    scene.governed.policy(deny("{label: '*'}"))
    scene.governed.eventually(lambda: scene.governed.generation() == 2)
    assert tool(caller, "system_info")[0] is False
    [opened] = [each for each in scene.governed.records("session") if each["client"]["pid"] == caller.pid]
    assert "label" not in opened["client"]
