"""FastMCP's client, the other one that many applications are built on."""

import os

import fastmcp
import pytest
from fastmcp.client.transports import StdioTransport

from clients import structured

MODES = ["legacy", "auto"]


@pytest.fixture
def fast_client(bridge_to):
    def client(daemon, mode: str, **options):
        command = bridge_to(daemon.socket)
        transport = StdioTransport(command[0], command[1:], env=dict(os.environ), keep_alive=False)
        return fastmcp.Client(transport, mode=mode, timeout=20, **options)

    return client


@pytest.mark.parametrize("mode, revision", [("legacy", "2025-11-25"), ("auto", "2026-07-28")])
async def test_it_agrees_on_the_newest_revision_of_its_mode(cloisterd, fast_client, mode, revision):
    async with fast_client(cloisterd, mode) as client:
        assert client.protocol_version == revision


@pytest.mark.parametrize("mode", MODES)
async def test_it_lists_all_pages(fixture_daemon, fast_client, mode):
    async with fast_client(fixture_daemon, mode) as client:
        names = [tool.name for tool in await client.list_tools()]
        assert len(names) == len(set(names)) == 10
        assert {"system_info", "fixture_echo", "fixture_toggle"} <= set(names)


@pytest.mark.parametrize("mode", MODES)
async def test_it_calls_system_info(cloisterd, fast_client, mode):
    async with fast_client(cloisterd, mode) as client:
        result = await client.call_tool("system_info")
        assert structured(result)["kernel"]
        assert result.data is not None  # built from the output schema


@pytest.mark.parametrize("mode", MODES)
async def test_a_failing_tool_raises_with_the_tools_own_words(fixture_daemon, fast_client, mode):
    async with fast_client(fixture_daemon, mode) as client:
        with pytest.raises(fastmcp.exceptions.ToolError, match="the disk is full"):
            await client.call_tool("fixture_fail", {"message": "the disk is full"})


async def test_it_pings_in_the_legacy_era(cloisterd, fast_client):
    async with fast_client(cloisterd, "legacy") as client:
        assert await client.ping()


@pytest.mark.parametrize("mode", MODES)
async def test_progress_reaches_its_handler(fixture_daemon, fast_client, mode):
    reports = []

    async def report(progress, total, message):
        reports.append((progress, total, message))

    async with fast_client(fixture_daemon, mode, progress_handler=report) as client:
        result = await client.call_tool("fixture_progress", {"steps": 3, "delay_ms": 20})
        assert result.content[0].text == "done"
    assert reports == [(step, 3, f"step {step}") for step in (1, 2, 3)]
