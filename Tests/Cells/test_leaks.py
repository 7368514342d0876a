"""A thousand cells later, celld has what it had before: descriptors, groups, mounts, loop devices, memory.

That the counts can count is shown first: while cells stand, each is higher.
"""

import contextlib
import dataclasses

import pytest

from cells import Refusal, plan
from machine import descriptors, eventually, kilobytes, loop_devices, mounts

BATCH = 25
# What celld grows by in its first cells, and by what the C library keeps of freed memory.
SLACK = 512


@dataclasses.dataclass
class Count:
    descriptors: int
    groups: int
    mounts: int
    loop_devices: int

    @classmethod
    def of(cls, keeper, traces):
        return cls(
            descriptors(keeper.process.pid), len(traces.groups()), len(mounts() - traces.mounts),
            len(loop_devices(keeper.state)),
        )


def memory(keeper):
    return kilobytes(keeper.process.pid, "RssAnon")


def batch(keeper, count, encoded_plan=None):
    """So many cells at once, all of which end in the one or the other way."""
    for _ in range(count):
        keeper.ask(encoded_plan or plan())
    cells = [keeper.wait_for("built") for _ in range(count)]
    yield cells
    for number, cell in enumerate(cells):
        if number % 2:
            keeper.end(cell)
        cell.close()
    for _ in cells:
        keeper.wait_for("gone")


def run(keeper, count, encoded_plan=None):
    for _ in batch(keeper, count, encoded_plan):
        pass


def assert_as_before(keeper, traces, before):
    assert eventually(lambda: Count.of(keeper, traces) == before), (before, Count.of(keeper, traces))


def test_the_counts_can_count(started):
    with started() as (keeper, traces):
        keeper.knock()
        before = Count.of(keeper, traces)
        for cells in batch(keeper, 3, plan(ephemeral=False)):
            while_standing = Count.of(keeper, traces)
            assert while_standing.descriptors > before.descriptors + 3
            assert while_standing.groups == before.groups + 3
            assert while_standing.loop_devices == before.loop_devices + 1
            assert all(cell.run("true")[0].exit == 0 for cell in cells)


@pytest.mark.timeout(120)
def test_a_thousand_cells_leave_nothing(started):
    with started() as (keeper, traces):
        run(keeper, BATCH)
        assert eventually(lambda: not traces.groups())
        keeper.knock()
        before, memory_before = Count.of(keeper, traces), memory(keeper)
        for _ in range(1000 // BATCH):
            run(keeper, BATCH)
        assert_as_before(keeper, traces, before)
        assert memory(keeper) < memory_before + SLACK


@pytest.mark.parametrize("where", ["inject", "inject_cells"])
def test_two_hundred_refusals_leave_nothing(started, where):
    """Refused by celld itself before there is a process, and by the cell when it is half built."""
    failing = {"inject": "socketpair=24", "inject_cells": "pivot_root=1"}[where]
    with started(**{where: failing}) as (keeper, traces):

        def refuse(count):
            for _ in range(count):
                with pytest.raises(Refusal):
                    keeper.build(plan(ephemeral=where == "inject_cells"))

        refuse(20)
        assert eventually(lambda: not traces.groups())
        keeper.knock()
        before, memory_before = Count.of(keeper, traces), memory(keeper)
        refuse(200)
        assert_as_before(keeper, traces, before)
        assert memory(keeper) < memory_before + SLACK


def test_a_hundred_visits_to_a_workspace_leave_nothing_but_it(started):
    with started() as (keeper, traces):
        run(keeper, 5, plan(ephemeral=False))
        assert eventually(lambda: not traces.groups())
        keeper.knock()
        before, memory_before = Count.of(keeper, traces), memory(keeper)
        assert before.loop_devices == 1, "it stays ready for a while"
        for _ in range(20):
            run(keeper, 5, plan(ephemeral=False))
        assert_as_before(keeper, traces, before)
        assert memory(keeper) < memory_before + SLACK


@pytest.mark.timeout(120)
def test_workspaces_that_nobody_uses_are_given_up_when_they_are_many(started):
    """Sixty-four of them stay ready, and no more."""
    with started() as (keeper, traces):
        for number in range(70):
            run(keeper, 1, plan(f"a{number}", ephemeral=False))
        assert eventually(lambda: len(loop_devices(keeper.state)) == 64), len(loop_devices(keeper.state))


def test_a_thousand_programs_leave_nothing_in_their_cell(celld):
    cell = celld.build()

    def held():
        return cell.shell("ls /proc | grep -c '^[0-9]'")[1], cell.shell("cat /proc/1/stat | cut -d' ' -f 23")[1]

    with contextlib.closing(cell):
        for _ in range(100):
            cell.run("true")
        before = held()
        calls = []
        for _ in range(900):
            calls.append(cell.start(["sh", "-c", "(sleep 50 &); echo on"]))
            if len(calls) == 30:
                left = set(calls)
                while left:
                    number, kind, _ = cell.receive()
                    assert kind != 19
                    if kind == 18:
                        left.remove(number)
                calls = []
        after = held()
        assert after[0] == before[0]
        # Its size, to a megabyte.
        assert abs(int(after[1]) - int(before[1])) < 1 << 20
