"""A newer package on a machine that is in use: what people wrote and what is on record stays."""

import json
import os
import shutil
import subprocess
import tempfile

import pytest

from administrator import KNOWS_PEERS, POLICY, done, install, is_active, property_of, run, wait_until
from services import Client, main_process

ASK = """
clients:
  - name: asked
    match: {user: anna}
    rules:
      - ask: CODE_EXECUTION
        programs: [uptime]
        reason: the acceptance suite asks
"""
GRANTS = "/var/lib/cloister/grants/grants.json"


def granted():
    """A grant as a daemon writes it: a standalone one, with the same policy, and an answer of root's."""
    directory = tempfile.mkdtemp(prefix="grant.", dir="/var/tmp")
    os.chmod(directory, 0o755)
    os.mkdir(f"{directory}/policy.d")
    with open(f"{directory}/policy.d/50-ask.yaml", "w") as file:
        file.write(ASK)
    daemon = subprocess.Popen(["cloisterd", "--standalone", directory, "--best-effort", "cgroup,workspace"])
    try:
        wait_until(lambda: os.path.exists(f"{directory}/mcp.sock"))
        with Client("anna", "tests", "--socket", f"{directory}/mcp.sock") as anna:
            call = anna.start("run_command", argv=["uptime"])
            wait_until(lambda: "uptime" in run("cloisterctl", "--root", directory, "approvals").stdout)
            done("cloisterctl", "--root", directory, "approve", "--always", "1")
            assert not anna.wait(call).get("isError")
        with open(f"{directory}/grants/grants.json") as file:
            return file.read()
    finally:
        daemon.terminate()
        daemon.wait(30)
        shutil.rmtree(directory)


@pytest.fixture(scope="module")
def machine_in_use():
    """What is kept of it, besides records and workspaces. Nothing is granted for longer to a program that the kernel
    does not know for certain."""
    with open(f"{POLICY}/50-ask.yaml", "w") as file:
        file.write(ASK)
    if not KNOWS_PEERS:
        return [f"{POLICY}/50-ask.yaml"]
    grants = granted()
    done("systemctl", "stop", "cloisterd.service")
    done("install", "-o", "cloister", "-g", "cloister", "-m", "600", "/dev/stdin", GRANTS, input=grants)
    return [f"{POLICY}/50-ask.yaml", GRANTS]


def verified():
    """How many records the chain has."""
    return json.loads(done("cloisterctl", "--json", "audit", "verify"))


def uses_what_is_kept():
    with Client("anna") as anna:
        if KNOWS_PEERS:
            assert not anna.call("run_command", argv=["uptime"]).is_error
        return anna.run("cat kept").output


def test_an_upgrade_keeps_policy_grants_records_and_workspaces(machine_in_use):
    with Client("anna") as anna:
        anna.run("echo kept > kept")
    assert uses_what_is_kept() == "kept\n"
    before = verified()
    version = done("dpkg-query", "--show", "--showformat=${Version}", "cloister")
    process, opened = main_process("cloisterd.service"), property_of("cloisterd.socket", "ActiveEnterTimestampMonotonic")
    kept = {path: open(path).read() for path in machine_in_use}
    celld = main_process("cloister-celld.service")

    # Two who work meanwhile: one with a call under way, one with what only a cell that stands has.
    with Client("anna") as anna, Client("ben") as ben:
        assert ben.run("echo mine > /tmp/only-here").is_error is False
        call = anna.start("run_command", command="sleep 5; echo done")
        install("second")
        wait_until(lambda: is_active("cloisterd.service") == "active" and main_process("cloisterd.service") != process)
        assert anna.wait(call)["structuredContent"]["stdout"] == "done\n"
        assert ben.run("cat /tmp/only-here").output == "mine\n"
        assert main_process("cloister-celld.service") == celld, "cells end with the celld that has built them"
    # With the last of them it ends, and the next cell is built by the new one.
    wait_until(lambda: main_process("cloister-celld.service") != celld)

    newer = done("dpkg-query", "--show", "--showformat=${Version}", "cloister")
    done("dpkg", "--compare-versions", newer, "gt", version)
    assert property_of("cloisterd.socket", "ActiveEnterTimestampMonotonic") == opened, "nobody was turned away"
    assert {path: open(path).read() for path in kept} == kept
    assert uses_what_is_kept() == "kept\n"
    after = verified()
    assert after["records"] > before["records"], (before, after)
    assert done("cloisterctl", "audit", "--kind", "start", "--lines", "2").count("start") >= 2


def test_a_conffile_of_the_administrators_is_never_asked_about():
    assert done("dpkg-query", "--show", "--showformat=${Conffiles}", "cloister").strip() == ""


def test_a_removal_stops_everything_and_keeps_what_people_have():
    run("rm", "-rf", f"{POLICY}/50-ask.yaml")
    with open(f"{POLICY}/70-kept.yaml", "w") as file:
        file.write("clients: []\n")
    with Client("anna") as anna:
        anna.run("true")
        done("apt-get", "remove", "--yes", "cloister")
        wait_until(lambda: anna.bridge.poll() is not None)
    assert run("pgrep", "-f", "cloister(d|-celld|-cell)").returncode == 1
    assert not os.path.exists("/run/cloister/mcp.sock")
    assert os.path.exists(f"{POLICY}/70-kept.yaml") and os.path.exists("/var/lib/cloister/audit")
    install("second")
    # What was enabled is so again, and an administrator starts it.
    done("systemctl", "start", "cloisterd.socket")
    with Client("anna") as anna:
        assert anna.run("cat kept").output == "kept\n"
    assert verified()["records"] > 0
