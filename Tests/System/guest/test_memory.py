"""Memory: what is too much is ended as a whole, the client is told so, and nobody else notices."""

import contextlib
import os
import subprocess
import threading
import time

import pytest

from cells import Limits, plan
from machine import eventually, host_pid, kilobytes
from services import MEGABYTE, SECONDS, Pings, group_of_cell, groups_of_cells, main_process, number, processes, read

# Touches every page, so that it is memory and not a promise.
BOMB = "import mmap; m = mmap.mmap(-1, {} << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS); [m.__setitem__(at, 1) for at in range(0, len(m), 4096)]; print('held')"


# What is being ended may take a little more: it is to end soon, and not to wait for memory.
DYING = 16


def bomb(megabytes):
    return ["python3", "-c", BOMB.format(megabytes)]


def small(**more):
    return plan(limits=Limits(memory_high=96 * MEGABYTE, memory_most=96 * MEGABYTE, **more), may_lack=0)


def assert_works(cell):
    ended, output, _ = cell.shell("echo here")
    assert (ended.exit, output) == (0, b"here\n")


def test_a_program_that_takes_more_than_its_cell_has_is_ended_and_its_client_told_why(anna, ben):
    """By the built-in limits, through bridge and daemon; another client is served all the while."""
    assert not anna.call("start_process", argv=["sleep", "1000"]).is_error
    assert ben.run("true").fields["exit_code"] == 0
    [first] = [group for group in groups_of_cells() if b"sleep\0" in b"".join(read(f"/proc/{pid}/cmdline") for pid in processes(group))]
    leaders = set(processes(first))
    daemon = main_process("cloisterd.service")
    before = kilobytes(daemon, "VmRSS")

    pings, over = Pings(ben), threading.Event()

    def watch():
        while not over.wait(0.2):
            pings.ask()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    began = time.monotonic()
    answer = anna.call("run_code", language="python3", source=BOMB.format(3000), timeout_seconds=150)
    took = time.monotonic() - began
    over.set()
    watcher.join()

    assert answer.is_error and answer.fields["out_of_memory"] and not answer.fields["timed_out"], answer
    assert answer.fields["signal"] == "SIGKILL" and "held" not in answer.output
    assert "out of memory, the limit of this cell was reached (wall cgroup)" in answer.text
    assert "administrator can raise it" in answer.text
    # It had the cell's memory, and no more than that.
    assert 2000 * MEGABYTE < answer.fields["peak_memory_bytes"] <= (2048 + DYING) * MEGABYTE
    assert took < 60, "what is too large is ended at once, and not slowed down until its time is up"
    # The cell lives on, and so does what else runs in it.
    assert leaders <= set(processes(first))
    [process] = anna.call("list_processes").fields["processes"]
    assert process["is_running"]
    assert anna.run("echo still here").output == "still here\n"
    assert kilobytes(daemon, "VmRSS") - before < 2048
    pings.assert_unmoved()


def test_all_that_the_call_started_goes_with_it_and_no_other_call(celld):
    cell = celld.build(small())
    other = cell.start(["sleep", "300"])
    line = f"sleep 301 & (setsid sleep 302 &); {' '.join(repr(word) for word in bomb(200))}; echo survived"
    ended, output, _ = cell.shell("echo $$; " + line.replace("'python3' '-c' ", "python3 -c "), timeout=100)
    assert ended.out_of_memory and ended.signal == 9 and b"survived" not in output and not ended.timed_out
    assert 90 * MEGABYTE < ended.peak <= (96 + DYING) * MEGABYTE
    group = group_of_cell(cell)
    names = lambda: [read(f"/proc/{pid}/cmdline").replace(b"\0", b" ").strip() for pid in processes(group)]  # noqa: E731
    assert eventually(lambda: not any(name.startswith((b"sleep 301", b"sleep 302", b"python3")) for name in names()), SECONDS)
    assert b"sleep 300" in names()
    assert number(group, "memory.events", "oom_kill") >= 3
    assert_works(cell)
    cell.cancel(other)
    cell.close()


def test_a_program_within_the_limit_is_not_ended(celld):
    cell = celld.build(small())
    ended, output, _ = cell.run(*bomb(64))
    assert (ended.exit, output, ended.out_of_memory) == (0, b"held\n", False)
    assert 64 * MEGABYTE < ended.peak <= (96 + DYING) * MEGABYTE
    cell.close()


HERD = """
import os, time
while True:
    try: pid = os.fork()
    except OSError: time.sleep(0.05); continue
    if pid == 0:
        held = bytearray(os.urandom(64) * (1 << 14)); time.sleep(300)
"""


def test_many_small_ones_end_their_call_and_not_the_cell(celld):
    """Each was smaller than the cell's first process, which the kernel therefore ended, and the cell with it."""
    cell = celld.build(small(tasks=400))
    other = cell.start(["sleep", "300"])
    ended, _, _ = cell.run("python3", "-c", HERD, timeout=150)
    assert ended.out_of_memory and not ended.timed_out
    assert_works(cell)
    assert eventually(lambda: len(processes(group_of_cell(cell))) == 3, SECONDS)
    cell.cancel(other)
    cell.close()


def test_file_cache_above_the_high_mark_is_taken_back(celld):
    def after_writing(high):
        limits = Limits(memory_high=high * MEGABYTE, memory_most=256 * MEGABYTE, workspace_bytes=256 * MEGABYTE)
        cell = celld.build(plan(limits=limits, may_lack=0, ephemeral=False, application=f"cache-{high}"))
        # Written and read again: clean cache, which costs nothing to give back.
        assert cell.shell("head -c 120000000 /dev/zero > file; sync file; cat file >/dev/null")[0].exit == 0
        group = group_of_cell(cell) + "/programs"
        result = number(group, "memory.current"), number(group, "memory.events", "high"), number(group, "memory.events", "oom_kill")
        cell.shell("rm file")
        cell.close()
        return result

    # The group's own number, and a little that is the first process'.
    current, events, killed = after_writing(48)
    assert current <= 56 * MEGABYTE and events > 0 and killed == 0
    current, events, killed = after_writing(256)
    assert current > 100 * MEGABYTE and events == 0 and killed == 0


@contextlib.contextmanager
def swap():
    path = "/var/swap"
    with open(path, "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        os.posix_fallocate(file.fileno(), 0, 256 * MEGABYTE)
    subprocess.run(["mkswap", "-q", path], check=True)
    subprocess.run(["swapon", path], check=True)
    try:
        yield
    finally:
        subprocess.run(["swapoff", path], check=True)
        os.remove(path)


@pytest.mark.parametrize("most", [0, 200 * MEGABYTE], ids=["none", "some"])
def test_swap_is_no_way_around_the_limit(celld, most):
    with swap():
        cell = celld.build(small(swap_most=most))
        ended, output, _ = cell.run(*bomb(160), timeout=150)
        assert ended.out_of_memory == (most == 0), (ended.exit, ended.signal, output)
        assert (output == b"held\n") == (most > 0)
        peak = number(group_of_cell(cell), "memory.peak")
        assert peak <= 96 * MEGABYTE + 64 * MEGABYTE
        cell.close()


def test_files_in_memory_count_as_memory(celld):
    """In a tmpfs that is larger than the cell's memory. The first process does not have to pay for them."""
    cell = celld.build(small(temporary_bytes=512 * MEGABYTE))
    ended, _, _ = cell.run("dd", "if=/dev/zero", "of=/tmp/file", "bs=1M", "count=200", timeout=100)
    assert ended.out_of_memory and ended.signal == 9
    assert len(processes(group_of_cell(cell) + "/init")) == 2
    cell.close()


def test_a_process_that_stays_and_takes_too_much_is_shown_as_that(anna):
    started = anna.call("start_process", argv=bomb(3000))
    number = started.fields["process"]

    def ended():
        time.sleep(1)
        [process] = anna.call("list_processes").fields["processes"]
        return process if not process["is_running"] else None

    assert eventually(lambda: ended() is not None, 100)
    # Asked again and again, when its group has gone.
    assert ended()["end"]["out_of_memory"] and ended()["end"]["peak_memory_bytes"] > 2000 * MEGABYTE
    assert "out of memory, the limit of this cell was reached" in anna.call("process_output", process=number).text


def test_the_first_process_does_not_grow_by_what_programs_take(celld):
    cell = celld.build(small())
    cell.shell("true")
    before = kilobytes(host_pid(cell.pidfd), "VmRSS")
    for _ in range(3):
        assert cell.run(*bomb(200), timeout=100)[0].out_of_memory
    assert kilobytes(host_pid(cell.pidfd), "VmRSS") - before < 1024
    cell.close()
