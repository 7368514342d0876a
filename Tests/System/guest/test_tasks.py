"""Processes: a cell has so many, whatever it tries, and all of them go together."""

import time

from cells import Limits, plan
from machine import eventually
from services import SECONDS, Pings, group_of_cell, number, processes

BOMB = ["perl", "-e", '$| = 1; while (1) { my $pid = fork; print "$!\\n" if !defined $pid && !$said++ }']


def write(path, value):
    with open(path, "w") as file:
        file.write(value)


def test_a_fork_bomb_meets_the_limit_of_its_group_and_is_ended_as_a_whole(celld, anna, ben):
    """Without RLIMIT_NPROC, which has the same number and answers first: the group's is lower here."""
    cell = celld.build(plan(limits=Limits(tasks=200), may_lack=0))
    group = group_of_cell(cell)
    assert number(group, "pids.max") == 200
    write(group + "/pids.max", "48")
    assert anna.run("true").fields["exit_code"] == ben.run("true").fields["exit_code"] == 0

    pings = Pings(ben)
    call = cell.start(BOMB, timeout=20)
    assert eventually(lambda: number(group, "pids.events", "max") > 0, SECONDS)
    for _ in range(5):
        assert len(processes(group)) <= 48
        pings.ask()
        assert anna.run("echo here").output == "here\n"
    pings.assert_unmoved()
    assert len(processes(group)) > 40, "it is over before anybody looked"
    ended, output, _ = cell.finish(call)
    assert ended.timed_out and ended.signal == 9
    assert b"Resource temporarily unavailable" in output
    assert eventually(lambda: len(processes(group)) == 2, SECONDS)
    assert cell.shell("echo here")[1] == b"here\n"
    cell.close()


def test_the_limit_of_the_user_namespace_holds_alone(celld):
    cell = celld.build(plan(limits=Limits(tasks=40), may_lack=0))
    group = group_of_cell(cell)
    write(group + "/pids.max", "max")
    call = cell.start(BOMB, timeout=5)
    assert eventually(lambda: len(processes(group)) >= 38, SECONDS)
    for _ in range(20):
        assert len(processes(group)) <= 40
        time.sleep(0.05)
    assert cell.finish(call)[0].timed_out
    cell.close()


def test_without_either_it_would_be_more(celld):
    """What the two above hold back."""
    cell = celld.build(plan(limits=Limits(tasks=300), may_lack=0))
    group = group_of_cell(cell)
    call = cell.start(["perl", "-e", "for (1..120) { my $pid = fork; exit sleep 60 if defined $pid && !$pid } sleep 60"], timeout=15)
    assert eventually(lambda: len(processes(group)) > 120, 12)
    cell.cancel(call)
    cell.finish(call)
    cell.close()
