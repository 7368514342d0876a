"""The peer for tool calls: an MCP server over stdio, written as the official Python SDK suggests.

Its one tool answers what Cloister's system_info answers, from the same files. The tool is a coroutine
and logs nothing, because that is the faster way to write it with this SDK.
"""

import os
import time

from mcp.server.mcpserver import MCPServer
from typing_extensions import TypedDict


class Kernel(TypedDict):
    name: str
    release: str
    machine: str


class Distribution(TypedDict):
    id: str
    name: str


class CPUs(TypedDict):
    online: int
    model: str


class Memory(TypedDict):
    total_bytes: int
    available_bytes: int
    swap_total_bytes: int
    swap_free_bytes: int


class TimeZone(TypedDict):
    name: str
    utc_offset_seconds: int


class SystemInfo(TypedDict):
    kernel: Kernel
    distribution: Distribution
    cpus: CPUs
    memory: Memory
    load: list[float]
    uptime_seconds: float
    time_zone: TimeZone


def read(path: str) -> str:
    with open(path) as file:
        return file.read()


def distribution() -> Distribution:
    fields = dict(line.split("=", 1) for line in read("/etc/os-release").splitlines() if "=" in line)
    return {"id": fields["ID"].strip('"'), "name": fields["PRETTY_NAME"].strip('"')}


def model() -> str:
    for line in read("/proc/cpuinfo").splitlines():
        if line.startswith("model name"):
            return line.partition(": ")[2]
    return "unknown"


def time_zone() -> str:
    try:
        return os.readlink("/etc/localtime").partition("zoneinfo/")[2] or "UTC"
    except OSError:
        return "UTC"


# cloisterd reads once what does not change; so does its peer.
system = os.uname()
KERNEL: Kernel = {"name": system.sysname, "release": system.release, "machine": system.machine}
DISTRIBUTION, MODEL, TIME_ZONE = distribution(), model(), time_zone()

server = MCPServer("peer", log_level="ERROR")


@server.tool(description="Kernel, distribution, processors, memory, load, uptime and time zone.")
async def system_info() -> SystemInfo:
    memory = dict(line.split(":", 1) for line in read("/proc/meminfo").splitlines())

    def size(field: str) -> int:
        return int(memory[field].split()[0]) * 1024

    return {
        "kernel": KERNEL,
        "distribution": DISTRIBUTION,
        "cpus": {"online": os.cpu_count() or 1, "model": MODEL},
        "memory": {
            "total_bytes": size("MemTotal"),
            "available_bytes": size("MemAvailable"),
            "swap_total_bytes": size("SwapTotal"),
            "swap_free_bytes": size("SwapFree"),
        },
        "load": [float(field) for field in read("/proc/loadavg").split()[:3]],
        "uptime_seconds": time.clock_gettime(time.CLOCK_BOOTTIME),
        "time_zone": {"name": TIME_ZONE, "utc_offset_seconds": time.localtime().tm_gmtoff},
    }


if __name__ == "__main__":
    server.run("stdio")
