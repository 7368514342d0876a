"""MCP on the system's bus, as an ordinary user with busctl has it: the units' own limits are around whoever answers."""

import json

import pytest

from administrator import BUS_NAME, KNOWS_PEERS, done, policy, run, wait_until

ROOT = "/org/cloister/Cloister1"
RULES = """
clients:
  - name: hands on the bus
    match: {user: anna}
    rules:
      - allow: SYSTEM_COMMAND
        argv: [id, "**"]
      - allow: CODE_EXECUTION_SUDO
        argv: [id, "**"]
"""


def busctl(user, *words):
    return run(
        "setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "busctl", "--timeout=120", "--json=short", *words)


def call(user, tool, **arguments):
    said = busctl(
        user, "call", BUS_NAME, ROOT, f"{BUS_NAME}.MCP", "CallTool", "ssa{sv}", tool, json.dumps(arguments), "0")
    assert said.returncode == 0, said.stderr
    is_error, result = json.loads(said.stdout)["data"]
    return is_error, json.loads(result)


def test_a_tool_works_in_a_cell_of_whoever_calls():
    is_error, result = call("anna", "run_command", command="id -u; echo by the bus >> kept-by-the-bus")
    assert not is_error, result
    assert result["structuredContent"]["stdout"] == done("id", "-u", "anna")
    is_error, result = call("anna", "run_command", command="cat kept-by-the-bus; rm kept-by-the-bus")
    assert (is_error, result["structuredContent"]["stdout"]) == (False, "by the bus\n")
    is_error, result = call("ben", "run_command", command="ls kept-by-the-bus")
    assert is_error or result["structuredContent"]["exit_code"] != 0


def test_a_command_on_the_host_is_the_callers():
    """Of the celld that runs commands, which has to ask the bus itself."""
    with policy("50-bus.yaml", RULES):
        is_error, result = call("anna", "run_system_command", argv=["id", "-un"])
        assert not is_error, result
        assert result["structuredContent"]["stdout"] == "anna\n"
        assert busctl("ben", "call", BUS_NAME, ROOT, f"{BUS_NAME}.MCP", "CallTool", "ssa{sv}", "run_system_command",
                      json.dumps({"argv": ["id"]}), "0").returncode != 0


def as_root():
    is_error, result = call("anna", "run_system_command", argv=["id", "-u"], as_root=True)
    return result["content"][0]["text"] if is_error else result["structuredContent"]["stdout"]


@pytest.fixture
def bus_knows_processes():
    """From 1.16 on it has a descriptor of each process that is connected."""
    said = busctl("anna", "call", "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetConnectionCredentials", "s", BUS_NAME)
    assert "UnixUserID" in said.stdout, said
    return KNOWS_PEERS and "ProcessFD" in said.stdout


def test_nobody_is_root_by_the_bus_without_polkit(bus_knows_processes):
    with policy("50-bus.yaml", RULES):
        why = "polkit" if bus_knows_processes else "it cannot be said for certain which process"
        assert why in as_root()


def test_root_by_the_bus_is_who_the_bus_has_a_descriptor_of(bus_knows_processes, allowed):
    """Debian 12's has none, and then nobody is asked to allow it."""
    with policy("50-bus.yaml", RULES):
        if bus_knows_processes:
            wait_until(lambda: as_root() == "0\n")
        else:
            assert "it cannot be said for certain which process" in as_root()


def test_the_level_of_the_log_is_the_administrators():
    before = done("systemctl", "service-log-level", "cloisterd.service").strip()
    done("systemctl", "service-log-level", "cloisterd.service", "debug")
    try:
        assert done("systemctl", "service-log-level", "cloisterd.service").strip() == "debug"
    finally:
        done("systemctl", "service-log-level", "cloisterd.service", before)


def test_celld_had_nothing_to_complain_of():
    said = done("journalctl", "--unit=cloister-celld", "--unit=cloister-commands", "--unit=cloisterd", "--boot")
    assert "busid" not in said and "of the bus" not in said, said
