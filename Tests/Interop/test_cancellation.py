"""A call that nobody waits for any more is stopped. The daemon's own counter is the proof."""

import os
import signal

import anyio
import mcp
import pytest

from clients import structured
from eventually import eventually

HOUR = {"ms": 3_600_000}


async def cancelled(client) -> int:
    return structured(await client.call_tool("fixture_cancelled", {}))["count"]


async def stops(client, count: int) -> None:
    async def reached():
        return await cancelled(client) == count

    await eventually(reached, f"{count} stopped calls")


async def test_a_call_stops_when_its_caller_gives_up(fixture_daemon, connect, era):
    async with connect(fixture_daemon, era) as client:
        assert await cancelled(client) == 0
        with anyio.move_on_after(0.3):
            await client.call_tool("fixture_sleep", HOUR)
        await stops(client, 1)


async def test_a_call_stops_when_its_time_is_up(fixture_daemon, connect, era):
    async with connect(fixture_daemon, era) as client:
        with pytest.raises(mcp.MCPError, match="timed out"):
            await client.call_tool("fixture_sleep", HOUR, read_timeout_seconds=0.3)
        await stops(client, 1)


async def test_only_the_cancelled_call_stops(fixture_daemon, connect, era):
    async with connect(fixture_daemon, era) as client, anyio.create_task_group() as group:
        finished = []

        async def sleep():
            finished.append((await client.call_tool("fixture_sleep", {"ms": 1000})).content[0].text)

        group.start_soon(sleep)
        with anyio.move_on_after(0.3):
            await client.call_tool("fixture_sleep", HOUR)
        await stops(client, 1)
        await eventually(lambda: finished == ["slept"], "the other call's result")
        assert await cancelled(client) == 1


async def test_calls_stop_when_their_client_is_killed(fixture_daemon, connect, connect_raw, era):
    with connect_raw(fixture_daemon) as doomed:
        params = doomed.open(era)
        for identifier in range(3):
            call = {"name": "fixture_sleep", "arguments": HOUR, **params}
            doomed.send({"jsonrpc": "2.0", "id": identifier, "method": "tools/call", "params": call})
        async with connect(fixture_daemon, era) as client:
            await anyio.sleep(0.3)
            assert await cancelled(client) == 0
            os.killpg(doomed.process.pid, signal.SIGKILL)
            await stops(client, 3)


def test_a_cancelled_call_is_not_answered(fixture_daemon, connect_raw, era):
    with connect_raw(fixture_daemon) as connection:
        params = connection.open(era)
        call = {"name": "fixture_sleep", "arguments": {"ms": 500}, **params}
        connection.send({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": call})
        cancel = {"requestId": 7, "reason": "test"}
        connection.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancel})
        # This one sleeps for longer: had the other call gone on, it would be answered first.
        longer = {"name": "fixture_sleep", "arguments": {"ms": 1000}}
        connection.ask(8, "tools/call", **longer, **params)


def test_the_id_in_a_cancellation_has_a_type(fixture_daemon, connect_raw, era):
    with connect_raw(fixture_daemon) as connection:
        params = connection.open(era)
        call = {"name": "fixture_sleep", "arguments": {"ms": 500}, **params}
        connection.send({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": call})
        connection.send(
            {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "7"}}
        )
        assert "result" in connection.answer(7)
