"""Bytes that make no sense, to celld and to a cell: whoever sends them loses what they had, and nobody else does."""

import os
import random
import socket
import struct
import subprocess

import pytest

from cells import BINARIES, Celld, Failure, Limits, Refusal, WALLS, data, integer, plan, text
from clients import client
from machine import descriptors, eventually, group_of, host_pid, kilobytes, loop_devices

LONGEST = 128 << 10


class Listening:
    """A celld with a listening socket, as systemd would start it, and any number of connections."""

    def __init__(self, directory):
        self.state = str(directory)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(f"{self.state}/celld.sock")
        listener.listen()
        self.listener = listener

        # In a group of its own, because it makes the one it is in its cells'.
        self.group = group_of(self.state).replace("cloister-", "listening-")
        os.mkdir(self.group)

        def enter():
            with open(f"{self.group}/cgroup.procs", "w") as procs:
                procs.write("0")
            os.dup2(listener.fileno(), 3)

        # As systemd does it: whom the socket is for is said by the number of the process, which only it knows.
        self.process = subprocess.Popen(
            ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", os.path.join(BINARIES, "cloister-celld"), "--state", self.state, "--spares", "0", "--best-effort", "cgroup",
             "--cell-user", "nobody"],
            preexec_fn=enter, pass_fds=[3], env=dict(os.environ, LISTEN_FDS="1"), stderr=subprocess.PIPE,
        )  # fmt: skip

    def connect(self):
        connection = Celld.__new__(Celld)
        connection.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.socket.connect(f"{self.state}/celld.sock")
        connection.socket.settimeout(30)
        connection.cells, connection.state, connection.process = 0, self.state, self.process
        return connection

    def stop(self):
        self.process.terminate()
        log = self.process.stderr.read().decode()
        self.process.wait(20)
        self.process.stderr.close()
        self.listener.close()
        for name in ("keeper", ""):
            path = os.path.join(self.group, name)
            assert eventually(lambda: removed(path)), os.listdir(path)
        return log


def removed(path):
    try:
        os.rmdir(path)
    except OSError:
        return not os.path.exists(path)
    return True


@pytest.fixture
def listening(tmp_path):
    tmp_path.chmod(0o755)
    running = Listening(tmp_path)
    yield running
    running.stop()


def build(payload, cell=1):
    return integer(1, 1) + integer(4, cell) + data(payload)


PLAN = plan()
SENSELESS = {
    "one byte": b"\0",
    "no kind": b"\x09" + integer(4, 1),
    "a kind alone": b"\x01",
    "half a number": b"\x02\0\0",
    "an end and more": integer(1, 2) + integer(4, 1) + b"\0",
    "an empty plan": build(b""),
    "a plan of another version": build(integer(2, 2) + PLAN[2:]),
    "a plan and more": build(PLAN + b"\0"),
    "a length of everything": integer(1, 1) + integer(4, 1) + integer(4, 0xFFFFFFFF) + PLAN,
    "a length of one more": integer(1, 1) + integer(4, 1) + integer(4, len(PLAN) + 1) + PLAN,
    "no application": build(plan("")),
    "a long application": build(plan("a" * 65)),
    "an application that climbs": build(plan("../../etc")),
    "an application with a slash": build(plan("a/b")),
    "a hidden application": build(plan(".a")),
    "an application with NUL": build(plan("a\0b")),
    "an application in capitals": build(plan("ABC")),
    "an application that is no text": build(plan("\udcff")),
    "a flag of two": build(PLAN.replace(text("test") + b"\1", text("test") + b"\2")),
    "a wall that is none": build(plan(may_lack=1 << len(WALLS))),
    "all walls and more": build(plan(may_lack=0xFFFFFFFF)),
    "sixty-five trees": build(plan(trees=[("/usr", False)] * 65)),
    "a relative tree": build(plan(trees=[("usr", False)])),
    "a tree that climbs": build(plan(trees=[("/usr/../etc", False)])),
    "a tree of dots": build(plan(trees=[("/usr/.", False)])),
    "a tree with an empty part": build(plan(trees=[("/usr//lib", False)])),
    "the root": build(plan(trees=[("/", False)])),
    "a tree with NUL": build(plan(trees=[("/usr\0", False)])),
    "a tree that is too long": build(plan(trees=[("/" + "a" * 4095, False)])),
    "no memory": build(plan(limits=Limits(memory_most=0))),
    "no tasks": build(plan(limits=Limits(tasks=1))),
    "all tasks": build(plan(limits=Limits(tasks=2**32 - 1))),
    "all memory": build(plan(limits=Limits(memory_most=2**64 - 1))),
    "no room": build(plan(limits=Limits(temporary_bytes=0))),
    "all files": build(plan(limits=Limits(open_files=2**63))),
    "more than fits": b"\x01" * (LONGEST + 1),
}


@pytest.mark.parametrize("name", SENSELESS)
def test_a_senseless_message_cuts_its_own_connection_alone(listening, name):
    good, bad = listening.connect(), listening.connect()
    kept = good.build()
    lost = bad.build()
    bad._send(SENSELESS[name], bad.socket)
    with pytest.raises((EOFError, ConnectionError)):
        # Its cells go with it, and that is all that it hears.
        while True:
            assert bad.wait_for("gone") == lost.number
    with pytest.raises((EOFError, ConnectionError)):
        lost.run("true")
    assert kept.shell("echo here")[1] == b"here\n"
    third = good.build()
    assert third.shell("echo here")[1] == b"here\n"
    for cell in (kept, lost, third):
        cell.close()
    for connection in (good, bad):
        connection.socket.close()


def test_celld_ends_with_its_only_connection_when_that_makes_no_sense(started):
    """As --connection says: nobody could reach its cells any more."""
    with started() as (keeper, traces):
        cell = traces.watch(keeper.build())
        keeper.socket.send(b"\xff" * 100)
        assert "a connection of cloisterd is cut" in keeper.log()
        assert keeper.process.returncode == 0
        traces.assert_gone()
        cell.close()


@pytest.mark.timeout(120)
def test_celld_survives_whatever_is_sent(listening):
    """Random bytes, and good plans with some of them changed or cut. The seed is fixed, so a failure comes back."""
    random.seed(20261121)
    good = listening.connect()
    kept = good.build()
    good.knock()  # what went with the answer before is closed
    before = descriptors(listening.process.pid)
    whole = build(plan("a", trees=[("/usr/share", False), ("/usr/lib", True)]))
    for attempt in range(400):
        bad = listening.connect()
        kind = attempt % 4
        if kind == 0:
            message = random.randbytes(random.randrange(1, 600))
        elif kind == 1:
            message = whole[: random.randrange(1, len(whole))]
        else:
            changed = bytearray(whole)
            for _ in range(random.randrange(1, 4)):
                changed[random.randrange(len(changed))] = random.randrange(256)
            message = bytes(changed)
        try:
            bad._send(message, bad.socket)
            value = bad.reply()[1] if kind > 1 else None
            if hasattr(value, "close"):
                value.close()
        except (EOFError, ConnectionError):
            pass
        bad.socket.close()
    assert listening.process.poll() is None
    assert kept.shell("echo here")[1] == b"here\n"
    # A plan may have been changed into one of a workspace that is kept, which stays ready for a while.
    ready = 2 * len(loop_devices(listening.state))
    assert eventually(lambda: descriptors(listening.process.pid) == before + ready)
    kept.close()
    good.socket.close()


@pytest.mark.parametrize("count", [2, 8, 16, 253])
def test_more_sockets_than_one_are_not_kept(listening, count):
    """The first is the client's; with so many that they do not fit, the message is refused whole."""
    connection = listening.connect()
    connection.knock()
    before = descriptors(listening.process.pid)
    one, other = socket.socketpair()
    with one, other:
        socket.send_fds(connection.socket, [build(PLAN)], [one.fileno()] * count)
        try:
            connection.wait_for("built").close()
            assert connection.wait_for("gone") == 1
        except (EOFError, ConnectionError):
            assert count > 2
            before -= 1
    assert eventually(lambda: descriptors(listening.process.pid) == before)
    again = listening.connect()
    again.build().close()
    again.socket.close()
    connection.socket.close()


def test_connections_have_a_limit_and_wait_beyond_it(listening):
    connections = [listening.connect() for _ in range(20)]
    for connection in connections[:16]:
        connection.knock()
    connections[16].socket.settimeout(0.3)
    with pytest.raises(TimeoutError):
        connections[16].knock()
    connections[0].socket.close()
    connections[16].socket.settimeout(5)
    assert connections[16].wait_for("refused")
    for connection in connections[1:]:
        connection.socket.close()


# MARK: Trees


def test_sixty_four_trees_are_given(celld, tmp_path):
    open_up(tmp_path)
    trees = []
    for number in range(64):
        directory = tmp_path / f"{number}"
        directory.mkdir(mode=0o755)
        (directory / "file").write_text(f"{number}\n")
        trees.append((str(directory), False))
    cell = celld.build(plan(trees=trees))
    assert b"tmp" in cell.run("ls", "/")[1]
    output = cell.shell(f"cat {tmp_path}/*/file; touch {tmp_path}/5/new || echo no")[1].decode().split()
    assert sorted(output[:-1], key=int) == [str(number) for number in range(64)] and output[-1] == "no"
    cell.close()


def open_up(path):
    """pytest's directories are the user's own, up to the one that all have."""
    for each in (path, *path.parents):
        if each.owner() == "root" and str(each).startswith("/tmp/"):
            each.chmod(each.stat().st_mode | 0o055)


@pytest.fixture
def open_path(tmp_path):
    open_up(tmp_path)
    return tmp_path


def refusal_of(celld, path, writable=False):
    with pytest.raises(Refusal) as refusal:
        celld.build(plan(trees=[(str(path), writable)])).close()
    celld.build().close()
    return refusal.value


def test_a_tree_that_is_not_there_is_refused(celld, open_path):
    refusal = refusal_of(celld, open_path / "nothing")
    assert refusal.wall == "fileview" and "No such file" in refusal.reason and "nothing" in refusal.reason


def test_a_tree_that_the_user_cannot_reach_is_refused(celld, open_path):
    """Also where celld, which is root, could: the cell opens it with its user's rights."""
    (open_path / "closed").mkdir()
    (open_path / "closed" / "inner").mkdir()
    (open_path / "closed").chmod(0o700)
    refusal = refusal_of(celld, open_path / "closed" / "inner")
    assert refusal.wall == "fileview" and "Permission denied" in refusal.reason
    (open_path / "closed").chmod(0o755)
    celld.build(plan(trees=[(str(open_path / "closed" / "inner"), False)])).close()


def test_what_the_user_cannot_read_stays_closed_inside(celld, open_path):
    (open_path / "secret").mkdir()
    (open_path / "secret" / "file").write_text("secret")
    (open_path / "secret").chmod(0o700)
    cell = celld.build(plan(trees=[(str(open_path / "secret"), True)]))
    ended, output, errors = cell.shell(f"ls {open_path}/secret; cat {open_path}/secret/file")
    assert output == b"" and errors.count(b"Permission denied") == 2
    cell.close()


@pytest.mark.parametrize("place", ["last", "middle"])
def test_a_tree_through_a_symbolic_link_is_refused(celld, open_path, place):
    """A path names one place: whoever owns a directory on it cannot say later that it is another."""
    (open_path / "real" / "inner").mkdir(parents=True)
    (open_path / "link").symlink_to("real")
    path = {"last": open_path / "link", "middle": open_path / "link" / "inner"}[place]
    refusal = refusal_of(celld, path)
    assert refusal.wall == "fileview" and "symbolic links" in refusal.reason
    celld.build(plan(trees=[(str(open_path / "real" / "inner"), False)])).close()


@pytest.mark.parametrize(
    "path", ["/proc", "/proc/1", "/proc/sys/kernel", "/dev", "/dev/shm", "/dev/null", "/workspace", "/workspace/a", "/tmp"]
)
def test_a_tree_in_a_place_of_the_cells_own_is_refused(celld, path):
    """The host's processes would be in /proc, and what is written to /workspace would go elsewhere."""
    assert f"{path} cannot be given: each cell has its own there" in refusal_of(celld, path).reason


@pytest.mark.parametrize("path", ["/etc", "/usr", "/usr/bin", "/devices", "/etc/ssl"])
def test_a_tree_in_a_place_that_all_cells_see_does_not_break_one(celld, path):
    """Given, where there is one; and the cell works and has its walls."""
    if not os.path.exists(path):
        assert refusal_of(celld, path).wall == "fileview"
        return
    cell = celld.build(plan(trees=[(path, False)]))
    assert set(cell.gaps) == {"cgroup"}
    assert cell.shell("id -u; ls / >/dev/null && readlink /proc/self/exe")[0].exit == 0
    assert cell.shell("cat /proc/1/comm; ls /proc | grep -c '^[0-9]*$'")[1].split()[0] == b"cloister-cell"
    assert cell.shell("test -e /etc/shadow && cat /etc/shadow")[0].exit != 0
    cell.close()


def test_trees_that_share_a_place_are_given_or_refused(celld, open_path):
    (open_path / "a" / "b").mkdir(parents=True)
    (open_path / "a" / "b" / "file").write_text("x")
    outer, inner = str(open_path / "a"), str(open_path / "a" / "b")
    for trees in ([(outer, False), (inner, False)], [(inner, False), (outer, False)], [(outer, False)] * 2):
        cell = celld.build(plan(trees=trees))
        assert cell.run("cat", f"{inner}/file")[1] == b"x"
        cell.close()


def test_a_file_can_be_a_tree(celld, open_path):
    (open_path / "file").write_text("x")
    (open_path / "file").chmod(0o666)
    cell = celld.build(plan(trees=[(str(open_path / "file"), False)]))
    assert cell.run("cat", str(open_path / "file"))[1] == b"x"
    assert b"Read-only" in cell.shell(f"echo y > {open_path}/file")[2]
    cell.close()


# MARK: To a cell


def frame(kind, payload=b"", call=1, length=None):
    return integer(4, len(payload) + 5 if length is None else length) + integer(4, call) + integer(1, kind) + payload


ENDS = {
    "no length": frame(2, length=0),
    "less than a header": frame(2, length=4),
    "more than the most": frame(2, length=(24 << 20) + 6),
    "a length of everything": frame(2, length=0xFFFFFFFF),
    "no kind": frame(0),
    "a kind that nobody knows": frame(99),
    "noise": bytes(range(200, 256)) * 20,
}
FAILS = {
    "an empty request": frame(2),
    "a request that is none": frame(2, b"\x09"),
    "a run of nothing": frame(2, b"\x01"),
    "as many arguments as there are": frame(2, b"\x01" + integer(4, 0xFFFFFFFF)),
    "an argument of everything": frame(2, b"\x01" + integer(4, 1) + integer(4, 0xFFFFFFFF)),
    "a file request that is none": frame(1, b"\xff" * 100),
    "an empty file request": frame(1),
    "an answer": frame(17),
    "a failure": frame(19, b"\0" * 40),
    "output": frame(20, b"text"),
    "a process that is not there": frame(2, b"\x03" + integer(4, 9) + b"\0" + integer(8, 0) + integer(4, 9)),
    "input for nobody": frame(2, b"\x04" + integer(4, 9) + data(b"x") + b"\0"),
    "a signal to nobody": frame(2, b"\x05" + integer(4, 9) + b"\x09" + integer(4, 0)),
    "a signal of 0": frame(2, b"\x05" + integer(4, 9) + b"\0" + integer(4, 0)),
    "megabytes of nothing": frame(2, b"\0" * (20 << 20)),
    "megabytes for files": frame(1, b"\1" * (20 << 20)),
}


@pytest.mark.parametrize("name", ENDS)
def test_a_stream_that_makes_no_sense_ends_the_cell(celld, name):
    cell, other = celld.build(), celld.build()
    cell.work.sendall(ENDS[name])
    with pytest.raises((EOFError, ConnectionError)):
        cell.receive()
    assert celld.wait_for("gone") == cell.number
    assert other.shell("echo here")[1] == b"here\n"
    cell.close()
    other.close()


@pytest.mark.parametrize("name", FAILS)
def test_a_request_that_makes_no_sense_is_a_failure(celld, name):
    cell = celld.build()
    cell.work.sendall(FAILS[name])
    call, kind, payload = cell.receive()
    assert (call, kind) == (1, 19)
    assert len(Failure(payload).message) > 10
    assert cell.shell("echo here")[1] == b"here\n"
    assert eventually(lambda: kilobytes(host_pid(cell.pidfd), "VmRSS") < 16 << 10)
    cell.close()


def test_half_a_frame_and_silence_hold_nobody(celld):
    cell, other = celld.build(), celld.build()
    cell.work.sendall(frame(2, b"x" * 100)[:-50])
    assert other.shell("echo here")[1] == b"here\n"
    cell.work.sendall(b"y" * 50)
    assert cell.receive()[1] == 19
    cell.work.sendall(frame(2, b"x" * 100)[:-50])
    cell.close()
    assert celld.wait_for("gone") == cell.number
    other.close()


def test_a_frame_that_comes_in_single_bytes_arrives(celld):
    cell = celld.build()
    cell.work.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 0)
    for byte in frame(2, b"\x06"):
        cell.work.send(bytes([byte]))
    assert cell.receive() == (1, 18, b"\x05" + struct.pack("<I", 0))
    cell.close()


@pytest.mark.timeout(120)
def test_cells_and_celld_survive_whatever_is_sent_to_a_cell(started):
    """Good requests with some bytes changed: each is answered, or ends that cell. No process is left by any."""
    random.seed(20261121)
    arguments = integer(4, 2) + text("sleep") + text("0") + integer(4, 1) + text("PATH=/usr/bin") + text("/tmp")
    requests = [
        frame(2, b"\x01" + arguments + data(b"in") + integer(4, 1000) + integer(4, 100)),
        frame(2, b"\x02" + arguments),
        frame(1, b"\x01" + text("/workspace") + b"\0" * 40),
        frame(3),
    ]
    with started() as (keeper, traces):
        kept = keeper.build()
        for attempt in range(150):
            cell = traces.watch(keeper.build())
            stream = b""
            for _ in range(5):
                changed = bytearray(random.choice(requests))
                # The length mostly stays, or nothing behind it would be read.
                first = 0 if random.random() < 0.1 else 4
                for _ in range(random.randrange(0, 3)):
                    changed[random.randrange(first, len(changed))] = random.randrange(256)
                stream += changed
            cell.work.sendall(stream)
            if attempt % 2:
                cell.work.shutdown(socket.SHUT_WR)
            cell.close()
            assert keeper.wait_for("gone") == cell.number
        assert kept.shell("echo here")[1] == b"here\n"
        kept.close()
        assert keeper.wait_for("gone") == kept.number
        traces.assert_no_cells()


def test_a_client_of_celld_that_is_another_user_changes_nothing_for_a_cells_protocol(celld):
    """The cell's socket is cloisterd's, whoever the cell is for."""
    with client(1000) as (connection, _):
        cell = celld.build(client=connection)
    cell.work.sendall(frame(99))
    with pytest.raises((EOFError, ConnectionError)):
        cell.receive()
    cell.close()


@pytest.mark.parametrize(
    ("kind", "pid", "complaint"),
    [
        (socket.SOCK_STREAM, "$$", "no listening Unix socket of packets"),
        (socket.SOCK_SEQPACKET, "1", "no socket was passed by systemd"),
    ],
)
def test_a_celld_that_is_handed_something_else_says_so(tmp_path, kind, pid, complaint):
    with socket.socket(socket.AF_UNIX, kind) as listener:
        listener.bind(str(tmp_path / "celld.sock"))
        listener.listen()
        script = f'LISTEN_PID={pid} LISTEN_FDS=1 exec "$@" 3<&{listener.fileno()}'
        run = subprocess.run(
            ["bash", "-c", script, "bash", os.path.join(BINARIES, "cloister-celld"), "--state", str(tmp_path)],
            pass_fds=[listener.fileno()], capture_output=True, text=True, timeout=30)
    assert run.returncode == 1
    assert complaint in run.stderr
