"""The peer for tool calls: an MCP server over stdio, written as the official Python SDK suggests.

Its one tool answers what Cloister's system_info answers, from the same files. The tool is a coroutine
and logs nothing, because that is the faster way to write it with this SDK.
"""

import os

from mcp.server.mcpserver import MCPServer
from typing_extensions import TypedDict


class Memory(TypedDict):
    total_bytes: int
    available_bytes: int


class SystemInfo(TypedDict):
    kernel: str
    distribution: str
    cpus: int
    memory: Memory
    load: list[float]
    uptime_seconds: float
    time_zone: str


def read(path: str) -> str:
    with open(path) as file:
        return file.read()


def distribution() -> str:
    for line in read("/etc/os-release").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return "unknown"


def memory() -> Memory:
    fields = dict(line.split(":", 1) for line in read("/proc/meminfo").splitlines())
    return {
        "total_bytes": int(fields["MemTotal"].split()[0]) * 1024,
        "available_bytes": int(fields["MemAvailable"].split()[0]) * 1024,
    }


def time_zone() -> str:
    try:
        return os.readlink("/etc/localtime").partition("zoneinfo/")[2] or "UTC"
    except OSError:
        return "UTC"


server = MCPServer("peer", log_level="ERROR")


@server.tool(description="Kernel, distribution, processors, memory, load, uptime and time zone.")
async def system_info() -> SystemInfo:
    return {
        "kernel": read("/proc/sys/kernel/osrelease").strip(),
        "distribution": distribution(),
        "cpus": os.cpu_count() or 1,
        "memory": memory(),
        "load": [float(field) for field in read("/proc/loadavg").split()[:3]],
        "uptime_seconds": float(read("/proc/uptime").split()[0]),
        "time_zone": time_zone(),
    }


if __name__ == "__main__":
    server.run("stdio")
