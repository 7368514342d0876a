"""What goes on inside: programs that bomb, hog, flood, hide, and kill. Their own cell answers for it, with its
limits, and no other."""

import contextlib
import os
import select
import signal
import time

import pytest

from cells import Failure, Limits, plan
from machine import eventually, host_pid, kilobytes, namespace, processes_in

MEGABYTE = 1 << 20
# PID 1 holds a frame of output, the largest that may wait, and itself.
MOST_OF_FIRST = 24 << 10


@pytest.fixture(params=["", "wall:cgroup=1"], ids=["groups", "marks"])
def celld_either_way(started, request):
    """The processes of a call are found by its control group, or without one by what they inherit."""
    with started(inject=request.param) as (keeper, _):
        yield keeper


def inside(cell):
    return processes_in(namespace(host_pid(cell.pidfd)))


def only_its_own_are_left(cell):
    """The first process and the starter."""
    return eventually(lambda: len(inside(cell)) == 2)


def assert_works(cell):
    ended, output, _ = cell.shell("echo here")
    assert (ended.exit, output) == (0, b"here\n")


@contextlib.contextmanager
def standing(keeper, *arguments, **options):
    cell = keeper.build(*arguments, **options)
    try:
        yield cell
    finally:
        cell.close()


# MARK: Too many


# The second moves on: all but the first end, and leave others behind.
BOMBS = ["fork while 1", "$first = $$; while (1) { fork; setpgrp; exit if $$ != $first && rand > 0.9 && fork }"]


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_fork_bomb_meets_its_limit_and_is_killed_as_a_whole(celld_either_way, bomb):
    keeper = celld_either_way
    with standing(keeper, plan(limits=Limits(tasks=64))) as cell, standing(keeper) as other:
        call = cell.start(["perl", "-e", bomb], timeout=1.5)
        assert eventually(lambda: len(inside(cell)) > 40)
        for _ in range(10):
            assert len(inside(cell)) <= 64
            before = time.monotonic()
            assert_works(other)
            assert time.monotonic() - before < 1
        ended = cell.finish(call)[0]
        assert ended.timed_out or ended.signal == signal.SIGKILL or ended.exit is not None
        assert ended.wall < 4_000_000
        assert only_its_own_are_left(cell)
        assert_works(cell)


def test_tasks_are_counted_for_each_cell(celld):
    """Two cells of one user: what one has used up, the other still has."""
    limits = plan(limits=Limits(tasks=16))
    with standing(celld, limits) as cell, standing(celld, limits) as other:
        call = cell.start(["perl", "-e", "for (1..40) { my $pid = fork; exit sleep 60 if defined $pid && !$pid } sleep 60"])
        assert eventually(lambda: len(inside(cell)) >= 15)
        assert other.shell("for i in 1 2 3 4 5 6 7 8; do sleep 0.01 & done; wait; echo here")[1] == b"here\n"
        cell.cancel(call)
        cell.finish(call)


def test_sixty_four_programs_run_at_once_and_no_more(celld):
    with standing(celld) as cell:
        calls = [cell.start(["sleep", "30"]) for _ in range(64)]
        with pytest.raises(Failure, match="64 programs are running, which is the cell's limit"):
            cell.run("true")
        for call in calls:
            cell.cancel(call)
        for call in calls:
            assert_cancelled(cell, call)
        assert_works(cell)


def assert_cancelled(cell, call):
    """Ends come in any order: those of other calls are for others to wait for."""
    if not hasattr(cell, "ends"):
        cell.ends = set()
    while call not in cell.ends:
        cell.ends.add(cell.receive()[0])


# MARK: Too much


@pytest.mark.parametrize("place", ["/tmp", "/dev/shm", "/workspace"])
def test_memory_that_is_files_is_limited(celld, place):
    """The cells of this machine have no memory controller: these limits are of the file systems."""
    limits = Limits(temporary_bytes=4 * MEGABYTE, workspace_bytes=4 * MEGABYTE)
    with standing(celld, plan(limits=limits)) as cell:
        script = f"dd if=/dev/zero of={place}/file bs=64k count=1000; stat -c %s {place}/file"
        _, output, errors = cell.shell(script)
        assert b"No space left on device" in errors
        assert 3 * MEGABYTE <= int(output) <= 4 * MEGABYTE
        assert cell.shell(f"rm {place}/file; echo x > {place}/file && cat {place}/file")[1] == b"x\n"


def test_a_file_meets_its_limit(celld):
    with standing(celld, plan(limits=Limits(file_bytes=MEGABYTE))) as cell:
        ended, _, _ = cell.run("dd", "if=/dev/zero", "of=/tmp/file", "bs=64k", "count=100")
        assert ended.signal == signal.SIGXFSZ
        _, output, errors = cell.shell(
            "trap '' XFSZ; dd if=/dev/zero of=/tmp/file bs=64k count=100; stat -c %s /tmp/file"
        )
        assert b"File too large" in errors
        assert int(output) == MEGABYTE


@pytest.mark.parametrize(
    ("flood", "stream"), [("yes", "output"), ("yes >&2", "error"), ("cat /dev/zero", "output")]
)
def test_output_without_end_is_cut_and_kept_within_limits(celld, flood, stream):
    """The first process forgets what it has passed on, and the file ends where the workspace does."""
    limits = Limits(workspace_bytes=16 * MEGABYTE)
    with standing(celld, plan(limits=limits)) as cell:
        call = cell.start(["sh", "-c", flood], timeout=1, most=64 << 10)
        most = 0
        while not select.select([cell.work], [], [], 0.02)[0] or most == 0:
            most = max(most, kilobytes(host_pid(cell.pidfd), "VmRSS"))
        ended, output, errors = cell.finish(call)
        most = max(most, kilobytes(host_pid(cell.pidfd), "VmHWM"))
        assert ended.timed_out and ended.signal == signal.SIGKILL
        assert len(output) + len(errors) == 64 << 10
        written = ended.output_bytes if stream == "output" else ended.error_bytes
        name = ended.output_file if stream == "output" else ended.error_file
        assert written > 16 * MEGABYTE
        assert name.startswith("/workspace/.cloister/output/")
        size = int(cell.run("stat", "-c", "%s", name)[1])
        assert 14 * MEGABYTE < size <= 16 * MEGABYTE
        assert most < MOST_OF_FIRST
        cell.run("rm", name)


def test_the_file_of_output_has_a_limit_of_its_own(celld):
    with standing(celld, plan(limits=Limits(workspace_bytes=256 * MEGABYTE))) as cell:
        ended, _, _ = cell.shell("head -c 100000000 /dev/zero", most=1000)
        assert ended.exit == 0 and ended.output_bytes == 100_000_000
        assert int(cell.run("stat", "-c", "%s", ended.output_file)[1]) == 64 * MEGABYTE


def test_the_limit_of_files_is_the_first_process_too_and_does_not_end_it(celld):
    with standing(celld, plan(limits=Limits(file_bytes=MEGABYTE))) as cell:
        ended, _, _ = cell.shell("head -c 10000000 /dev/zero", most=1000)
        assert ended.exit == 0 and ended.output_bytes == 10_000_000
        assert int(cell.run("stat", "-c", "%s", ended.output_file)[1]) == MEGABYTE


@pytest.mark.parametrize(
    "trap", ["ln -s /etc .cloister", "ln -s / .cloister", "touch .cloister", "mkdir -m 0 .cloister"]
)
def test_a_trap_where_output_is_kept_costs_the_file_alone(celld, trap):
    with standing(celld) as cell:
        cell.shell(trap)
        ended, output, _ = cell.shell("head -c 100000 /dev/zero", most=1000)
        assert (ended.exit, len(output), ended.output_bytes) == (0, 1000, 100_000)
        assert ended.output_file == ""


def test_a_reader_that_does_not_read_slows_the_program_down(celld):
    """cloisterd sleeps: nothing grows meanwhile."""
    with standing(celld) as cell, standing(celld) as other:
        call = cell.start(["yes"], timeout=3, most=16 << 20)
        time.sleep(1)
        assert kilobytes(host_pid(cell.pidfd), "VmHWM") < MOST_OF_FIRST
        assert_works(other)
        ended, output, _ = cell.finish(call)
        assert ended.timed_out
        assert len(output) == min(ended.output_bytes, 16 << 20)


# MARK: Too long


@pytest.mark.parametrize("line", ["sleep 60", "trap '' TERM INT HUP; sleep 60; sleep 60", "kill -STOP $$"])
def test_a_program_whose_time_is_up_is_killed(celld_either_way, line):
    with standing(celld_either_way) as cell:
        ended, _, _ = cell.shell(line, timeout=0.3)
        assert ended.timed_out and ended.signal == signal.SIGKILL
        assert 300_000 <= ended.wall < 1_500_000
        assert only_its_own_are_left(cell)


def test_a_program_that_is_cancelled_ends_at_once_with_its_whole_tree(celld_either_way):
    with standing(celld_either_way) as cell:
        call = cell.start(["sh", "-c", "(setsid sh -c 'sleep 60; sleep 60' &) ; sh -c 'sleep 60; true'; true"])
        assert eventually(lambda: len(inside(cell)) >= 7)
        before = time.monotonic()
        cell.cancel(call)
        ended, _, _ = cell.finish(call)
        assert time.monotonic() - before < 1
        assert ended.signal == signal.SIGKILL and not ended.timed_out
        assert only_its_own_are_left(cell)
        assert_works(cell)


def test_to_cancel_what_is_not_there_means_nothing(celld):
    with standing(celld) as cell:
        cell.cancel(4711)
        ended, _, _ = cell.run("true")
        cell.cancel(cell.calls)
        assert_works(cell)


# MARK: Not really ended


def test_a_program_that_closes_its_output_is_still_running(celld):
    with standing(celld) as cell:
        ended, output, errors = cell.shell("echo before; exec >&- 2>&-; sleep 0.5; exit 7")
        assert (ended.exit, output, errors) == (7, b"before\n", b"")
        assert ended.wall >= 500_000


@pytest.mark.parametrize("line", ["sleep 100 & echo done", "(sleep 100 &) ; echo done", "echo done; yes & sleep 0.2"])
def test_a_child_that_keeps_the_output_open_does_not_hold_the_call(celld_either_way, line):
    with standing(celld_either_way) as cell:
        ended, output, _ = cell.shell(line, timeout=20)
        assert ended.exit == 0 and ended.wall < 2_000_000
        assert b"done\n" in output
        assert only_its_own_are_left(cell)


DAEMONS = {
    "in a session of its own": "(setsid sleep 100 </dev/null >/dev/null 2>&1 &)",
    "without an environment": "(env -i setsid sleep 100 </dev/null >/dev/null 2>&1 &)",
    "with another call's mark": "(CLOISTER_CALL=77 setsid sleep 100 </dev/null >/dev/null 2>&1 &)",
    "of many generations": "sh -c \"sh -c 'env -i setsid sh -c \\\"sleep 100 & sleep 100 &\\\" &' &\"",
    "ignoring signals": "(trap '' TERM HUP INT; setsid sh -c 'while :; do sleep 1; done' &) >/dev/null 2>&1",
}


@pytest.mark.parametrize("name", DAEMONS)
def test_a_daemon_ends_with_its_call(celld_either_way, name):
    with standing(celld_either_way) as cell:
        assert cell.shell(DAEMONS[name] + "; sleep 0.3")[0].exit == 0
        assert only_its_own_are_left(cell), [open(f"/proc/{pid}/cmdline").read() for pid in inside(cell)]


def test_a_daemons_end_is_nobody_elses(celld_either_way):
    """What another call has running, with or without its mark, is left alone."""
    with standing(celld_either_way) as cell:
        call = cell.start(["sh", "-c", "env -i sleep 1.5; sh -c 'sleep 0.2; exit 3'"])
        time.sleep(0.2)
        for _ in range(3):
            assert cell.shell("(setsid sleep 100 &)")[0].exit == 0
        ended, _, _ = cell.finish(call)
        assert ended.exit == 3


def test_nobody_stays_a_zombie(celld):
    with standing(celld) as cell:
        cell.shell("for i in 1 2 3 4 5 6 7 8 9; do (sh -c 'true' &) ; (setsid true &) ; done; sleep 0.3")
        output = cell.shell("for i in 1 2 3; do (true &); done; sleep 0.3; ps -eo stat=,comm=")[1].decode()
        assert output.count("\n") >= 4
        assert not [line for line in output.splitlines() if line.startswith("Z")]


# MARK: Input


def test_ten_megabytes_go_through(celld):
    with standing(celld) as cell:
        stdin = os.urandom(10 * MEGABYTE)
        ended, output, _ = cell.run("cat", stdin=stdin, most=16 << 20)
        assert ended.exit == 0 and output == stdin


@pytest.mark.parametrize(
    ("command", "expected"), [(["head", "-c", "1"], b"x"), (["true"], b""), (["sh", "-c", "exec <&-; sleep 0.2"], b"")]
)
def test_input_that_nobody_reads_is_dropped(celld, command, expected):
    with standing(celld) as cell:
        ended, output, _ = cell.run(*command, stdin=b"x" * 10 * MEGABYTE)
        assert (ended.exit, output) == (0, expected)
        assert kilobytes(host_pid(cell.pidfd), "VmRSS") < 12 << 10, "what was held for it is not given back"


def test_a_program_without_input_reads_its_end(celld):
    with standing(celld) as cell:
        assert cell.run("cat")[1] == b""


# MARK: What cannot be started


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("no-such-program", "there is no program no-such-program"),
        ("/usr/bin/no-such-program", "there is no program /usr/bin/no-such-program"),
        ("/workspace/plain", "/workspace/plain may not be executed"),
        ("/usr", "/usr may not be executed"),
        ("/workspace/hollow", "/workspace/hollow could not be started: execve /workspace/hollow: Exec format error"),
        ("/workspace/orphan", "there is no program /workspace/orphan"),
        ("/workspace/loop", "Too many levels of symbolic links"),
        ("", "there is no program"),
        ("/dev/null", "/dev/null may not be executed"),
        ("n" * 5000, "there is no program"),
    ],
    ids=lambda value: value[:30],
)
def test_what_cannot_be_executed_is_a_failure_that_says_so(celld, program, message):
    with standing(celld) as cell:
        cell.shell(
            "echo plain > plain; printf '\\1\\2' > hollow; printf '#!/no/such/shell\\n' > orphan; ln -s loop loop;"
            "chmod +x hollow orphan"
        )
        with pytest.raises(Failure) as failure:
            cell.run(program)
        assert message in failure.value.message
        assert only_its_own_are_left(cell)
        assert_works(cell)


@pytest.mark.parametrize(
    ("directory", "message"),
    [
        ("/no/such/place", "there is no directory /no/such/place to run in"),
        ("/etc/passwd", "Not a directory"),
        ("/workspace/closed", "Permission denied"),
    ],
)
def test_a_directory_that_cannot_be_entered_is_a_failure_that_says_so(celld, directory, message):
    with standing(celld) as cell:
        cell.shell("mkdir -m 0 closed")
        with pytest.raises(Failure) as failure:
            cell.run("true", directory=directory)
        assert message in failure.value.message
        assert_works(cell)


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        (["echo", "x" * 200_000], ["200000 bytes", "163840"]),
        (["echo", *["x"] * 82_000], ["bytes are more than 163840"]),
        (["echo", "x" * 140_000], ["140000", "131071"]),
    ],
    ids=["one long", "many short", "one that the kernel refuses"],
)
def test_arguments_over_a_limit_are_refused_with_numbers(celld, arguments, numbers):
    with standing(celld) as cell:
        with pytest.raises(Failure) as failure:
            cell.run(*arguments)
        assert all(number in failure.value.message for number in numbers), failure.value.message
        assert_works(cell)


def test_arguments_up_to_the_limits_arrive(celld):
    with standing(celld) as cell:
        assert len(cell.run("echo", "x" * 131_071)[1]) == 131_072
        assert len(cell.run("echo", *["x"] * 81_000)[1]) == 162_000


ENVIRONMENTS = [
    (["A=1", "A=2"], True),
    (["NOTHING"], True),
    (["=x"], True),
    (["A=\n\t\x01\x7f=="], True),
    (["A=ü€𐍈"], True),
    ([f"V{number}=x" for number in range(5000)], True),
    (["A=\udcff"], False),
    (["A=\0B=1"], False),
    (["A=\udcc0\udc80"], False),
]


@pytest.mark.parametrize(("environment", "is_taken"), ENVIRONMENTS, ids=lambda value: ascii(value)[:20])
def test_an_environment_arrives_as_it_is_or_is_refused(celld, environment, is_taken):
    with standing(celld) as cell:
        try:
            output = cell.run("/usr/bin/env", "-0", environment=environment, most=1 << 20)[1]
        except Failure:
            assert not is_taken
        else:
            assert is_taken
            given = [variable for variable in output.decode().split("\0") if variable]
            assert set(environment) >= set(given) - {given[-1]} and given[-1].startswith("CLOISTER_CALL=")
        assert_works(cell)


@pytest.mark.parametrize("arguments", [["echo", "\0"], ["echo\0"], ["echo", "\udcff"], []])
def test_arguments_that_are_no_texts_are_refused(celld, arguments):
    with standing(celld) as cell:
        with pytest.raises(Failure):
            cell.run(*arguments)
        assert_works(cell)


# MARK: The first process and the starter


@pytest.mark.parametrize("name", ["TERM", "KILL", "STOP", "INT", "HUP", "SEGV", "USR1", "CHLD", "XFSZ", "TSTP"])
def test_signals_to_the_first_process_do_nothing(celld, name):
    with standing(celld) as cell:
        cell.shell(f"for i in 1 2 3; do kill -{name} 1; done")
        assert_works(cell)
        assert eventually(lambda: "Z" not in cell.shell("ps -o stat= 1")[1].decode())


def test_the_first_process_is_not_to_be_looked_into(celld):
    with standing(celld) as cell:
        for place in ("environ", "maps", "mem", "fd/", "root/", "cwd/"):
            assert b"Permission denied" in cell.shell(f"ls /proc/1/{place} && cat /proc/1/{place}")[2], place
        # But the same can be had of oneself.
        assert cell.shell("ls /proc/self/fd/ && cat /proc/self/environ")[0].exit == 0


def test_a_starter_that_was_stopped_is_a_failure_and_the_end_of_the_cell(celld):
    """Whatever it would answer later must not be taken for the answer to something else."""
    with standing(celld) as cell, standing(celld) as other:
        # Not before it has said that the program runs which stops it.
        cell.shell("sleep 0.2; kill -STOP 2")
        before = time.monotonic()
        with pytest.raises(Failure, match="starts programs.*no answer|stopped"):
            cell.run("true")
        assert time.monotonic() - before < 12
        assert celld.wait_for("gone") == cell.number
        assert_works(other)


def test_a_starter_that_was_stopped_and_goes_on_is_as_before(celld):
    with standing(celld) as cell:
        # The signal is another program's, because the answer to the next one is waited for.
        call = cell.start(["sh", "-c", "kill -STOP 2; sleep 0.5; kill -CONT 2; exit 3"])
        time.sleep(0.2)
        other = cell.start(["sh", "-c", "exit 4"])
        ends = {}
        while len(ends) < 2:
            number, kind, payload = cell.receive()
            assert kind == 18, payload
            ends[number] = payload[2]
        assert ends == {call: 3, other: 4}
