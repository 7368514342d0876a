"""How clients hear that the tools have changed."""

import anyio
import mcp
import pytest
from mcp.client.caching import CacheConfig
from mcp.client.subscriptions import ToolsListChanged

from clients import LEGACY, MODERN
from eventually import eventually


class Changes:
    """Counts list_changed notifications: the client's message handler."""

    def __init__(self):
        self.count = 0

    async def __call__(self, message):
        if isinstance(message, Exception):
            raise message
        self.count += message.method == "notifications/tools/list_changed"


async def names(client) -> set[str]:
    found, cursor = set(), None
    while True:
        page = await client.list_tools(cursor=cursor)
        found |= {tool.name for tool in page.tools}
        if (cursor := page.next_cursor) is None:
            return found


@pytest.mark.parametrize("era", LEGACY, ids=str)
async def test_every_legacy_client_is_told(fixture_daemon, connect, era):
    here, there = Changes(), Changes()
    async with (
        connect(fixture_daemon, era, message_handler=here) as client,
        connect(fixture_daemon, era, message_handler=there) as other,
    ):
        assert "fixture_extra" not in await names(client) | await names(other)
        await client.call_tool("fixture_toggle", {})
        await eventually(lambda: here.count and there.count, "a notification to both")
        assert "fixture_extra" in await names(client)
        assert "fixture_extra" in await names(other)


async def test_a_modern_client_that_listens_is_told(fixture_daemon, connect):
    async with connect(fixture_daemon, MODERN, cache=CacheConfig()) as client:
        assert "fixture_extra" not in await names(client)
        async with client.listen(tools_list_changed=True) as subscription:
            assert subscription.honored.tools_list_changed
            await client.call_tool("fixture_toggle", {})
            assert await anext(subscription) == ToolsListChanged()
            assert "fixture_extra" in await names(client)


async def test_a_modern_client_that_does_not_listen_is_not_told(fixture_daemon, connect):
    changes, heard = Changes(), Changes()
    async with (
        connect(fixture_daemon, MODERN, message_handler=changes) as client,
        connect(fixture_daemon, LEGACY[-1], message_handler=heard) as legacy,
    ):
        await legacy.send_ping()  # once this is answered, its session is fully open
        await client.call_tool("fixture_toggle", {})
        await eventually(lambda: heard.count, "the notification to a legacy client, as the control")
        await client.list_tools()
        assert changes.count == 0


async def test_a_client_may_listen_twice_and_stop_one_of_them(fixture_daemon, connect):
    async with connect(fixture_daemon, MODERN) as client:
        async with client.listen(tools_list_changed=True) as first:
            async with client.listen(tools_list_changed=True) as second:
                assert first.subscription_id != second.subscription_id
                await client.call_tool("fixture_toggle", {})
                assert await anext(first) == await anext(second) == ToolsListChanged()
            await client.call_tool("fixture_toggle", {})
            assert await anext(first) == ToolsListChanged()


async def test_only_what_the_daemon_has_is_acknowledged(fixture_daemon, connect):
    async with connect(fixture_daemon, MODERN) as client:
        async with client.listen(prompts_list_changed=True, tools_list_changed=True) as subscription:
            assert subscription.honored.tools_list_changed
            assert not subscription.honored.prompts_list_changed


async def test_a_subscription_ends_gracefully_with_the_daemon(fixture_daemon, connect):
    """The SDK tells a result, the graceful end, from a connection that just went away."""
    async with connect(fixture_daemon, MODERN) as client:
        async with client.listen(tools_list_changed=True) as subscription:
            fixture_daemon.ask_to_stop()
            with anyio.fail_after(10), pytest.raises(StopAsyncIteration):
                await anext(subscription)
