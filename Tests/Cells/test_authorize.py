"""cloister-authorize: whom polkit is asked about, what its answers come to, and what the one who asks may do."""

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys

import pytest

from authority import ALLOWED, DENIED, DISMISSED, NEEDS_AGENT, Authority
from cells import BINARIES
from clients import client
from machine import children, eventually, host_pid, read, status

sys.path.append(os.path.join(os.path.dirname(__file__), "../Interop"))
from polkit import COMMAND_ACTION, NEEDED, Polkit, command_rule  # noqa: E402

missing = [program for program in NEEDED if not os.path.exists(program)]
pytestmark = pytest.mark.skipif(bool(missing), reason=f"there is no {missing[0] if missing else ''}")

STRANGER, OWNER = 4242, 4711
NO_RIGHT = "0" * 16
IN_GROUPS = ["setpriv", "--groups", "4,27"]


def start_time(pid):
    return int(read(f"/proc/{pid}/stat").decode().rsplit(")", 1)[1].split()[19])


@pytest.fixture
def authority():
    """`with authority(version, answer) as (stand-in, bus)`."""
    @contextlib.contextmanager
    def start(version, answer=None):
        with Polkit(bus=False, polkitd=False) as bus, Authority(bus, version, answer) as stand_in:
            yield stand_in, bus

    return start


def askers(keeper):
    return [pid for pid in children(keeper.process.pid) if b"cloister-authorize\0" in read(f"/proc/{pid}/cmdline")]


# MARK: Through celld


@pytest.mark.parametrize("version", ["124", "126", "123", "122"])
def test_the_subject_is_the_client_by_its_descriptor_where_polkit_takes_one(authority, started, version):
    with authority(version, ALLOWED) as (stand_in, bus), client(STRANGER) as (connection, pid):
        with started(inside=bus.within) as (keeper, _):
            assert keeper.run_command(connection, "/bin/echo", "a b", as_root=True)[1] == b"a b\n"
        by_descriptor = {"pidfd": pid, "uid": STRANGER}
        by_number = {"pid": pid, "start-time": start_time(pid), "uid": STRANGER}
        details = {"program": "/bin/echo", "command_line": "/bin/echo 'a b'", "input": "none"}
        [(_, *question)] = stand_in.questions
        # 1: somebody may be asked.
        assert question == [
            "unix-process", by_descriptor if int(version) >= 124 else by_number, COMMAND_ACTION, details, 1]


def test_a_question_that_is_taken_back_leaves_the_bus(authority, started):
    """Which is what polkit takes it back by."""
    with authority("126") as (stand_in, bus), client(STRANGER) as (connection, _):
        with started(inside=bus.within) as (keeper, _):
            number = keeper.ask_command(connection, "/bin/true", as_root=True)
            assert eventually(lambda: stand_in.questions)
            asker = stand_in.questions[0][0]
            assert asker not in stand_in.left
            keeper.end(type("Command", (), {"number": number}))
            assert "not wanted any more" in keeper.wait_for("refused").reason
            assert eventually(lambda: asker in stand_in.left) and askers(keeper) == []


def change_users(polkit, directory, *added):
    """Who there is where this polkit runs: everybody but `cloister`, and these."""
    users = directory / "passwd"
    others = [line for line in read("/etc/passwd").decode().splitlines() if not line.startswith("cloister:")]
    users.write_text("\n".join([*others, *added, ""]))
    subprocess.run([*polkit.within, "mount", "--bind", users, "/etc/passwd"], check=True)


@pytest.fixture
def owned(tmp_path):
    """A polkit for which `cloister` is the owner of our actions, on a machine that has this user."""
    rule = command_rule('polkit.spawn(["/bin/sleep", "1"]); return polkit.Result.YES;')
    with Polkit(owner="cloister", rule=rule) as authority:
        change_users(authority, tmp_path, f"cloister:x:{OWNER}:{OWNER}::/:/usr/sbin/nologin")
        yield authority


def test_who_asks_is_the_owner_of_the_action_without_any_right(owned, started):
    """polkit 122 answers it about another user's process; and cloisterd, of the same user, cannot put words into its
    mouth."""
    with client(STRANGER) as (connection, _), started(inside=[*owned.within, *IN_GROUPS]) as (keeper, _):
        keeper.ask_command(connection, "/usr/bin/id", "-u", as_root=True)
        assert eventually(lambda: [pid for pid in askers(keeper) if status(pid, "Uid").split() == [str(OWNER)] * 4])
        [asker] = askers(keeper)
        assert status(asker, "Gid").split() == [str(OWNER)] * 4 and status(asker, "Groups") == ""
        assert eventually(lambda: status(asker, "NoNewPrivs") == "1")
        assert {status(asker, name) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == {NO_RIGHT}
        # Nobody of its own user can trace it or look into it: what it has in /proc is root's.
        assert os.stat(f"/proc/{asker}/mem").st_uid == 0
        look = subprocess.run(
            ["cat", f"/proc/{asker}/environ"], user=OWNER, group=OWNER, extra_groups=[], capture_output=True)
        assert b"Permission denied" in look.stderr
        kind, running = keeper.reply()
        assert kind == "built" and running.finish(1)[1] == b"0\n"
        running.close()


def test_celld_without_the_right_to_kill_others_takes_a_question_back_too(authority, started, tmp_path):
    """Who asks is another user, and ends when its socket is closed: celld never waits for somebody whom it cannot end."""
    with authority("126") as (stand_in, bus), client(STRANGER) as (connection, _):
        change_users(bus, tmp_path, f"cloister:x:{OWNER}:{OWNER}::/:/usr/sbin/nologin")
        with started(inside=[*bus.within, "setpriv", "--bounding-set=-kill", "--inh-caps=-kill"]) as (keeper, _):
            number = keeper.ask_command(connection, "/bin/true", as_root=True)
            assert eventually(lambda: stand_in.questions)
            # CAP_KILL
            assert int(status(keeper.process.pid, "CapEff"), 16) & 1 << 5 == 0
            keeper.end(type("Command", (), {"number": number}))
            assert "not wanted any more" in keeper.wait_for("refused").reason
            assert askers(keeper) == []


def test_where_the_owner_is_nobody_here_root_asks_without_any_right(authority, started, tmp_path):
    with authority("122") as (stand_in, bus), client(STRANGER) as (connection, _):
        change_users(bus, tmp_path)
        with started(inside=[*bus.within, *IN_GROUPS]) as (keeper, _):
            keeper.ask_command(connection, "/bin/true", as_root=True)
            assert eventually(lambda: stand_in.questions)
            [asker] = askers(keeper)
            assert status(asker, "Uid").split() == ["0"] * 4 and status(asker, "Groups") == ""
            assert {status(asker, name) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == {NO_RIGHT}
            assert status(asker, "NoNewPrivs") == "1"


# MARK: By itself


class Asker:
    """The program, started as celld does, about any process."""

    def __init__(self, address, pidfd, pid, start, uid=STRANGER, details=()):
        self.channel, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Out of the way of the numbers that it shall see.
        numbers = [fcntl.fcntl(number, fcntl.F_DUPFD, 20) for number in (other.fileno(), pidfd)]
        other.close()
        place = 'exec "$0" "$@" 3<&{0} 4<&{1} {0}<&- {1}<&-'.format(*numbers)
        words = [os.path.join(BINARIES, "cloister-authorize"), pid, start, uid, COMMAND_ACTION, *details]
        self.process = subprocess.Popen(
            ["bash", "-c", place, *map(str, words)], pass_fds=numbers, stderr=subprocess.PIPE,
            env={"DBUS_SYSTEM_BUS_ADDRESS": address}, text=True)
        for number in numbers:
            os.close(number)

    def end(self):
        """Its exit status, and what it said."""
        said = self.process.communicate(timeout=20)[1]
        self.channel.close()
        return self.process.returncode, said


@contextlib.contextmanager
def held(pid):
    pidfd = os.pidfd_open(pid)
    assert host_pid(pidfd) == pid
    try:
        yield pidfd
    finally:
        os.close(pidfd)


@pytest.fixture
def process():
    with client(STRANGER) as (_, pid):
        yield pid


@pytest.mark.parametrize(
    ("answer", "exit_status"), [(ALLOWED, 40), (DENIED, 41), (NEEDS_AGENT, 42), (DISMISSED, 43)])
def test_each_answer_has_its_exit_status(authority, process, answer, exit_status):
    with authority("126", answer) as (_, bus), held(process) as pidfd:
        assert Asker(bus.address, pidfd, process, 1).end() == (exit_status, "")


@pytest.mark.parametrize("version", ["126", "122"])
def test_a_client_that_has_ended_is_not_asked_about(authority, process, version):
    """Not even when its number is somebody else's by now, who would be allowed it."""
    with authority(version, ALLOWED) as (stand_in, bus), held(process) as pidfd:
        assert Asker(bus.address, pidfd, process, start_time(process)).end()[0] == 40
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        assert Asker(bus.address, pidfd, os.getpid(), start_time(os.getpid())).end() == (44, "")
        assert len(stand_in.questions) == 1


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"polkitd": False}, "org.freedesktop.PolicyKit1 was not provided"), ({"polkitd": False, "bus": False}, "the bus cannot be reached")],
    ids=["no polkitd", "no bus"],
)
def test_without_polkit_it_says_why_it_could_not_ask(process, options, reason):
    with Polkit(**options) as bus, held(process) as pidfd:
        exit_status, said = Asker(bus.address, pidfd, process, start_time(process)).end()
        assert exit_status == 1 and said.startswith("cloister-authorize: polkit cannot be asked: ") and reason in said


def test_a_polkit_that_goes_has_not_allowed_anything(authority, process):
    with authority("126") as (stand_in, bus), held(process) as pidfd:
        asker = Asker(bus.address, pidfd, process, 1)
        assert eventually(lambda: stand_in.questions)
        stand_in.__exit__()
        exit_status, said = asker.end()
        assert exit_status == 1 and "polkit cannot be asked" in said


def test_it_ends_when_celld_closes_its_socket(authority, process):
    with authority("126") as (stand_in, bus), held(process) as pidfd:
        asker = Asker(bus.address, pidfd, process, 1)
        assert eventually(lambda: stand_in.questions)
        assert asker.process.poll() is None
        asker.channel.close()
        assert asker.process.wait(5) == 1
        assert eventually(lambda: stand_in.questions[0][0] in stand_in.left)


@pytest.mark.parametrize("details", [["program"], ["program", "/bin/id", "input"]])
def test_half_a_question_is_none(authority, process, details):
    with authority("126", ALLOWED) as (stand_in, bus), held(process) as pidfd:
        assert Asker(bus.address, pidfd, process, 1, details=details).end()[0] == 1
        assert stand_in.questions == []
