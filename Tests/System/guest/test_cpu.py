"""CPU time: a cell gets its share of the machine, and no more."""

import pwd
import time

import pytest

from cells import Limits, plan
from services import Pings, group_of_cell, groups_of_cells, number, processes, uid

# Two of them, for there are two CPUs.
BUSY = "while :; do :; done & while :; do :; done"


def share(cells, seconds):
    """Of one CPU, in hundredths, for each of them at the same time."""
    for cell in cells:
        cell.start(["sh", "-c", BUSY], timeout=seconds + 60)
    time.sleep(1)
    groups = [group_of_cell(cell) for cell in cells]
    used = [number(group, "cpu.stat", "usage_usec") for group in groups]
    began = time.monotonic()
    time.sleep(seconds)
    took = (time.monotonic() - began) * 1e6
    return [100 * (number(group, "cpu.stat", "usage_usec") - before) / took for group, before in zip(groups, used)]


@pytest.mark.parametrize("percent", [20, 60])
def test_a_busy_cell_uses_its_share_and_no_more(celld, percent):
    cell = celld.build(plan(limits=Limits(cpu_percent=percent), may_lack=0))
    [used] = share([cell], 6)
    assert percent * 0.5 < used <= percent * 1.3
    assert number(group_of_cell(cell), "cpu.stat", "nr_throttled") > 0
    cell.close()


def test_a_cell_whose_share_is_the_machine_is_not_held_back(celld):
    cell = celld.build(plan(limits=Limits(cpu_percent=400), may_lack=0))
    [used] = share([cell], 4)
    assert used > 100
    assert number(group_of_cell(cell), "cpu.stat", "nr_throttled") == 0
    cell.close()


def test_cells_that_compete_share_by_their_weights(celld):
    light, heavy = (
        celld.build(plan(limits=Limits(cpu_percent=400, cpu_weight=weight), may_lack=0)) for weight in (50, 400)
    )
    little, much = share([light, heavy], 6)
    assert much > 3 * little > 0
    light.close()
    heavy.close()


def test_nobody_else_feels_a_busy_cell(anna, ben):
    """By the built-in share, which is the whole of this machine."""
    assert anna.run("true").fields["exit_code"] == ben.run("true").fields["exit_code"] == 0
    pings = Pings(ben)
    assert not anna.call("start_process", command=f"{BUSY} & {BUSY}").is_error
    [group] = [each for each in groups_of_cells() if uid(processes(each)[0]) == pwd.getpwnam("anna").pw_uid]
    before, began = number(group, "cpu.stat", "usage_usec"), time.monotonic()
    while time.monotonic() < began + 6:
        pings.ask()
        assert ben.run("echo here").output == "here\n"
    took = 1e6 * (time.monotonic() - began)
    assert number(group, "cpu.stat", "usage_usec") - before > 0.5 * took, "it was busy"
    pings.assert_unmoved()
