"""Who calls on the bus, as policy, administrators and records have it: by the kernel's word, as over the socket."""

import contextlib
import os
import sys
from pathlib import Path

import pytest

from bus import CLIENT, MCP, NAME, NOBODY, ROOT, BusScene, error, until
from governed import Client, Governed, rules
from newer_bus import NewerBus
from polkit import Application, Polkit, command_rule
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


@pytest.fixture
def newer(executable, tmp_path):
    """The daemon on a bus that gives descriptors and labels, and polkit, which allows commands as root."""
    scene = BusScene.__new__(BusScene)
    scene.polkit, scene.callers = Polkit(rule=command_rule("return polkit.Result.YES;")), []
    scene.bus = NewerBus(scene.polkit.address, scene.polkit.directory)
    scene.governed = Governed(
        scene.polkit.beside(executable, tmp_path, "cloisterd"), "--bus", "yes",
        environment={"DBUS_SYSTEM_BUS_ADDRESS": scene.bus.address},
    )  # fmt: skip
    os.chmod(scene.governed.directory, 0o755)
    scene.wait_for_name()
    yield scene
    scene.stop()
    scene.bus.close()


def run_as_root(caller):
    is_error, result = tool(caller, "run_system_command", {"argv": ["id", "-u"], "as_root": True})
    return is_error, result["content"][0]["text"]


ROOTS = rules("allow: CODE_EXECUTION_SUDO, argv: [id, '-u']")


def test_a_bus_that_gives_a_descriptor_says_for_certain_who_calls(newer):
    newer.governed.policy(ROOTS)
    newer.governed.eventually(lambda: newer.governed.generation() == 2)
    is_error, text = run_as_root(newer.caller(NOBODY))
    assert not is_error and text.startswith("0\n"), text
    # cloisterd asked once, and celld twice.
    assert newer.bus.answered == 3


def test_a_bus_that_gives_none_does_not(scene):
    scene.governed.policy(ROOTS)
    scene.governed.eventually(lambda: scene.governed.generation() == 2)
    is_error, text = run_as_root(scene.caller(NOBODY))
    assert is_error and "it cannot be said for certain which process" in text


def test_policy_knows_the_label_that_the_bus_gives(newer):
    newer.governed.policy(deny("{label: relayed_t}"))
    newer.governed.eventually(lambda: newer.governed.generation() == 2)
    caller = newer.caller(NOBODY)
    assert error(tool, caller, "system_info")[0] == f"{NAME}.Error.Protocol"
    newer.governed.policy(deny("{label: another_t}"))
    newer.governed.eventually(lambda: newer.governed.generation() == 3)
    assert tool(caller, "system_info")[0] is False
    opened = [each["client"] for each in newer.governed.records("session") if each["client"]["pid"] == caller.pid]
    assert opened[0]["label"] == "relayed_t"
