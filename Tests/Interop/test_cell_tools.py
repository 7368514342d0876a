"""The tools that work in a cell, through the whole way: SDK, bridge, daemon, celld, cell, program."""

import base64
import os
import time

import anyio
import jsonschema
import mcp
import pytest

from clients import MODERN, structured

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a workspace's limit needs a celld that is root")

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


def text(result):
    return "\n".join(block.text for block in result.content if block.type == "text")


async def fields(client, era, tool, **arguments):
    """The structured content of a call that worked, checked against the tool's schema."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text(result)
    if not era.since("2025-06-18"):
        return None
    value = structured(result)
    [schema] = [each.output_schema for each in (await client.list_tools()).tools if each.name == tool]
    jsonschema.validate(value, schema)
    return value


async def test_every_tool_works_in_every_revision(cell_daemon, connect, era):
    async with connect(cell_daemon, era) as client:

        async def call(tool, **arguments):
            return await fields(client, era, tool, **arguments)

        new = era.since("2025-06-18")
        await call("write_file", path="d/a.txt", content="one\ntwo\nthree\n", make_parents=True)
        read = await call("read_file", path="d/a.txt", first_line=2, line_count=1)
        await call("edit_file", path="d/a.txt", edits=[{"old_text": "two", "new_text": "2"}])
        patch = "--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n-one\n+ONE\n 2\n three\n"
        await call("apply_patch", patch=patch, directory="d")
        listed = await call("list_directory", path="d")
        found = await call("find_files", pattern="**/*.txt")
        matches = await call("search_files", pattern="^ON[E]$")
        await call("make_directory", path="e/f", parents=True)
        await call("copy_file", **{"from": "d/a.txt", "to": "e/b.txt"})
        await call("move_file", **{"from": "e/b.txt", "to": "e/c.txt"})
        info = await call("file_info", path="e/c.txt")
        await call("delete_file", path="e", recursive=True)
        ran = await call("run_command", command="cat d/a.txt; exit 3")
        code = await call("run_code", language="python3", source="print(6 * 7)")
        await call("start_process", argv=["cat"])
        await call("process_input", process=1, text="hello\n", close=True)
        processes = await call("list_processes")
        await call("stop_process", process=1)
        output = await call("process_output", process=1)
        if new:
            assert read["is_complete"] is False and read["first_line"] == 2
            assert "a.txt" in str(listed["entries"])
            assert "d/a.txt" in str(found) and "ONE" in str(matches)
            assert info["size_bytes"] == 12
            assert (ran["exit_code"], ran["stdout"]) == (3, "ONE\n2\nthree\n")
            assert code["stdout"] == "42\n"
            assert len(processes["processes"]) == 1
            assert "hello" in str(output)


async def test_a_picture_comes_as_a_picture(cell_daemon, connect):
    async with connect(cell_daemon, MODERN) as client:
        await client.call_tool(
            "write_file", {"path": "p.png", "content": base64.b64encode(PNG).decode(), "encoding": "base64"}
        )
        result = await client.call_tool("read_file", {"path": "p.png"})
        [picture] = [block for block in result.content if block.type == "image"]
        assert picture.mime_type == "image/png" and base64.b64decode(picture.data) == PNG


async def test_output_comes_as_progress_while_the_program_runs(cell_daemon, connect, era):
    pieces = []

    async def note(progress, total, message):
        pieces.append((time.monotonic(), message or ""))

    async with connect(cell_daemon, era) as client:
        await client.call_tool(
            "run_command", {"command": "echo first; sleep 0.5; echo second"}, progress_callback=note
        )
    assert len(pieces) >= 2
    assert pieces[-1][0] - pieces[0][0] > 0.3
    if era.since("2025-03-26"):
        assert "first" in pieces[0][1] and "second" in pieces[-1][1]


async def test_a_call_that_is_given_up_ends_all_that_it_started(cell_daemon, connect):
    async with connect(cell_daemon, MODERN) as client:
        started = time.monotonic()
        with anyio.move_on_after(1):
            await client.call_tool("run_command", {"command": "setsid sleep 77 & sleep 77"})
        assert time.monotonic() - started < 5
        for _ in range(50):
            left = structured(await client.call_tool("run_command", {"command": "ps -eo args"}))["stdout"]
            if "sleep 77" not in left:
                return
            await anyio.sleep(0.1)
        pytest.fail(f"still running:\n{left}")


async def test_a_timeout_ends_the_whole_tree(cell_daemon, connect):
    async with connect(cell_daemon, MODERN) as client:
        result = await client.call_tool(
            "run_command", {"command": "(sleep 78 & sleep 78) & echo out; sleep 78", "timeout_seconds": 1}
        )
        assert result.is_error and "timed out after 1 s" in text(result)
        assert result.structured_content["timed_out"] and result.structured_content["stdout"] == "out\n"
        left = structured(await client.call_tool("run_command", {"command": "ps -eo args"}))["stdout"]
        assert "sleep 78" not in left


async def test_long_output_is_cut_and_all_of_it_is_in_a_file(cell_daemon, connect):
    async with connect(cell_daemon, MODERN) as client:
        ran = structured(await client.call_tool("run_command", {"command": "seq 200000"}))
        assert ran["stdout_bytes"] == 1288895 > len(ran["stdout"])
        file = ran["stdout_file"]
        end = await client.call_tool("read_file", {"path": file, "first_line": 199999})
        assert text(end).splitlines()[:2] == ["199999", "200000"]


@pytest.mark.parametrize("said_by", ["bridge", "application"])
async def test_a_client_finds_its_files_again_and_another_application_does_not(cell_daemon, connect, era, said_by):
    def session(name):
        if said_by == "bridge":
            return connect(cell_daemon, era, client=name)
        return connect(
            cell_daemon, era, client=None, client_info=mcp.types.Implementation(name=name, version="1")
        )

    async with session("Editor") as client:
        await client.call_tool("write_file", {"path": "mine", "content": "x"})
    async with session("Editor") as client:
        assert text(await client.call_tool("read_file", {"path": "mine"})) == "x"
    async with session("other") as client:
        assert (await client.call_tool("read_file", {"path": "mine"})).is_error


@pytest.mark.parametrize(
    "tool, arguments, words",
    [
        ("read_file", {"path": "/etc/shadow"}, ["/etc/shadow"]),
        ("read_file", {"path": "../../etc/shadow"}, ["outside", "/workspace"]),
        ("read_file", {"path": "/root/.ssh/id_rsa"}, ["not permitted"]),
        ("write_file", {"path": "/usr/bin/x", "content": ""}, ["not permitted", "FILE_WRITE_GLOBAL /usr/bin/x"]),
        ("read_file", {"path": "out/passwd"}, ["out", "leads"]),
        ("read_file", {"path": "a\0b"}, ["NUL"]),
        ("read_file", {"path": "fifo"}, ["named pipe"]),
        ("run_command", {"argv": ["no-such-program"]}, ["no-such-program"]),
        ("run_command", {"command": "true", "working_directory": "/nowhere"}, ["/nowhere"]),
        ("run_command", {}, ["command", "argv"]),
        ("run_command", {"command": "x", "timeout": 3}, ["unknown argument", "timeout_seconds"]),
        ("search_files", {"pattern": "("}, ["pattern"]),
        ("stop_process", {"process": 99}, ["99"]),
    ],
    ids=lambda value: None if isinstance(value, (dict, list)) else value,
)
async def test_what_cannot_be_done_is_said_in_words(cell_daemon, connect, tool, arguments, words):
    async with connect(cell_daemon, MODERN) as client:
        await client.call_tool("run_command", {"command": "ln -sfn /etc out; mkfifo fifo"})
        result = await client.call_tool(tool, arguments)
        assert result.is_error
        for word in words:
            assert word in text(result), text(result)


async def test_without_its_walls_there_is_no_cell_and_the_client_is_told_which(cloisterd, connect):
    """On a machine that has all of cgroup v2's controllers for us, there is a cell, and it works."""
    async with connect(cloisterd, MODERN) as client:
        result = await client.call_tool("run_command", {"command": "true"})
        if result.is_error:
            assert "wall cgroup" in text(result) and "What helps" in text(result)


async def test_programs_of_two_clients_do_not_see_each_other(cell_daemon, connect):
    async with connect(cell_daemon, MODERN) as one, connect(cell_daemon, MODERN) as other:
        await one.call_tool("start_process", {"command": "sleep 79"})
        seen = structured(await other.call_tool("run_command", {"command": "ps -eo args; ls -A /tmp"}))
        assert "sleep 79" not in seen["stdout"]
