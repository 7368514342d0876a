"""The groups themselves: nobody inside changes them, and none is left behind."""

import glob
import os
import pwd
import shutil
import signal
import subprocess

import pytest

from cells import Limits, plan
from clients import client
from machine import eventually, host_pid
from services import (
    GROUPS, SECONDS, Celld, Client, assert_no_cells, calls, group_of, group_of_cell, groups_of_cells, main_process,
    number, processes, read, try_to_write, uid,
)  # fmt: skip

LIMITS = ["memory.max", "memory.high", "memory.swap.max", "pids.max", "cpu.max", "cpu.weight", "io.weight"]


# MARK: Who changes them


def test_a_program_sees_its_own_group_and_no_file_of_it(celld):
    cell = celld.build(plan(may_lack=0))
    _, output, _ = cell.shell("cat /proc/self/cgroup /proc/1/cgroup; grep -c cgroup /proc/mounts; ls /sys")
    own, first, mounts, *_ = output.decode().splitlines()
    assert own.startswith("0::/programs/call-")
    assert first == "0::/init"
    assert mounts == "0"
    assert cell.shell("find / -name 'memory.max' -o -name cgroup.procs 2>/dev/null")[1] == b""
    cell.close()


def test_the_user_of_a_cell_cannot_change_its_limits_from_outside(anna):
    """Where there is a way to the files: they are the user's own groups, and their numbers are not."""
    anna.run("true")
    [group] = groups_of_cells()
    more = ["memory.oom.group", "cgroup.freeze", "cgroup.kill", "cgroup.max.depth", "cgroup.max.descendants"]
    for place in group, group + "/programs":
        for file in (file for file in LIMITS + more if os.path.exists(f"{place}/{file}")):
            before = read(f"{place}/{file}")
            assert try_to_write("anna", f"{place}/{file}", "1") == "EACCES", (place, file)
            assert read(f"{place}/{file}") == before
    assert try_to_write("anna", group + "/cgroup.subtree_control", "-memory") == "EACCES"
    # The same by somebody who may.
    assert try_to_write("root", f"{group}/pids.max", "1000") == ""
    assert read(f"{group}/pids.max") == b"1000\n"


def test_the_user_of_a_cell_cannot_take_a_process_out_of_it(anna):
    anna.call("start_process", argv=["sleep", "1000"])
    [group] = groups_of_cells()
    [call] = calls(group)
    [pid] = processes(call)
    own = "/sys/fs/cgroup/annas"
    os.mkdir(own)
    try:
        for path in (own, own + "/cgroup.procs"):
            os.chown(path, pwd.getpwnam("anna").pw_uid, -1)
        assert try_to_write("anna", own + "/cgroup.procs", pid) == "EACCES"
        assert group_of(pid) == call
        # And none of its own from outside into the cell.
        assert try_to_write("anna", call + "/cgroup.procs", "self") == "EACCES"
        # The same by somebody who may.
        assert try_to_write("root", own + "/cgroup.procs", "self") == ""
    finally:
        os.rmdir(own)


# MARK: How long they are there


def test_a_call_has_a_group_while_it_runs_and_none_afterwards(celld):
    cell = celld.build(plan(may_lack=0))
    group = group_of_cell(cell)
    first, second = (cell.start(["sleep", "300"]) for _ in range(2))
    assert eventually(lambda: len(calls(group)) == 2, SECONDS)
    running = calls(group)
    for path in running:
        assert read(path + "/memory.oom.group") == b"1\n"
    for call in (first, second):
        cell.cancel(call)
        cell.finish(call)
    assert eventually(lambda: not any(os.path.exists(path) for path in running), SECONDS), running
    cell.close()
    assert eventually(lambda: not os.path.exists(group), SECONDS)


def begin_work(session):
    session.call("start_process", command="sleep 1000 & setsid sleep 1000 & sleep 1000")
    [group] = [each for each in groups_of_cells() if uid(processes(each)[0]) == pwd.getpwnam("anna").pw_uid]
    # That it has begun is not yet that all of it runs.
    assert eventually(
        lambda: sum(read(f"/proc/{pid}/comm") == b"sleep\n" for pid in processes(group)) == 3, SECONDS)
    return group, set(processes(group))


def gone(group, pids):
    return not os.path.exists(group) and not any(os.path.exists(f"/proc/{pid}") for pid in pids)


def test_a_session_that_ends_leaves_no_group():
    with Client("anna") as session:
        group, pids = begin_work(session)
    assert eventually(lambda: gone(group, pids), SECONDS)


def test_a_bridge_that_is_killed_leaves_nothing_and_others_go_on():
    with Client("anna") as session, Client("ben") as other:
        other.run("true")
        group, pids = begin_work(session)
        session.bridge.kill()
        assert eventually(lambda: gone(group, pids), SECONDS)
        assert other.run("echo here").output == "here\n"
    assert_no_cells()


def killed(unit):
    before = main_process(unit)
    os.kill(before, signal.SIGKILL)
    assert eventually(lambda: main_process(unit) not in (0, before), SECONDS)


def test_a_celld_that_is_killed_leaves_nothing_and_is_started_again():
    with Client("anna") as session:
        group, pids = begin_work(session)
        killed("cloister-celld.service")
        assert eventually(lambda: gone(group, pids), SECONDS), (group, processes(group))
    with Client("anna") as session:
        assert session.run("echo here").output == "here\n"
    assert_no_cells()


def test_a_cloisterd_that_is_killed_leaves_cells_to_their_clients_and_nothing_to_anybody_else():
    with Client("anna") as session, Client("ben") as other:
        other.run("true")
        group, pids = begin_work(session)
        before = main_process("cloisterd.service")
        os.kill(before, signal.SIGKILL)
        other.bridge.kill()
        assert eventually(lambda: main_process("cloisterd.service") not in (0, before), SECONDS)
        assert eventually(lambda: groups_of_cells() == {group}, SECONDS), groups_of_cells()
        assert set(processes(group)) == pids
        assert session.run("echo here").output == "here\n"
    assert eventually(lambda: gone(group, pids), SECONDS), (group, processes(group))
    assert_no_cells()


def test_a_session_goes_on_with_a_new_cell_after_celld_was_killed(anna):
    anna.run("echo kept > file")
    os.kill(main_process("cloister-celld.service"), signal.SIGKILL)

    def again():
        answer = anna.run("cat file")
        return not answer.is_error and answer.output == "kept\n"

    assert eventually(again, SECONDS)


@pytest.mark.parametrize("depth", [0, 2, 5])
def test_what_an_earlier_celld_left_is_removed(depth):
    """Groups with processes, as deep as a cell's first process could make them."""
    celld = Celld()
    celld.knock()
    celld.stop()
    left = GROUPS + "/cell-777" + "/below" * depth
    os.makedirs(left)
    sleeper = subprocess.Popen(["sleep", "1000"])
    with open(left + "/cgroup.procs", "w") as file:
        file.write(str(sleeper.pid))
    before = main_process("cloister-celld.service")
    os.kill(before, signal.SIGKILL)
    assert eventually(lambda: main_process("cloister-celld.service") not in (0, before), SECONDS)
    assert eventually(lambda: not os.path.exists(GROUPS + "/cell-777"), SECONDS)
    assert sleeper.wait(SECONDS) < 0
    assert_no_cells()


def test_groups_that_a_cell_makes_of_its_own_are_few_and_go_with_it(celld):
    """A first process that has been taken over may make groups for calls, and nothing else."""
    person = pwd.getpwnam("anna")
    with client(person.pw_uid, person.pw_gid) as (far, _):
        cell = celld.build(plan(may_lack=0), client=far)
        group = group_of_cell(cell)
        made = f"cd {group}/programs; n=0; while [ $n -lt 500 ] && mkdir mine-$n; do n=$((n + 1)); done; mkdir mine-0/below"
        words = ["setpriv", "--reuid=anna", "--regid=anna", "--clear-groups", "sh", "-c", made + f"; mkdir {group}/beside"]
        tried = subprocess.run(words, capture_output=True, text=True)
        assert tried.stderr.count("Resource temporarily unavailable") == 2 and "Permission denied" in tried.stderr, tried
        assert 200 < len(glob.glob(group + "/programs/mine-*")) <= 256
        cell.close()
        assert eventually(lambda: not os.path.exists(group), SECONDS)


def test_a_hundred_sessions_leave_no_group():
    celld = Celld()
    for _ in range(100):
        cell = celld.build(plan(may_lack=0))
        cell.run("true")
        cell.close()
    celld.stop()
    assert_no_cells()
    assert len(glob.glob(GROUPS + "/*/")) <= 2


# MARK: Without our services


@pytest.fixture
def annas_daemon():
    """A standalone daemon of an ordinary user, with groups that are hers, as a desktop's terminal has them."""
    place, unit = "/run/annas", "annas-daemon"
    os.mkdir(place)
    shutil.chown(place, "anna", "anna")
    words = ["cloisterd", "--standalone", place, "--best-effort=cgroup", "--workspace=ephemeral"]
    properties = ["--uid=anna", "--gid=anna", "--property=Delegate=yes"]
    subprocess.run(["systemd-run", "--quiet", f"--unit={unit}", *properties, *words], check=True)
    try:
        assert eventually(lambda: os.path.exists(place + "/mcp.sock"), SECONDS)
        yield place + "/mcp.sock", f"/sys/fs/cgroup/system.slice/{unit}.service"
    finally:
        subprocess.run(["systemctl", "stop", f"{unit}.service"], check=True)
        shutil.rmtree(place)


def test_an_ordinary_users_own_daemon_ends_calls_by_their_groups(annas_daemon):
    """Her first process is in the group at which its view begins, for want of the privilege to be below it."""
    address, group = annas_daemon
    with Client("anna", "tests", "--socket", address) as session:
        assert session.run("cat /proc/self/cgroup").output.startswith("0::/programs/call-")
        session.call("start_process", command="(env -i setsid sleep 1000 &); sleep 1000")
        [call] = calls(group)
        assert eventually(lambda: len(processes(call)) >= 2, SECONDS), processes(call)
        pids = processes(call)
        session.call("stop_process", process=1)
        assert eventually(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), SECONDS)
