"""What a call reports while it runs: progress and log messages."""

import mcp
import pytest

from clients import LEGACY, MODERN
from eventually import eventually


class Log:
    """Collects log messages: the client's logging callback."""

    def __init__(self):
        self.messages = []

    async def __call__(self, params):
        self.messages.append((params.level, params.logger, params.data))


async def test_progress_reaches_the_caller_in_order(fixture_daemon, connect, era):
    reports = []

    async def report(progress, total, message):
        reports.append((progress, total, message))

    async with connect(fixture_daemon, era) as client:
        result = await client.call_tool(
            "fixture_progress", {"steps": 5, "delay_ms": 10}, progress_callback=report
        )
        assert result.content[0].text == "done"
        await eventually(lambda: len(reports) == 5, "five reports")
    for step, (progress, total, message) in enumerate(reports, start=1):
        assert (progress, total) == (step, 5)
        if era.since("2025-03-26"):
            assert message == f"step {step}"


async def test_no_progress_is_reported_to_a_caller_who_did_not_ask(fixture_daemon, connect_raw, era):
    with connect_raw(fixture_daemon) as connection:
        params = connection.open(era)
        call = {"name": "fixture_progress", "arguments": {"steps": 2, "delay_ms": 1}}
        connection.send({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call | params})
        assert b'"result"' in connection.receive()


@pytest.mark.parametrize("era", LEGACY, ids=str)
async def test_a_legacy_client_gets_the_log_from_the_level_it_set(fixture_daemon, connect, era):
    log = Log()
    async with connect(fixture_daemon, era, logging_callback=log) as client:
        await client.set_logging_level("warning")
        await client.call_tool("fixture_log", {"level": "info", "text": "below", "count": 2})
        await client.call_tool("fixture_log", {"level": "error", "text": "above", "count": 3})
        await eventually(lambda: len(log.messages) >= 3, "three messages")
        await client.set_logging_level("debug")
        await client.call_tool("fixture_log", {"level": "info", "text": "now", "count": 1})
        await eventually(lambda: len(log.messages) >= 4, "a fourth message")
    assert log.messages == [("error", "fixture", "above")] * 3 + [("info", "fixture", "now")]


@pytest.mark.parametrize("era", LEGACY, ids=str)
def test_a_level_that_does_not_exist_is_refused(fixture_daemon, connect_raw, era):
    with connect_raw(fixture_daemon) as connection:
        connection.open(era)
        assert connection.ask(1, "logging/setLevel", level="loud")["error"]["code"] == -32602


async def test_a_modern_client_gets_the_log_of_the_requests_that_ask_for_it(fixture_daemon, connect):
    log = Log()
    level = "io.modelcontextprotocol/logLevel"
    async with connect(fixture_daemon, MODERN, logging_callback=log) as client:

        async def call(message_level, text, **options):
            arguments = {"level": message_level, "text": text, "count": 1}
            await client.call_tool("fixture_log", arguments, **options)

        await call("emergency", "nobody asked")
        await call("info", "asked for", meta={level: "info"})
        await call("info", "below", meta={level: "warning"})
        await call("emergency", "nobody asked any more")
        await call("error", "the last", meta={level: "debug"})
        await eventually(lambda: len(log.messages) >= 2, "two messages")
    assert log.messages == [("info", "fixture", "asked for"), ("error", "fixture", "the last")]


async def test_a_modern_client_can_ask_for_the_log_with_every_request(fixture_daemon, connect):
    log = Log()
    async with connect(fixture_daemon, MODERN, logging_callback=log, log_level="warning") as client:
        await client.call_tool("fixture_log", {"level": "info", "text": "below", "count": 2})
        await client.call_tool("fixture_log", {"level": "alert", "text": "above", "count": 2})
        await eventually(lambda: len(log.messages) >= 2, "two messages")
    assert log.messages == [("alert", "fixture", "above")] * 2


async def test_a_modern_request_with_a_level_that_does_not_exist_is_refused(fixture_daemon, connect):
    async with connect(fixture_daemon, MODERN, log_level="loud") as client:
        with pytest.raises(mcp.MCPError) as refusal:
            await client.list_tools()
        assert refusal.value.error.code == -32602
