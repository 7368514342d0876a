"""Listing tools and calling them."""

import base64
import json
import platform
import time

import anyio
import jsonschema
import mcp
import pytest

from clients import structured

FIXTURES = {
    "fixture_" + name
    for name in "progress log sleep cancelled fail content echo big toggle".split()
}
# The revision in which each kind of content appeared.
CONTENT = {
    "text": "2024-11-05",
    "image": "2024-11-05",
    "resource": "2024-11-05",
    "audio": "2025-03-26",
    "resource_link": "2025-06-18",
}


TOOLS = set(
    """system_info read_file write_file edit_file apply_patch list_directory find_files search_files file_info
    make_directory move_file copy_file delete_file run_command run_code start_process process_output
    process_input stop_process list_processes""".split()
)


async def test_the_daemon_offers_its_tools_as_the_revision_knows_them(cloisterd, connect, era):
    async with connect(cloisterd, era) as client:
        listing = await client.list_tools()
        assert listing.next_cursor is None
        assert {tool.name for tool in listing.tools} == TOOLS
        for tool in listing.tools:
            assert tool.description
            assert tool.input_schema["additionalProperties"] is False
            assert all("description" in each for each in tool.input_schema.get("properties", {}).values())
            if era.since("2025-06-18"):
                assert tool.title and tool.output_schema["type"] == "object"
            if era.since("2025-03-26"):
                assert tool.annotations.read_only_hint is not None


async def test_system_info_describes_this_machine_as_its_schema_says(cloisterd, connect, era):
    async with connect(cloisterd, era) as client:
        tools = (await client.list_tools()).tools
        [tool] = [tool for tool in tools if tool.name == "system_info"]
        result = await client.call_tool("system_info")  # the SDK validates it against the schema too
        information = structured(result)
        if era.since("2025-06-18"):
            jsonschema.validate(information, tool.output_schema)
        assert json.loads(result.content[0].text) == information  # for clients that only read text
        assert {"kernel", "distribution", "cpus", "memory", "load", "uptime_seconds"} <= information.keys()
        assert any("zone" in name.lower() for name in information)
        assert platform.release() in json.dumps(information["kernel"])


async def test_arguments_that_the_schema_forbids_are_refused(cloisterd, connect, era):
    """In the result, where the model sees it: 2025-11-25 requires that, and before it was allowed."""
    async with connect(cloisterd, era) as client:
        assert (await client.call_tool("system_info", {"unexpected": 1})).is_error


async def test_the_listing_comes_in_pages_to_its_end(fixture_daemon, connect, era):
    async with connect(fixture_daemon, era) as client:
        names, cursor = [], None
        while True:
            page = await client.list_tools(cursor=cursor)
            assert 1 <= len(page.tools) <= 3
            names += [tool.name for tool in page.tools]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert len(names) == len(set(names))
        assert set(names) == FIXTURES | {"system_info"}


async def test_a_cursor_of_someone_elses_making_is_refused(fixture_daemon, connect, era):
    async with connect(fixture_daemon, era) as client:
        with pytest.raises(mcp.MCPError) as refusal:
            await client.list_tools(cursor="no such cursor")
        assert refusal.value.error.code == -32602


async def test_a_tool_that_fails_says_so_in_its_result(fixture_daemon, connect, era):
    async with connect(fixture_daemon, era) as client:
        result = await client.call_tool("fixture_fail", {"message": "the disk is full"})
        assert result.is_error
        assert "the disk is full" in result.content[0].text


async def test_an_unknown_tool_is_an_error_of_the_protocol(fixture_daemon, connect, era):
    async with connect(fixture_daemon, era) as client:
        with pytest.raises(mcp.MCPError) as refusal:
            await client.call_tool("no_such_tool", {})
        assert refusal.value.error.code == -32602


@pytest.mark.parametrize("kind", CONTENT)
async def test_content_arrives_in_kinds_that_the_revision_knows(fixture_daemon, connect, era, kind):
    async with connect(fixture_daemon, era) as client:
        result = await client.call_tool("fixture_content", {"kind": kind})
        assert not result.is_error and result.content
        types = {block.type for block in result.content}
        if era.since(CONTENT[kind]):
            assert kind in types
        assert all(era.since(CONTENT[type]) for type in types)
        for block in result.content:
            if block.type in ("image", "audio"):
                assert block.mime_type.startswith(block.type + "/")
                assert base64.b64decode(block.data, validate=True)


async def test_values_are_passed_on_as_they_are(fixture_daemon, connect, era):
    values = [
        2**63,
        -(2**63) - 1,
        2**53 + 1,
        1.0,
        0.1,
        True,
        None,
        "",
        "\0 \u2028 \U0001f512 \N{LATIN SMALL LETTER E}\N{COMBINING ACUTE ACCENT}",
        [[], {}, [None]],
        {"": {"a/b": "~", "a.b": 0}},
    ]
    async with connect(fixture_daemon, era) as client:
        for value in values:
            echo = structured(await client.call_tool("fixture_echo", {"value": value}))
            assert json.dumps(echo) == json.dumps({"value": value})  # 1 and 1.0 differ, as text


async def test_a_result_of_five_megabytes_arrives_whole(fixture_daemon, connect, era):
    async with connect(fixture_daemon, era) as client:
        text = (await client.call_tool("fixture_big", {"bytes": 5_000_000})).content[0].text
        assert len(text) == 5_000_000
        assert set(text) == {"x"}


async def test_an_argument_of_a_megabyte_arrives_whole(fixture_daemon, connect, era):
    value = "0123456789abcdef" * 65536
    async with connect(fixture_daemon, era) as client:
        assert structured(await client.call_tool("fixture_echo", {"value": value})) == {"value": value}


async def test_fifty_calls_run_at_once_and_each_gets_its_own_answer(fixture_daemon, connect, era):
    answers = {}
    async with connect(fixture_daemon, era) as client:

        async def call(number: int) -> None:
            await client.call_tool("fixture_sleep", {"ms": 400})
            answers[number] = structured(await client.call_tool("fixture_echo", {"value": number}))

        await client.list_tools()
        started = time.monotonic()
        async with anyio.create_task_group() as group:
            for number in range(50):
                group.start_soon(call, number)
        seconds = time.monotonic() - started
    assert answers == {number: {"value": number} for number in range(50)}
    assert seconds < 10, f"one after the other they take 20 s, and these took {seconds:.1f}"
