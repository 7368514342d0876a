"""A cell with the full cgroup v2: all its walls stand, and its plan's numbers are the kernel's."""

import contextlib
import os
import shutil
import subprocess

import pytest

from cells import Limits, Refusal, plan
from services import Celld, group_of_cell, groups_of_cells, number, read

MIB = 1 << 20


def limits_of(cell):
    group = group_of_cell(cell)
    files = ["programs/memory.high", "programs/memory.max", "programs/memory.swap.max", "memory.swap.max"]
    files += ["pids.max", "cpu.max", "cpu.weight", "io.weight"]
    return {file: read(f"{group}/{file}").decode().strip() for file in files}


def test_a_cell_lacks_no_wall(celld):
    cell = celld.build(plan(may_lack=0, ephemeral=False))
    assert cell.gaps == {} and cell.landlock >= 1
    cell.close()


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (
            Limits(64 * MIB, 96 * MIB, 0, 77, 50, 200, 300),
            ["67108864", "100663296", "0", "0", "77", "50000 100000", "200", "default 300"],
        ),
        (
            Limits(128 * MIB, 256 * MIB, 32 * MIB, 512, 200, 100, 100),
            ["134217728", "268435456", "33554432", "33554432", "512", "200000 100000", "100", "default 100"],
        ),
    ],
    ids=["small", "large"],
)
def test_a_plans_numbers_are_the_groups(celld, limits, expected):
    cell = celld.build(plan(limits=limits, may_lack=0))
    assert list(limits_of(cell).values()) == expected
    # The first process has room of its own.
    assert number(group_of_cell(cell), "memory.max") == limits.memory_most + 64 * MIB
    cell.close()


def test_a_sessions_cell_has_the_limits_of_the_built_in_plan(anna):
    assert anna.run("true").fields["exit_code"] == 0
    [group] = groups_of_cells()
    assert read(group + "/programs/memory.max") == b"2147483648\n"
    assert read(group + "/memory.swap.max") == b"0\n"
    assert read(group + "/pids.max") == b"512\n"
    assert read(group + "/cpu.max") == b"200000 100000\n"


@contextlib.contextmanager
def bare_celld(controllers, *options):
    """A celld of its own unit, to which systemd delegates these alone."""
    unit, path = "bare-celld", "/run/bare-celld.sock"
    subprocess.run(
        [
            "systemd-run", "--quiet", f"--unit={unit}", "--slice=bare.slice", f"--property=Delegate={controllers}",
            f"--socket-property=ListenSequentialPacket={path}", "--property=StateDirectory=bare",
            "/usr/libexec/cloister/cloister-celld", "--state=/var/lib/bare", *options,
        ],
        check=True,
    )  # fmt: skip
    connection = Celld(path)
    try:
        yield connection
    finally:
        connection.stop()
        subprocess.run(["systemctl", "stop", f"{unit}.socket", f"{unit}.service"], check=True)
        os.path.exists(path) and os.remove(path)
        shutil.rmtree("/var/lib/bare")


def test_a_celld_without_its_controllers_builds_nothing_and_names_them():
    with bare_celld("memory pids") as celld:
        with pytest.raises(Refusal) as refused:
            celld.build(plan())
        assert refused.value.wall == "cgroup"
        assert "these controllers are not there: cpu, io" in refused.value.reason


def test_a_celld_that_may_lack_them_says_so_and_limits_what_it_can():
    with bare_celld("memory pids", "--best-effort=cgroup") as celld:
        cell = celld.build(plan(limits=Limits(64 * MIB, 96 * MIB)))
        assert list(cell.gaps) == ["cgroup"] and "cpu, io" in cell.gaps["cgroup"]
        assert read(group_of_cell(cell) + "/programs/memory.max") == b"100663296\n"
        assert cell.shell("echo here")[1] == b"here\n"
        cell.close()
