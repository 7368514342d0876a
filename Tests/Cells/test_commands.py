"""Commands on the host: who they are, what they have, and that nothing of them outlives whom it is for."""

import contextlib
import os
import pwd
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

import pytest

from cells import NATIVE, Celld, Limits, Refusal, command, integer
from clients import client
from machine import Traces, eventually, has_ended, host_pid, kilobytes, status

# A user of nobody's: what is done to all of its processes is done to ours alone.
STRANGER = 4242
SECONDS = 2
NO_GROUPS = {"inject": ",".join(f"mkdir cgroup command-{number}=13" for number in range(1, 9))}


def fields(output):
    return dict(line.split(":", 1) for line in output.decode().splitlines() if ":" in line)


def words(output):
    return output.decode().split()


@pytest.fixture
def stranger():
    with client(STRANGER) as (connection, _):
        yield connection


@pytest.fixture
def place():
    """A directory that every user can reach, on a file system with set-uid programs."""
    path = tempfile.mkdtemp(prefix="commands.", dir="/var/tmp")
    os.chmod(path, 0o755)
    yield path
    shutil.rmtree(path)


# MARK: Who, and with what


@pytest.mark.parametrize(
    ("uid", "gid", "groups"), [(1000, 1000, ()), (STRANGER, 100, (4, 27)), (4_000_000_000, 7, range(2000, 2100))]
)
def test_a_command_is_its_clients_user_with_its_groups(celld, uid, gid, groups):
    with client(uid, gid, groups) as (connection, _):
        end, output, _ = celld.run_command(connection, "/bin/cat", "/proc/self/status")
    found = fields(output)
    assert end.exit == 0
    assert found["Uid"].split() == [str(uid)] * 4
    assert found["Gid"].split() == [str(gid)] * 4
    assert found["Groups"].split() == [str(group) for group in groups]


def test_a_command_has_no_right_and_gets_none(celld, stranger):
    _, output, _ = celld.run_command(stranger, "/bin/cat", "/proc/self/status")
    found = fields(output)
    assert {found[f"Cap{name}"].strip() for name in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
    assert found["NoNewPrivs"].strip() == "1"
    assert found["SigBlk"].strip() == found["SigIgn"].strip() == "0" * 16


def test_a_set_uid_program_gives_nothing(celld, place, stranger):
    program = shutil.copy("/usr/bin/id", f"{place}/id")
    os.chmod(program, 0o4755)
    outside = subprocess.run([program, "-u"], user=STRANGER, group=STRANGER, extra_groups=[], capture_output=True)
    assert outside.stdout == b"0\n", "it would give root where it may"
    assert celld.run_command(stranger, program, "-u")[1] == f"{STRANGER}\n".encode()


def test_a_command_is_in_the_hosts_namespaces(celld, stranger):
    names = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"]
    _, output, _ = celld.run_command(stranger, "/bin/sh", "-c", f"for n in {' '.join(names)}; do readlink /proc/self/ns/$n; done")
    assert words(output) == [os.readlink(f"/proc/self/ns/{name}") for name in names]


def test_a_command_has_the_environment_of_a_login_and_what_was_asked_for(celld):
    user = next(each for each in pwd.getpwall() if each.pw_uid >= 1000 and os.path.isdir(each.pw_dir))
    usual = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": user.pw_dir,
        "USER": user.pw_name, "LOGNAME": user.pw_name, "SHELL": user.pw_shell, "LANG": "C.UTF-8", "TERM": "dumb",
    }
    with client(user.pw_uid, user.pw_gid) as (connection, _):
        _, output, _ = celld.run_command(connection, "/usr/bin/env", environment=["A=b=c", "TERM=vt100"])
        found = dict(line.split("=", 1) for line in output.decode().splitlines())
        found.pop("XDG_RUNTIME_DIR", None)
        assert found == {**usual, "A": "b=c", "TERM": "vt100"}
        assert celld.run_command(connection, "/bin/pwd")[1].decode().strip() == os.path.realpath(user.pw_dir)


def test_a_user_that_nobody_knows_has_no_name_and_no_home(celld, stranger):
    _, output, _ = celld.run_command(stranger, "/usr/bin/env")
    found = dict(line.split("=", 1) for line in output.decode().splitlines())
    assert found["HOME"] == "/" and "USER" not in found
    assert celld.run_command(stranger, "/bin/pwd")[1] == b"/\n"


@pytest.mark.parametrize("owner", [STRANGER, 0])
def test_a_user_finds_its_own_services(started, owner):
    runtime = f"/run/user/{STRANGER}"
    place = f'mount -t tmpfs tmpfs /run && mkdir -p {runtime} && chown {owner} {runtime} && exec "$@"'
    inside = ["unshare", "--mount", "--propagation", "private", "sh", "-c", place, "sh"]
    with started(inside=inside) as (keeper, _), client(STRANGER) as (connection, _):
        found = f"XDG_RUNTIME_DIR={runtime}\n".encode() in keeper.run_command(connection, "/usr/bin/env")[1]
    assert found == (owner == STRANGER)


def test_a_command_runs_where_it_was_asked_to_with_the_rights_of_its_user(celld, stranger, place):
    assert celld.run_command(stranger, "/bin/pwd", directory=place)[1].decode().strip() == place
    os.chmod(place, 0o700)
    with pytest.raises(Refusal) as refusal:
        celld.run_command(stranger, "/bin/pwd", directory=place)
    assert f"{place} cannot be entered by this user" in refusal.value.reason


def test_a_command_has_three_descriptors_a_session_and_a_mask_of_its_own(celld, stranger):
    script = "ls /proc/self/fd | wc -l; umask; cut -d' ' -f6 /proc/self/stat; echo $$; cat; readlink /proc/self/fd/0"
    # That of ls itself is the fourth.
    lines = celld.run_command(stranger, "/bin/sh", "-c", script)[1].decode().split("\n")
    assert lines[:2] == ["4", "0022"] and lines[2] == lines[3] and lines[4] == "/dev/null"


def test_a_command_reads_what_came_along(celld, stranger):
    content = bytes(range(256)) * 5000
    end, output, _ = celld.run_command(stranger, "/bin/cat", stdin=content, most=2 << 20)
    assert (end.exit, output) == (0, content)


def test_what_could_still_be_changed_is_not_read(celld, stranger):
    """Or another input would go to a command than the one that somebody has allowed."""
    with tempfile.TemporaryFile() as file:
        file.write(b"exit 3")
        file.seek(0)
        celld.cells += 1
        message = integer(1, 4) + integer(4, celld.cells) + command(["/bin/sh"], has_input=True)
        celld._send(message, stranger, file)
        assert "could still be changed" in celld.wait_for("refused").reason
        celld._send(message, stranger)
        assert "could still be changed" in celld.wait_for("refused").reason


def test_a_command_has_a_keyring_of_its_own(celld, stranger):
    """Whoever holds a keyring may use its keys: celld's are not for others."""
    script = "import ctypes; print(ctypes.CDLL(None).syscall(250, 0, -3, 0))"
    ours = subprocess.run(["/usr/bin/python3", "-c", script], capture_output=True, text=True).stdout
    theirs = [celld.run_command(stranger, "/usr/bin/python3", "-c", script)[1].decode() for _ in range(2)]
    assert int(ours) > 0 and len({ours, *theirs}) == 3


def test_limits_of_a_command_are_those_it_was_asked_with(celld, stranger):
    limits = Limits(open_files=77, file_bytes=4096, locked_bytes=8192)
    _, output, _ = celld.run_command(stranger, "/bin/cat", "/proc/self/limits", limits=limits)
    found = {line[:26].strip(): line[26:].split()[:2] for line in output.decode().splitlines()}
    assert found["Max open files"] == ["77", "77"] and found["Max file size"] == ["4096", "4096"]
    assert found["Max locked memory"] == ["8192", "8192"] and found["Max core file size"] == ["0", "0"]


def test_its_group_is_not_its_users(celld, stranger):
    """Or it could leave it, and raise what limits it."""
    script = 'g=$(sed -n "s/^0:://p" /proc/self/cgroup); find "$1$g" "$1$g/.." -writable 2>/dev/null; echo done'
    mount = next(line.split()[1] for line in open("/proc/mounts") if line.split()[2] == "cgroup2")
    assert celld.run_command(stranger, "/bin/sh", "-c", script, "sh", mount)[1] == b"done\n"


# MARK: Ends


def test_an_end_is_reported_with_what_was_used(celld, stranger):
    end, output, error = celld.run_command(stranger, "/bin/sh", "-c", "echo out; echo err >&2; exit 7")
    assert (end.exit, end.signal, output, error) == (7, None, b"out\n", b"err\n")
    assert end.cpu > 0 and end.wall > 0 and end.peak > 0 and (end.output_bytes, end.error_bytes) == (4, 4)
    assert celld.run_command(stranger, "/bin/sh", "-c", "kill -9 $$")[0].signal == 9


def test_what_a_command_leaves_running_ends_with_it(started):
    with started() as (keeper, traces), client(STRANGER) as (connection, _):
        end, output, _ = keeper.run_command(connection, "/bin/sh", "-c", "setsid sleep 300 & (sleep 300 &) ; echo on")
        assert (end.exit, output) == (0, b"on\n")
        assert keeper.wait_for("gone") == 1
        traces.assert_no_cells()


@pytest.mark.parametrize("options", [{}, NO_GROUPS], ids=["groups", "none"])
def test_a_command_whose_time_is_up_ends_with_all_that_it_started(started, options):
    with started(**options) as (keeper, traces), client(STRANGER) as (connection, _):
        begun = time.monotonic()
        end, output, _ = keeper.run_command(connection, "/bin/sh", "-c", TREE, timeout=0.5)
        assert end.timed_out and end.signal == 9 and output == b"on\n"
        assert time.monotonic() - begun < 5
        assert eventually(lambda: not of_user(STRANGER) - clients_of(connection))
        keeper.wait_for("gone")
        traces.assert_no_cells()


def test_a_command_cannot_stop_the_clock_that_ends_it(started):
    """The process that runs it is of the same user, and can be stopped by it; celld's time goes on."""
    with started() as (keeper, traces), client(STRANGER) as (connection, _):
        begun = time.monotonic()
        running = keeper.start_command(connection, "/bin/sh", "-c", "until kill -STOP $PPID; do sleep 0.01; done; sleep 300", timeout=0.5)
        assert keeper.wait_for("gone") == running.number
        assert 2 < time.monotonic() - begun < 5
        traces.assert_no_cells()
        running.close()


def test_a_gigabyte_of_output_is_counted_and_cut(celld, stranger):
    script = f"head -c {1 << 30} /dev/zero; echo done >&2; sleep 1"
    running = celld.start_command(stranger, "/bin/sh", "-c", script, most=1000, timeout=20)
    while (frame := running.receive())[1] != 21:
        assert frame[2] == b"\0" * len(frame[2])
    assert kilobytes(host_pid(running.pidfd), "VmHWM") < 16 << 10
    end = running.finish(1)[0]
    assert (end.exit, end.output_bytes) == (0, 1 << 30)
    running.close()


def test_output_that_nobody_takes_holds_the_command_and_not_memory(celld, stranger):
    running = celld.start_command(stranger, "/usr/bin/yes", most=16 << 20)
    time.sleep(0.5)
    assert kilobytes(host_pid(running.pidfd), "VmRSS") < 16 << 10
    running.close()


TREE = "sleep 300 & setsid sleep 300 & (setsid sh -c 'sleep 300 & sleep 300' &); echo on; sleep 300"


def of_user(uid):
    pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
    return {pid for pid in pids if (status(pid, "Uid") or "-1").split()[0] == str(uid) and not has_ended(pid)}


def clients_of(connection):
    return {struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]}


def close_work(keeper, running):
    running.work.close()


def ask_for_end(keeper, running):
    keeper.end(running)


def kill_runner(keeper, running):
    os.kill(host_pid(running.pidfd), signal.SIGKILL)


def stop_runner_and_ask(keeper, running):
    os.kill(host_pid(running.pidfd), signal.SIGSTOP)
    keeper.end(running)


def say_something(keeper, running):
    running.work.sendall(b"x")


def kill_everybody(keeper, running):
    """As the user may: what runs the command is of the same one."""
    for pid in of_user(STRANGER):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


DEATHS = [close_work, ask_for_end, kill_runner, stop_runner_and_ask, say_something, kill_everybody]


@pytest.mark.parametrize("death", DEATHS, ids=lambda death: death.__name__)
def test_whatever_ends_a_command_ends_all_of_it(started, death):
    with started() as (keeper, traces), client(STRANGER) as (connection, _):
        running = keeper.start_command(connection, "/bin/sh", "-c", TREE)
        assert running.receive()[2] == b"on\n"
        assert eventually(lambda: len(of_user(STRANGER) - clients_of(connection)) >= 7)
        death(keeper, running)
        assert keeper.wait_for("gone") == running.number
        assert eventually(lambda: not of_user(STRANGER) - clients_of(connection), SECONDS)
        traces.assert_no_cells(SECONDS)
        running.close()


@pytest.mark.parametrize("options", [{}, NO_GROUPS], ids=["groups", "none"])
def test_a_celld_that_is_killed_takes_its_commands_along(options):
    with tempfile.TemporaryDirectory(prefix="cells.") as state, client(STRANGER) as (connection, _):
        first = Celld(best_effort=NATIVE, state=state, **options)
        traces = Traces(first)
        running = first.start_command(connection, "/bin/sh", "-c", TREE)
        assert running.receive()[2] == b"on\n"
        assert eventually(lambda: len(of_user(STRANGER) - clients_of(connection)) >= 7)
        first.process.kill()
        assert select.select([running.pidfd], [], [], SECONDS)[0]
        assert eventually(lambda: not of_user(STRANGER) - clients_of(connection), SECONDS)
        first.stop()
        second = Celld(best_effort=NATIVE, state=state)
        second.knock()
        assert traces.groups() == []
        second.stop()
        running.close()
        traces.assert_gone()


def test_the_end_of_cloisterd_is_the_end_of_its_commands(started):
    # The client first: a fork of ours would have a copy of cloisterd's end.
    with client(STRANGER) as (connection, _), started() as (keeper, traces):
        running = keeper.start_command(connection, "/bin/sh", "-c", TREE)
        assert running.receive()[2] == b"on\n"
        keeper.socket.close()
        assert keeper.process.wait(SECONDS) == 0
        assert eventually(lambda: not of_user(STRANGER) - clients_of(connection), SECONDS)
        traces.assert_gone()
        running.close()


# MARK: Refusals


def refused(keeper, connection, *arguments, **options):
    with pytest.raises(Refusal) as refusal:
        keeper.run_command(connection, *arguments, **options)
    return refusal.value


def test_a_client_that_is_root_has_no_commands(celld):
    with client(0) as (connection, _):
        assert "a client that is root has no commands on the host" in refused(celld, connection, "/bin/true").reason


def test_a_client_that_has_ended_has_no_commands(celld):
    with client(STRANGER) as (connection, pid):
        os.kill(pid, signal.SIGKILL)
        assert eventually(lambda: has_ended(pid))
        assert "client is gone" in refused(celld, connection, "/bin/true").reason


@pytest.mark.parametrize(
    ("program", "reason"), [("/nowhere/x", "there is no program /nowhere/x"), ("/etc/passwd", "may execute")]
)
def test_what_cannot_be_executed_is_a_refusal_that_says_why(started, program, reason):
    with started() as (keeper, traces), client(STRANGER) as (connection, _):
        assert reason in refused(keeper, connection, program).reason
        traces.assert_no_cells()


def test_without_groups_there_are_commands_only_where_the_administrator_said_so(started):
    with started(best_effort="") as (keeper, _), client(STRANGER) as (connection, _):
        assert refused(keeper, connection, "/bin/true").wall == "cgroup"
    with started(**NO_GROUPS) as (keeper, _), client(STRANGER) as (connection, _):
        assert refused(keeper, connection, "/bin/true", may_lack=0).wall == "cgroup"
        running = keeper.start_command(connection, "/bin/true")
        assert "cgroup" in running.gaps and running.finish(1)[0].exit == 0
        running.close()


def test_a_user_has_a_share_of_commands_and_no_more(started):
    with started(options=["--commands-of-user", "2", "--commands", "3"]) as (keeper, _):
        with client(STRANGER) as (one, _), client(1001) as (other, _), client(1002) as (third, _):
            running = [keeper.start_command(one, "/bin/sleep", "60") for _ in range(2)]
            assert "user 4242 has 2 commands" in refused(keeper, one, "/bin/true").reason
            running.append(keeper.start_command(other, "/bin/sleep", "60"))
            assert "there are 3 commands" in refused(keeper, third, "/bin/true").reason
            keeper.build(client=one).close()
            running.pop(0).close()
            assert keeper.wait_for("gone")
            for each in running:
                each.close()


def test_a_celld_without_commands_says_how_to_get_them(started):
    with started(options=["--commands", "0"]) as (keeper, _), client(STRANGER) as (connection, _):
        assert "--commands 0" in refused(keeper, connection, "/bin/true").remedy


MALFORMED = {
    "no program": command([]),
    "a name": command(["true"]),
    "a path from somewhere": command(["./true"]),
    "a path with ..": command(["/usr/../bin/true"]),
    "a program of a process": command(["/proc/self/exe"]),
    "a program with NUL": command(["/bin/true\0x"]),
    "a directory from somewhere": command(["/bin/true"], directory="tmp"),
    "no variable": command(["/bin/true"], environment=["=x"]),
    "variables for root": command(["/bin/true"], environment=["A=b"], as_root=True),
    "a directory for root": command(["/bin/true"], directory="/tmp", as_root=True),
    "more than fits": command(["/bin/true", "x" * (64 << 10)]),
    "a byte more": command(["/bin/true"]) + b"\0",
    "a byte less": command(["/bin/true"])[:-1],
    "output of everything": command(["/bin/true"], most=0xFFFFFFFF),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_command_that_makes_no_sense_cuts_the_connection(celld, stranger, name):
    celld._send(integer(1, 4) + integer(4, 1) + MALFORMED[name], stranger)
    with pytest.raises((EOFError, ConnectionResetError)):
        celld.reply()
    assert "is cut" in celld.log()


def test_commands_are_not_in_the_way_of_cells(celld, stranger):
    running = celld.start_command(stranger, "/bin/sleep", "60")
    cell = celld.build(client=stranger)
    assert cell.shell("id -u")[1] == f"{STRANGER}\n".encode()
    cell.close()
    running.close()
