"""Whoever dies, and however: within two seconds nothing of the cells is left, and the others go on."""

import os
import select
import signal
import tempfile

import pytest

from cells import NATIVE, Celld, Failure, Refusal, plan
from machine import Traces, children, eventually, group_of, host_pid, namespace, processes_in

SECONDS = 2


def busy(keeper, traces, **options):
    """A cell in which a tree of processes sleeps."""
    cell = traces.watch(keeper.build(**options))
    call = cell.start(["sh", "-c", "sleep 300 & setsid sleep 300 & echo on; sleep 300"])
    assert cell.receive()[2] == b"on\n"
    assert eventually(lambda: len(processes_in(namespace(host_pid(cell.pidfd)))) >= 6)
    return cell, call


def has_ended(pidfd, within=SECONDS):
    return bool(select.select([pidfd], [], [], within)[0])


def assert_works(cell):
    ended, output, _ = cell.shell("echo still here")
    assert (ended.exit, output) == (0, b"still here\n")


def rest_of_messages(keeper):
    """Until celld says nothing more for a while."""
    keeper.socket.settimeout(0.3)
    messages = []
    try:
        while True:
            messages.append(keeper.reply())
    except (TimeoutError, EOFError):
        return messages
    finally:
        keeper.socket.settimeout(30)


def kill_first(keeper, cell, call):
    os.kill(host_pid(cell.pidfd), signal.SIGKILL)


def close_work(keeper, cell, call):
    cell.work.close()


def ask_for_end(keeper, cell, call):
    keeper.end(cell)


def kill_starter(keeper, cell, call):
    cell.shell("kill -9 2")


def kill_everybody(keeper, cell, call):
    # The starter is among those that anybody in the cell can kill.
    cell.start(["sh", "-c", "kill -9 -1"])


def kill_starter_from_outside(keeper, cell, call):
    os.kill(next(pid for pid in processes_in(namespace(host_pid(cell.pidfd))) if inner(pid) == 2), signal.SIGKILL)


def inner(pid):
    with open(f"/proc/{pid}/status") as lines:
        return int(next(line for line in lines if line.startswith("NSpid")).split()[-1])


def newborns(keeper):
    """Without the process that starts them: that is for a moment celld's child, too."""
    own = namespace(keeper.process.pid)
    return [pid for pid in children(keeper.process.pid) if namespace(pid) not in (None, own)]


DEATHS = [kill_first, close_work, ask_for_end, kill_starter, kill_everybody, kill_starter_from_outside]


@pytest.mark.parametrize("ephemeral", [True, False], ids=["ephemeral", "kept"])
@pytest.mark.parametrize("death", DEATHS, ids=lambda death: death.__name__)
def test_a_cell_that_ends_leaves_nothing_and_the_others_go_on(started, death, ephemeral):
    with started() as (keeper, traces):
        other = keeper.build()
        cell, call = busy(keeper, traces, encoded_plan=plan(ephemeral=ephemeral))
        groups = traces.groups()
        try:
            death(keeper, cell, call)
        except (EOFError, ConnectionError, Failure):
            pass  # it was faster than its answer, which then says so or does not come
        assert keeper.wait_for("gone") == cell.number
        assert has_ended(cell.pidfd)
        assert eventually(lambda: not any(processes_in(each) for each in traces.namespaces), SECONDS)
        assert eventually(lambda: len(traces.groups()) == len(groups) - 1, SECONDS)
        assert rest_of_messages(keeper) == []
        assert_works(other)
        cell.close()
        other.close()


def test_what_is_asked_for_twice_ends_once(started):
    with started() as (keeper, traces):
        cell, _ = busy(keeper, traces)
        for _ in range(5):
            keeper.end(cell)
        assert keeper.wait_for("gone") == cell.number
        keeper.end(cell)
        assert rest_of_messages(keeper) == []
        cell.close()


@pytest.mark.parametrize("number", [0, 77, 0xFFFFFFFF])
def test_an_end_of_a_cell_that_is_not_there_means_nothing(celld, number):
    cell = celld.build()
    celld.end(type("Nobody", (), {"number": number}))
    assert_works(cell)
    cell.close()


@pytest.mark.parametrize("ephemeral", [True, False], ids=["ephemeral", "kept"])
def test_a_celld_that_is_killed_takes_its_cells_along(ephemeral):
    """And one with the same directory takes away the groups, which nobody else can."""
    with tempfile.TemporaryDirectory(prefix="cells.") as state:
        first = Celld(best_effort=NATIVE, state=state)
        traces = Traces(first)
        cells = [busy(first, traces, encoded_plan=plan(f"a{number}", ephemeral))[0] for number in range(3)]
        first.process.kill()
        assert all(has_ended(cell.pidfd) for cell in cells)
        assert eventually(lambda: not any(processes_in(each) for each in traces.namespaces), SECONDS)
        for cell in cells:
            with pytest.raises((EOFError, ConnectionError)):
                while True:
                    cell.receive()
            cell.close()
        first.stop()
        assert traces.groups(), "there would be nothing to take away"
        second = Celld(best_effort=NATIVE, state=state)
        second.knock()
        assert traces.groups() == []
        cell = second.build(plan("a0", ephemeral))
        assert_works(cell)
        cell.close()
        second.stop()
        traces.assert_gone()


def test_a_celld_that_is_to_be_replaced_goes_on_until_its_last_cell_has_ended(celld):
    first = celld.build()
    celld.process.send_signal(signal.SIGHUP)
    second = celld.build()
    assert_works(second)
    first.close()
    assert celld.wait_for("gone") == first.number
    assert_works(second)
    assert celld.process.poll() is None
    second.close()
    assert celld.process.wait(SECONDS) == 0


def test_a_celld_that_is_asked_to_end_does_so_in_order(started):
    with started() as (keeper, traces):
        cells = [busy(keeper, traces)[0] for _ in range(3)]
        keeper.process.send_signal(signal.SIGTERM)
        gone = [keeper.wait_for("gone") for _ in cells]
        assert sorted(gone) == [1, 2, 3]
        with pytest.raises((EOFError, ConnectionError)):
            keeper.reply()
        assert keeper.process.wait(SECONDS) == 0
        traces.assert_gone()
        for cell in cells:
            cell.close()


def test_the_end_of_cloisterd_is_the_end_of_celld_and_all_cells(started):
    with started() as (keeper, traces):
        cells = [busy(keeper, traces)[0] for _ in range(3)]
        keeper.socket.close()
        assert all(has_ended(cell.pidfd) for cell in cells)
        assert keeper.process.wait(SECONDS) == 0
        traces.assert_gone()
        for cell in cells:
            cell.close()


def test_a_cell_whose_client_has_gone_while_it_was_built_leaves_nothing(started):
    """cloisterd asks for many and goes without having heard of one."""
    with started() as (keeper, traces):
        for _ in range(20):
            keeper.ask(plan())
        keeper.socket.close()
        assert keeper.process.wait(SECONDS) == 0
        traces.assert_gone()


def test_a_first_process_that_is_stopped_can_be_ended(started):
    with started() as (keeper, traces):
        cell, _ = busy(keeper, traces)
        os.kill(host_pid(cell.pidfd), signal.SIGSTOP)
        keeper.end(cell)
        assert keeper.wait_for("gone") == cell.number
        traces.assert_no_cells()
        cell.close()


def test_a_first_process_that_dies_while_it_is_built_is_a_refusal(started):
    """Its walls are never known, so nobody hears that it stands."""
    with started() as (keeper, traces):
        keeper.knock()
        for _ in range(10):
            keeper.ask(plan())
            first = []
            assert eventually(lambda: first.extend(newborns(keeper)) or first)
            os.kill(first[0], signal.SIGKILL)
            kind, value = keeper.reply()
            if kind == "built":  # it was faster
                assert keeper.wait_for("gone") == value.number
                value.close()
            else:
                assert isinstance(value, Refusal) and value.wall is None
            traces.assert_no_cells()
        assert_works(cell := keeper.build())
        cell.close()


def test_an_unread_answer_does_not_hold_celld(started):
    """Its socket fills up with `gone`; cloisterd reads none of it, and loses its cells rather than celld."""
    with started(options=["--cells-of-user", "1000"]) as (keeper, traces):
        keeper.socket.setblocking(False)
        try:
            for _ in range(3000):
                keeper.ask(plan())
        except BlockingIOError:
            pass
        keeper.socket.settimeout(30)
        keeper.socket.close()
        assert keeper.process.wait(20) == 0
        traces.assert_gone()


def test_the_group_of_a_standalone_celld_goes_with_it(started):
    with started() as (keeper, _):
        keeper.build().close()
        assert os.path.isdir(group_of(keeper.state))
    assert not os.path.exists(group_of(keeper.state))
