"""The official Python SDK as an application of an ordinary user has it: the installed bridge, both eras."""

import asyncio
import os
import sys

import mcp
from mcp.client.stdio import stdio_client


async def session(mode):
    server = mcp.StdioServerParameters(
        command="/usr/bin/cloister-bridge", args=["--client", f"sdk-{mode}"], env=dict(os.environ)
    )
    async with mcp.Client(stdio_client(server), mode=mode, read_timeout_seconds=120) as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        assert {"run_command", "read_file", "write_file", "system_info"} <= set(tools), tools
        await client.call_tool("write_file", {"path": "greeting", "content": "good day\n"})
        answer = await client.call_tool("run_command", {"command": "id -u; cat greeting"})
        assert not answer.is_error, answer
        assert answer.structured_content["stdout"] == f"{os.getuid()}\ngood day\n", answer
        print(mode, client.protocol_version, "ok")


for mode in sys.argv[1:]:
    asyncio.run(session(mode))
