"""Whose cell it is: the kernel's word about the socket that came with the plan, and nobody else's."""

import contextlib
import os
import pwd
import signal
import socket

import pytest

from cells import Refusal, data, integer, plan
from clients import client
from machine import children, eventually, host_pid, read, status

NOBODY = pwd.getpwnam("nobody").pw_uid


USERS = [(1000, 1000, ()), (1, 1, ()), (4242, 100, ()), (4_000_000_000, 4_000_000_000, ()), (1000, 1000, (0, 4, 27))]


@pytest.mark.parametrize(("uid", "gid", "groups"), USERS)
def test_a_cell_is_its_clients(celld, uid, gid, groups):
    with client(uid, gid, groups) as (connection, _):
        cell = celld.build(client=connection)
    script = "id -u; id -g; id -G; cat /proc/self/uid_map /proc/self/gid_map; whoami; touch file; stat -c %u:%g file"
    lines = cell.shell(script)[1].decode().split("\n")
    assert lines[:3] == [str(uid), str(gid), str(gid)]
    assert [line.split() for line in lines[3:5]] == [[str(uid)] * 2 + ["1"], [str(gid)] * 2 + ["1"]]
    assert lines[5:7] == ["cell", f"{uid}:{gid}"]
    first = host_pid(cell.pidfd)
    assert status(first, "Uid").split() == [str(uid)] * 4
    assert status(first, "Gid").split() == [str(gid)] * 4
    assert status(first, "Groups") == ""
    cell.close()


def test_a_client_that_is_root_gets_an_unprivileged_cell(celld):
    with client(0) as (connection, _):
        cell = celld.build(client=connection)
    assert cell.shell("id -u; id -G")[1].decode().split() == [str(NOBODY)] * 2
    assert status(host_pid(cell.pidfd), "Uid").split() == [str(NOBODY)] * 4
    cell.close()


def test_a_client_in_the_group_of_root_does_not_take_it_along(celld):
    """Its group is the one that is mapped; root's is refused rather than given."""
    with client(1000, gid=0) as (connection, _):
        with pytest.raises(Refusal) as refusal:
            celld.build(client=connection).close()
    assert refusal.value.wall is None and "root" in refusal.value.reason


def test_the_user_of_roots_cells_can_be_named(started):
    with started(options=["--cell-user", "33"]) as (keeper, _):
        cell = keeper.build()
        assert cell.shell("id -u")[1] == b"33\n"
        cell.close()


@pytest.mark.parametrize("user", ["0", "root"])
def test_the_user_of_roots_cells_is_never_root(started, user):
    with started(options=["--cell-user", user]) as (keeper, _):
        cell = keeper.build()
        assert cell.shell("id -u")[1] == f"{NOBODY}\n".encode()
        cell.close()


def test_a_plan_without_a_socket_is_refused(celld):
    refusal = celld.knock()
    assert refusal.wall is None
    assert "no client's socket" in refusal.reason
    celld.build().close()


@pytest.mark.parametrize("kind", ["file", "pipe", "TCP"])
def test_what_is_no_unix_socket_is_no_client(celld, kind):
    """Nobody's credentials, or those of uid -1, which must not become anybody."""
    with contextlib.ExitStack() as stack:
        if kind == "file":
            other = stack.enter_context(open("/dev/null"))
        elif kind == "pipe":
            reading, writing = os.pipe()
            other = stack.enter_context(os.fdopen(reading))
            stack.enter_context(os.fdopen(writing))
        else:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            other = stack.enter_context(socket.create_connection(listener.getsockname()))
        with pytest.raises(Refusal) as refusal:
            celld.build(client=other).close()
    assert refusal.value.reason.startswith("the client ")
    celld.build().close()


def test_a_socket_that_nobody_connected_is_no_client(celld):
    with socket.socket(socket.AF_UNIX) as lonely:
        with pytest.raises(Refusal) as refusal:
            celld.build(client=lonely).close()
    assert refusal.value.wall is None
    celld.build().close()


@pytest.mark.parametrize("reaped", [True, False], ids=["reaped", "zombie"])
def test_a_client_that_has_ended_gets_no_cell(celld, reaped):
    """A kernel of today names a process even after its end: that the process can be named is not enough."""
    with client(1000) as (connection, pid):
        os.kill(pid, signal.SIGKILL)
        if reaped:
            os.waitpid(pid, 0)
        else:
            assert eventually(lambda: (status(pid, "State") or "Z").startswith("Z"))
        with pytest.raises(Refusal) as refusal:
            celld.build(client=connection).close()
    assert "client is gone" in refusal.value.reason
    celld.build().close()


def test_the_socket_of_the_plan_is_closed_with_it(celld):
    one, other = socket.socketpair()
    with one, other:
        other.settimeout(5)
        cell = celld.build(client=one)
        one.close()
        assert other.recv(1) == b"", "somebody has it still"
        cell.close()


def test_a_user_has_a_share_of_cells_and_no_more(started):
    with started(options=["--cells-of-user", "3"]) as (keeper, _):
        with client(1000) as (one, _), client(1001) as (other, _):
            cells = [keeper.build(client=one) for _ in range(3)]
            with pytest.raises(Refusal) as refusal:
                keeper.build(client=one)
            assert "user 1000 has 3 cells, which is the limit" in refusal.value.reason
            cells.append(keeper.build(client=other))
            cells.pop(0).close()
            assert keeper.wait_for("gone") == 1
            cells.append(keeper.build(client=one))
            for cell in cells:
                cell.close()


def test_all_users_have_a_share_of_cells_and_no_more(started):
    with started(options=["--cells", "2"]) as (keeper, _):
        with client(1000) as (one, _), client(1001) as (other, _):
            cells = [keeper.build(client=each) for each in (one, other)]
            with pytest.raises(Refusal) as refusal:
                keeper.build(client=one)
            assert "there are 2 cells, which is the limit" in refusal.value.reason
            for cell in cells:
                cell.close()


def test_a_plan_cannot_say_whose_it_is(celld):
    """What is more than the plan makes no sense, and ends the connection."""
    with client(1000) as (connection, _):
        celld.cells += 1
        encoded = plan() + integer(4, 0)
        celld._send(integer(1, 1) + integer(4, celld.cells) + data(encoded), connection)
        with pytest.raises((EOFError, ConnectionResetError)):
            celld.reply()


def spare(keeper):
    """The process that waits for the next cell: celld's one child while there is no cell."""
    found = children(keeper.process.pid)
    return found[0] if len(found) == 1 else None


def mapped(pid):
    return read(f"/proc/{pid}/uid_map").decode().split()


def can_signal(uid, pid):
    """Whether a process of this user could end another one."""
    child = os.fork()
    if child == 0:
        os.setresuid(uid, uid, uid)
        try:
            os.kill(pid, 0)
        except PermissionError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_spare_is_for_whoever_connected_last_and_nobodys_until_it_has_its_order(started):
    """It makes that user's files, and the user's other processes have no hand on it."""
    with started(spares=1) as (keeper, _):
        for uid in [1000, 4242]:
            with client(uid) as (connection, _):
                keeper.identify(connection)
                assert eventually(lambda: mapped(spare(keeper)) == [str(uid)] * 2 + ["1"])
                waiting = spare(keeper)
                assert eventually(lambda: status(waiting, "Uid").split() == ["0", "0", "0", str(uid)])
                assert not can_signal(uid, waiting)
                with client(77) as (other, _):
                    cell = keeper.build(client=other)
                assert host_pid(cell.pidfd) != waiting and cell.shell("id -u")[1] == b"77\n"
                cell.close()
                assert keeper.wait_for("gone") == cell.number
                # Now it would be for the one who had a cell last.
                keeper.identify(connection)
                assert eventually(lambda: mapped(spare(keeper)) == [str(uid)] * 2 + ["1"])
                waiting = spare(keeper)
                cell = keeper.build(client=connection)
            assert host_pid(cell.pidfd) == waiting and cell.shell("id -u")[1] == f"{uid}\n".encode()
            assert can_signal(uid, waiting)
            cell.close()
            assert keeper.wait_for("gone") == cell.number


def test_a_user_whom_a_spare_cannot_become_is_heard_of_when_there_is_a_plan(started):
    """And not before: celld goes on, with a spare that is everybody's."""
    with started(spares=1, inject="write=1") as (keeper, _):
        with client(1000) as (connection, _):
            before = spare(keeper)
            keeper.identify(connection)
            assert eventually(lambda: spare(keeper) not in (None, before))
            waiting = spare(keeper)
            assert waiting and mapped(waiting) == []
            with pytest.raises(Refusal) as refusal:
                keeper.build(client=connection)
            assert refusal.value.wall == "userns"
