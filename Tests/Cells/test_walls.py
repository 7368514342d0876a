"""Each wall, and each system call that builds one, fails: no cell then, and nothing of it is left; or, where
an administrator named that wall and the plan may lack it, a cell with exactly that gap."""

import os
import subprocess
import time

import pytest

from cells import ALL_WALLS, BINARIES, WALLS, Refusal, plan
from machine import descriptors, eventually, loop_devices

INDISPENSABLE = ["mountns", "pidns", "fileview"]
DISPENSABLE = [wall for wall in WALLS if wall not in INDISPENSABLE]
NATIVE = "cgroup"

# What fails inside the cell, with which number, and whose wall that is.
INSIDE = [
    ("mount", 1, "fileview"),
    ("open_tree", 38, "fileview"),
    ("open_tree /etc/ssl/certs", 13, "fileview"),
    ("mount_setattr", 38, "fileview"),
    ("mount_setattr /", 1, "fileview"),
    ("fsopen", 38, "fileview"),
    ("fsopen devpts", 19, "fileview"),
    ("fsconfig", 22, "fileview"),
    ("fsmount", 1, "fileview"),
    ("fsmount proc", 1, "fileview"),
    ("move_mount", 1, "fileview"),
    ("move_mount tmp", 1, "fileview"),
    ("symlinkat", 28, "fileview"),
    ("openat", 28, "fileview"),
    ("write etc/passwd", 28, "fileview"),
    ("fchdir", 13, "fileview"),
    ("pivot_root", 1, "fileview"),
    ("umount2", 16, "fileview"),
    ("chdir", 13, "fileview"),
    ("setsid", 1, "pidns"),
    ("socket", 97, "netns"),
    ("ioctl", 1, "netns"),
    ("sethostname", 1, "utsns"),
    ("keyctl", 38, "keyring"),
    ("keyctl", 122, "keyring"),
    ("unshare", 22, "timens"),
    ("write /proc/self/timens_offsets", 13, "timens"),
    ("open /dev/null", 6, "descriptors"),
    ("dup2", 24, "descriptors"),
    ("close_range", 38, "descriptors"),
    ("getrlimit", 1, "rlimits"),
    ("setrlimit", 1, "rlimits"),
    ("capset", 1, "capabilities"),
    ("capget", 1, "capabilities"),
    ("prctl PR_CAP_AMBIENT", 22, "capabilities"),
    ("prctl PR_CAPBSET_DROP", 1, "capabilities"),
    ("prctl PR_SET_SECUREBITS", 1, "capabilities"),
    ("prctl PR_SET_NO_NEW_PRIVS", 22, "nonewprivs"),
    ("prctl PR_SET_DUMPABLE 0", 22, "nonewprivs"),
    ("landlock_create_ruleset", 38, "landlock"),
    ("landlock_add_rule", 22, "landlock"),
    ("landlock_restrict_self", 95, "landlock"),
    ("seccomp", 22, "seccomp"),
]
DISPENSABLE_INSIDE = [row for row in INSIDE if row[2] in DISPENSABLE]
# The kernel takes these from a process without capabilities only once it has no_new_privs.
ON_TOP = {"nonewprivs": ["landlock", "seccomp"]}
# How a cell becomes its client's user, without which there is none whatever it may lack.
IDENTITY = [
    ("prctl PR_SET_KEEPCAPS", 1),
    ("setgroups", 1),
    ("setresgid 65534", 22),
    ("setresuid 65534", 11),
    ("prctl PR_SET_DUMPABLE 1", 22),
]
# What fails in celld itself.
OUTSIDE = [
    ("clone3", 28, "userns"),
    ("clone3", 11, "userns"),
    ("mkdir cgroup cell-1", 30, "cgroup"),
    ("mkdir cgroup init", 28, "cgroup"),
    ("fchown cgroup", 1, "cgroup"),
]
# What fails for a workspace that is to stay.
WORKSPACE = [
    ("open /dev/loop-control", 2),
    ("ioctl LOOP_CTL_GET_FREE", 28),
    ("fsopen ext4", 19),
    ("ftruncate", 27),
    ("rename", 28),
]
# No wall's fault: a limit, or nothing else that an administrator could lower.
NO_WALL_INSIDE = [("fork", 11), ("prctl PR_SET_PDEATHSIG", 22), ("socketpair", 24)]
NO_WALL_OUTSIDE = [("fcntl F_DUPFD", 24), ("socketpair", 24)]


def ids(table):
    return [f"{row[0]}={row[1]}" for row in table]


def refused(keeper, traces, encoded_plan=None):
    """A refusal that leaves nothing, and that leaves celld as it was."""
    keeper.knock()
    before = descriptors(keeper.process.pid)
    with pytest.raises(Refusal) as refusal:
        traces.watch(keeper.build(encoded_plan))
    traces.assert_no_cells()
    assert loop_devices(keeper.state) == []
    assert eventually(lambda: descriptors(keeper.process.pid) == before)
    assert keeper.process.poll() is None
    return refusal.value


def assert_says(refusal, wall, error):
    assert refusal.wall == wall
    assert os.strerror(error) in refusal.reason
    assert len(refusal.remedy) > 10


def test_a_cell_has_all_its_walls(started):
    """Or each of the refusals below could be another's."""
    with started() as (keeper, traces):
        cell = traces.watch(keeper.build())
        assert set(cell.gaps) == {NATIVE}
        assert cell.landlock > 0
        assert cell.shell("echo here")[1] == b"here\n"
        cell.close()


def test_a_cells_view_of_control_groups_begins_at_its_own(started):
    """It began at the first process' group, and under systemd no program could be started outside of that."""
    with started() as (keeper, traces):
        cell = traces.watch(keeper.build())
        own = [line for line in cell.run("cat", "/proc/self/cgroup")[1].decode().splitlines() if line.startswith("0::")]
        assert own[0].startswith("0::/programs/call-")
        cell.close()


@pytest.mark.parametrize(("call", "error", "wall"), INSIDE, ids=ids(INSIDE))
def test_a_system_call_that_fails_inside_ends_the_cell(started, call, error, wall):
    with started(inject_cells=f"{call}={error}") as (keeper, traces):
        assert_says(refused(keeper, traces), wall, error)


@pytest.mark.parametrize("best_effort", [NATIVE, ",".join(DISPENSABLE)])
@pytest.mark.parametrize(("call", "error"), IDENTITY, ids=ids(IDENTITY))
def test_a_cell_that_cannot_become_its_user_is_none(started, call, error, best_effort):
    with started(best_effort=best_effort, inject_cells=f"{call}={error}") as (keeper, traces):
        assert_says(refused(keeper, traces), "userns", error)


@pytest.mark.parametrize(("call", "error", "wall"), OUTSIDE, ids=ids(OUTSIDE))
def test_a_system_call_of_celld_that_fails_ends_the_cell(started, call, error, wall):
    lacking = "" if wall == NATIVE else NATIVE
    with started(best_effort=lacking, inject=f"{call}={error}") as (keeper, traces):
        assert refused(keeper, traces).wall == wall
    with started(inject=f"{call}={error}") as (keeper, traces):
        if wall == NATIVE:
            assert set(traces.watch(keeper.build()).gaps) == {NATIVE}
        else:
            assert_says(refused(keeper, traces), wall, error)


@pytest.mark.parametrize(("call", "error"), WORKSPACE, ids=ids(WORKSPACE))
def test_a_workspace_that_cannot_be_limited_ends_the_cell(started, call, error):
    with started(inject=f"{call}={error}") as (keeper, traces):
        assert_says(refused(keeper, traces, plan(ephemeral=False)), "workspace", error)


@pytest.mark.parametrize(("call", "error"), WORKSPACE, ids=ids(WORKSPACE))
def test_a_workspace_without_a_limit_is_a_gap_that_can_be_named(started, call, error):
    with started(best_effort="cgroup,workspace", inject=f"{call}={error}") as (keeper, traces):
        cell = traces.watch(keeper.build(plan(ephemeral=False)))
        assert set(cell.gaps) == {NATIVE, "workspace"}
        assert cell.shell("echo here >/workspace/file && cat /workspace/file")[1] == b"here\n"
        cell.close()


@pytest.mark.parametrize(("call", "error"), NO_WALL_INSIDE, ids=ids(NO_WALL_INSIDE))
def test_what_is_no_walls_fault_is_not_blamed_on_one(started, call, error):
    with started(inject_cells=f"{call}={error}") as (keeper, traces):
        assert_says(refused(keeper, traces), None, error)


def test_a_spare_that_could_not_begin_says_so_to_whoever_gets_it(started):
    with started(spares=1, inject_cells="prctl PR_SET_PDEATHSIG=22") as (keeper, _):
        time.sleep(0.2)
        with pytest.raises(Refusal) as refusal:
            keeper.build()
        assert_says(refusal.value, None, 22)


@pytest.mark.parametrize(("call", "error"), NO_WALL_OUTSIDE, ids=ids(NO_WALL_OUTSIDE))
def test_what_fails_in_celld_and_is_no_walls_fault_is_not_blamed_on_one(started, call, error):
    with started(inject=f"{call}={error}") as (keeper, traces):
        assert_says(refused(keeper, traces), None, error)


@pytest.mark.parametrize("wall", [wall for wall in WALLS if wall not in (NATIVE, "workspace")])
def test_each_wall_is_required(started, wall):
    injected = {"inject": f"wall:{wall}=1", "inject_cells": f"wall:{wall}=1"}
    with started(**injected) as (keeper, traces):
        assert_says(refused(keeper, traces), wall, 1)


@pytest.mark.parametrize("wall", DISPENSABLE)
def test_a_wall_that_was_named_is_the_only_gap(started, wall):
    injected = {"inject": f"wall:{wall}=1", "inject_cells": f"wall:{wall}=1"}
    missing = {NATIVE, wall, *ON_TOP.get(wall, [])}
    with started(best_effort=",".join(missing), **injected) as (keeper, traces):
        cell = traces.watch(keeper.build(plan(ephemeral=wall != "workspace")))
        assert set(cell.gaps) == missing
        if wall not in (NATIVE, "userns"):
            assert os.strerror(1) in cell.gaps[wall]
        assert cell.shell("id -u")[1] == b"65534\n"
        cell.close()


def test_a_wall_that_others_stand_on_cannot_be_lowered_alone(started):
    injected = {"inject_cells": "wall:nonewprivs=1"}
    for lacking in ("nonewprivs", "nonewprivs,landlock"):
        with started(best_effort=f"cgroup,{lacking}", **injected) as (keeper, traces):
            assert refused(keeper, traces).wall in ON_TOP["nonewprivs"]


@pytest.mark.parametrize(("call", "error", "wall"), DISPENSABLE_INSIDE, ids=ids(DISPENSABLE_INSIDE))
def test_a_system_call_of_a_wall_that_was_named_leaves_that_gap(started, call, error, wall):
    missing = {NATIVE, wall}
    if "NO_NEW_PRIVS" in call:
        missing.update(ON_TOP[wall])
    with started(best_effort=",".join(missing), inject_cells=f"{call}={error}") as (keeper, traces):
        cell = traces.watch(keeper.build())
        assert set(cell.gaps) == missing
        assert os.strerror(error) in cell.gaps[wall]
        assert cell.shell("echo here")[1] == b"here\n"
        cell.close()


def bit(*walls):
    return sum(1 << WALLS.index(wall) for wall in walls)


def test_a_plan_that_may_not_lack_a_wall_keeps_it_whatever_celld_was_told(started):
    with started(best_effort="cgroup,landlock", inject_cells="wall:landlock=1") as (keeper, traces):
        may_lack = bit("cgroup", "seccomp")
        assert refused(keeper, traces, plan(may_lack=may_lack)).wall == "landlock"
        cell = traces.watch(keeper.build(plan(may_lack=may_lack | bit("landlock"))))
        assert set(cell.gaps) == {"cgroup", "landlock"}
        cell.close()


def test_a_plan_cannot_lack_what_celld_was_not_told(started):
    with started(inject_cells="wall:landlock=1") as (keeper, traces):
        assert refused(keeper, traces, plan(may_lack=ALL_WALLS)).wall == "landlock"


@pytest.mark.parametrize("wall", INDISPENSABLE)
@pytest.mark.parametrize("more", ["", "cgroup,", "netns,seccomp,"])
def test_a_wall_without_which_there_is_no_cell_cannot_be_named(wall, more):
    celld = subprocess.run(
        [os.path.join(BINARIES, "cloister-celld"), "--best-effort", more + wall], capture_output=True, text=True
    )
    assert celld.returncode == 2
    assert f"--best-effort cannot name {wall}" in celld.stderr


@pytest.mark.parametrize("wall", INDISPENSABLE)
def test_a_wall_without_which_there_is_no_cell_is_required_by_every_plan(started, wall):
    injected = {"inject": f"wall:{wall}=1", "inject_cells": f"wall:{wall}=1"}
    with started(best_effort=",".join(DISPENSABLE), **injected) as (keeper, traces):
        assert refused(keeper, traces, plan(may_lack=ALL_WALLS)).wall == wall


def test_a_celld_whose_state_cannot_be_written_does_not_start(started):
    with started(inject="mkdirat=30") as (keeper, _):
        assert "mkdir" in (log := keeper.log()) and os.strerror(30) in log
        assert keeper.process.returncode == 1
