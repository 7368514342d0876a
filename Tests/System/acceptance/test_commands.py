"""Commands on the host: as the user, and as root what polkit allows. They see the machine, not a unit's view of it."""

import json
import os
import re
import signal
import stat
import subprocess

import pytest

from administrator import KNOWS_PEERS, done, is_active, policy, run, wait_until
from services import Answer, Client, systemctl

RULES = """
clients:
  - name: hands
    match: {user: anna}
    rules:
      - allow: SYSTEM_COMMAND
        argv: ["*", "**"]
      - allow: CODE_EXECUTION_SUDO
        argv: ["*", "**"]
"""
TOO_OLD = "Linux 6.5 or newer"


@pytest.fixture(scope="module")
def hands():
    with policy("50-hands.yaml", RULES), Client("anna") as client:
        yield client


def command(client, *words, **arguments):
    return client.call("run_system_command", argv=list(words), **arguments)


def test_who_has_no_rule_has_no_commands(ben):
    assert "run_system_command" not in [tool["name"] for tool in ben.request("tools/list", {})["tools"]]


def test_a_command_of_the_user_sees_the_machine_as_it_is(hands):
    assert command(hands, "id", "-un").output == "anna\n"
    for path in "/tmp", "/usr", "/etc", "/proc", "/dev":
        about = os.stat(path)
        assert command(hands, "stat", "-c", "%d:%i", path).output == f"{about.st_dev}:{about.st_ino}\n"
    with open("/tmp/seen", "w") as file:
        file.write("yes\n")
    assert command(hands, "cat", "/tmp/seen").output == "yes\n"
    assert command(hands, "touch", "/usr/local/x").fields["exit_code"] == 1
    assert command(hands, "systemctl", "is-active", "cloisterd.socket").output == "active\n"


def test_who_runs_a_command_is_killed_and_the_command_ends_with_it(hands):
    call = hands.start("run_system_command", argv=["sh", "-c", "setsid sleep 4716 & sleep 4717"])
    wait_until(lambda: run("pgrep", "-f", "^sleep 471[67]$").stdout.count("\n") == 2)
    [runner] = done("pgrep", "-f", "-u", "anna", "cloister-cell command$").split()
    os.kill(int(runner), signal.SIGKILL)
    wait_until(lambda: run("pgrep", "-f", "^sleep 471[67]$").returncode == 1)
    assert Answer(hands.wait(call)).is_error
    assert command(hands, "id", "-un").output == "anna\n"


def test_nobody_is_root_without_polkit(hands):
    refused = command(hands, "id", "-u", as_root=True)
    assert refused.is_error and ("polkit" if KNOWS_PEERS else TOO_OLD) in refused.text


def is_beyond_this_kernel(client):
    """Then nothing runs as root, whatever polkit would say."""
    return not KNOWS_PEERS and TOO_OLD in command(client, "id", "-u", as_root=True).text


def test_as_root_a_command_is_what_polkits_rule_allows_and_no_other(hands, allowed):
    if is_beyond_this_kernel(hands):
        return
    wait_until(lambda: not command(hands, "id", "-u", as_root=True).is_error)
    assert command(hands, "id", "-u", as_root=True).output == "0\n"
    assert command(hands, "whoami", as_root=True).is_error


def test_polkit_is_asked_about_the_process_by_what_it_takes_for_certain(hands, allowed, tmp_path):
    """From version 124 on that is the descriptor that the kernel gave us; before, a number, whose process polkit compares
    with the time of its start."""
    if is_beyond_this_kernel(hands):
        return
    words = ["busctl", "--json=short", "monitor", "--match=interface='org.freedesktop.PolicyKit1.Authority'"]
    with open(tmp_path / "messages", "w+") as heard, subprocess.Popen(words, stdout=heard) as monitor:
        try:
            # It hears nothing before it is a monitor, and does not say when it is.
            wait_until(lambda: not command(hands, "id", "-u", as_root=True).is_error and os.fstat(heard.fileno()).st_size)
        finally:
            monitor.terminate()
            monitor.wait()
        heard.seek(0)
        messages = [json.loads(line) for line in heard if line.endswith("\n")]
        questions = [each for each in messages if each.get("member") == "CheckAuthorization"]
    [kind, about], action, *_ = questions[0]["payload"]["data"]
    version = re.search(r'"(\d+)', done(
        "busctl", "get-property", "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",
        "org.freedesktop.PolicyKit1.Authority", "BackendVersion")).group(1)  # fmt: skip
    assert (kind, action) == ("unix-process", "org.cloister.Cloister1.code-execution-sudo")
    assert set(about) == ({"pidfd", "uid"} if int(version) >= 124 else {"pid", "start-time", "uid"}), about


def test_as_root_a_command_can_do_what_root_can(hands, allowed):
    """What the unit of celld would take away: writing to /usr, set-uid files, capabilities, mounts that stay."""
    if is_beyond_this_kernel(hands):
        return
    wait_until(lambda: not command(hands, "id", "-u", as_root=True).is_error)
    assert not command(hands, "install", "-m", "4755", "/bin/true", "/usr/local/bin/acceptance", as_root=True).is_error
    assert os.stat("/usr/local/bin/acceptance").st_mode & stat.S_ISUID
    assert not command(hands, "rm", "/usr/local/bin/acceptance", as_root=True).is_error
    ours = done("grep", "CapBnd", "/proc/self/status")
    assert command(hands, "grep", "CapBnd", "/proc/self/status", as_root=True).output == ours
    os.makedirs("/mnt/acceptance", exist_ok=True)
    assert command(hands, "mount", "-t", "tmpfs", "none", "/mnt/acceptance", as_root=True).fields["exit_code"] == 0
    assert os.path.ismount("/mnt/acceptance")
    done("umount", "/mnt/acceptance")
    os.rmdir("/mnt/acceptance")


def test_sudo_gives_nothing(hands):
    """Set-uid programs are no way around polkit."""
    tried = command(hands, "sudo", "-n", "id", "-u")
    assert tried.fields["exit_code"] != 0 and "0" != (tried.output or "").strip()


def test_who_masks_the_socket_has_no_commands(hands):
    systemctl("mask", "--now", "cloister-commands.socket", "cloister-commands.service")
    try:
        answer = command(hands, "id")
        assert answer.is_error and "cloister-commands.socket" in answer.text
        assert not hands.run("true").is_error
    finally:
        systemctl("unmask", "cloister-commands.socket", "cloister-commands.service")
        systemctl("start", "cloister-commands.socket")
    assert command(hands, "id", "-un").output == "anna\n"


def test_the_service_of_commands_is_killed_and_comes_back(hands):
    pid = hands.start("run_system_command", argv=["sleep", "4712"])
    wait_until(lambda: run("pgrep", "-f", "/sleep 4712$").returncode == 0)
    systemctl("kill", "--signal=KILL", "--kill-whom=main", "cloister-commands.service")
    assert hands.wait(pid).get("isError")
    wait_until(lambda: run("pgrep", "-f", "/sleep 4712$").returncode == 1)
    wait_until(lambda: is_active("cloister-commands.service") == "active")
    assert command(hands, "id", "-un").output == "anna\n"
