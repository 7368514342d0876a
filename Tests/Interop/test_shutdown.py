"""How connections end, and what a client is told when there is no daemon.

That the daemon ends with status 0 when asked is checked after every test: see `Daemon.stop`.
"""

import os
import re
import signal
import time

import anyio
import mcp
import pytest

from clients import ERAS, Era, RawConnection, sdk_client


def test_the_bridge_ends_when_its_client_is_done(cloisterd, connect_raw, era):
    """Within 2 s: after that, the SDK kills it."""
    with connect_raw(cloisterd) as connection:
        connection.open(era)
        started = time.monotonic()
        assert connection.close() == 0
        assert time.monotonic() - started < 2


async def test_the_daemon_ends_under_a_client_in_the_middle_of_a_call(fixture_daemon, connect, era):
    async with connect(fixture_daemon, era) as client, anyio.create_task_group() as group:

        async def stop_soon():
            await anyio.sleep(0.3)
            fixture_daemon.ask_to_stop()

        group.start_soon(stop_soon)
        with anyio.fail_after(10), pytest.raises(mcp.MCPError):
            await client.call_tool("fixture_sleep", {"ms": 3_600_000})
    fixture_daemon.assert_stopped()


def test_the_daemon_outlives_clients_that_vanish(cloisterd, connect_raw):
    for _ in range(10):
        with connect_raw(cloisterd) as connection:
            connection.initialize("2025-11-25")
            connection.send(b'{"jsonrpc":"2.0","id":1,"method":"tools/call","par')
            os.killpg(connection.process.pid, signal.SIGKILL)
    with connect_raw(cloisterd) as connection:
        assert connection.initialize("2025-11-25")["protocolVersion"] == "2025-11-25"


def protocol_error(error: BaseException) -> mcp.MCPError | None:
    """The SDK's error, out of the exception groups that its task groups wrap around it."""
    if isinstance(error, mcp.MCPError):
        return error
    nested = map(protocol_error, getattr(error, "exceptions", ()))
    return next((inner for inner in nested if inner), None)


@pytest.mark.parametrize("era", ERAS, ids=str)
async def test_without_a_daemon_the_client_is_told_what_to_do(bridge_to, tmp_path, era):
    with anyio.fail_after(15), pytest.raises(BaseException) as failure:
        async with sdk_client(bridge_to(tmp_path / "mcp.sock"), era):
            pass
    error = protocol_error(failure.value)
    assert error is not None, f"not an answer of the bridge: {failure.value!r}"
    text = error.error.message
    assert "cloisterd" in text
    assert re.search(r"systemctl|start", text, re.IGNORECASE), text
    assert error.error.code != -32000, "the bridge closed the connection instead of answering"


def test_without_a_daemon_every_request_is_answered_and_then_the_bridge_ends(bridge_to, tmp_path):
    with RawConnection(bridge_to(tmp_path / "mcp.sock")) as connection:
        assert "cloisterd" in connection.ask("a", "tools/list")["error"]["message"]
        assert "cloisterd" in connection.ask(2, "ping")["error"]["message"]
        connection.close()
