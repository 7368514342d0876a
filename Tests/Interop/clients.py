"""The clients that drive the daemon: the official SDK's in every revision, and bare lines of JSON.

Each launches the bridge as an AI application does, with a tap in between that records the wire.
"""

import json
import os
import select
import subprocess
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import mcp
import mcp.client.session
import pytest
from mcp.client.stdio import stdio_client
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, LATEST_MODERN_VERSION

MODERN_ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


@dataclass(frozen=True)
class Era:
    """A revision of the protocol, and how the SDK's client is made to speak it."""

    revision: str
    mode: str  # what the SDK calls it: legacy = initialize; auto = server/discover, then initialize

    def __str__(self) -> str:
        return self.revision

    @property
    def legacy(self) -> bool:
        return self.mode == "legacy"

    def since(self, revision: str) -> bool:
        return REVISIONS.index(self.revision) >= REVISIONS.index(revision)


LEGACY = [Era(revision, "legacy") for revision in HANDSHAKE_PROTOCOL_VERSIONS]
MODERN = Era(LATEST_MODERN_VERSION, "auto")
ERAS = [*LEGACY, MODERN]
REVISIONS = [era.revision for era in ERAS]


@asynccontextmanager
async def sdk_client(command: list[str], era: Era, **options: Any):
    """The SDK's client, connected. It fails a request after 20 s, and caches nothing unless told to."""
    options = {"read_timeout_seconds": 20, "cache": None, **options}
    parameters = mcp.StdioServerParameters(command=command[0], args=command[1:], env=dict(os.environ))
    with pytest.MonkeyPatch.context() as patch:
        # The SDK offers the newest legacy revision and has no parameter for another one. But it
        # accepts and then enforces any: the offer is all that has to change.
        patch.setattr(
            mcp.client.session,
            "LATEST_HANDSHAKE_VERSION",
            era.revision if era.legacy else HANDSHAKE_PROTOCOL_VERSIONS[-1],
        )
        failure = None
        async with mcp.Client(stdio_client(parameters), mode=era.mode, **options) as client:
            assert client.protocol_version == era.revision
            try:
                yield client
            except Exception as error:
                failure = error
        if failure is not None:
            raise failure  # out here, where the SDK's task groups do not wrap it


def structured(result: Any) -> Any:
    """A tool's structured result. Revisions before 2025-06-18 have it as text only."""
    assert not result.is_error, result
    if result.structured_content is not None:
        return result.structured_content
    return json.loads(result.content[0].text)


class RawConnection:
    """Lines of bytes to the bridge and back: for what no well-behaved client would send."""

    def __init__(self, command: list[str]):
        self.process = subprocess.Popen(
            command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        self.received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)
        self.process.stdin.close()
        self.process.stdout.close()

    def send(self, message: bytes | dict | list) -> None:
        line = message if isinstance(message, bytes) else json.dumps(message).encode()
        view = memoryview(line + b"\n")
        while view:
            view = view[self.process.stdin.write(view) :]

    def receive(self, seconds: float = 10) -> bytes:
        """The next line; fails if there is none in time."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self.received:
            left = max(0, deadline - time.monotonic())
            ready, _, _ = select.select([self.process.stdout], [], [], left)
            assert ready, f"no answer within {seconds} s"
            chunk = os.read(self.process.stdout.fileno(), 65536)
            assert chunk, f"the connection was closed after {self.received!r}"
            self.received += chunk
        line, _, self.received = self.received.partition(b"\n")
        return line

    def ask(self, identifier: int | str, method: str, **params: Any) -> dict:
        """The answer to a request, whatever notifications come before it."""
        self.send({"jsonrpc": "2.0", "id": identifier, "method": method, "params": params})
        return self.answer(identifier)

    def answer(self, identifier: int | str | None) -> dict:
        while True:
            message = json.loads(self.receive())
            if not isinstance(message, dict) or "method" not in message:
                assert isinstance(message, dict) and message["id"] == identifier, message
                return message

    def initialize(self, revision: str) -> dict:
        info = {"name": "interop", "version": "1"}
        answer = self.ask(
            "init", "initialize", protocolVersion=revision, capabilities={}, clientInfo=info
        )
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return answer["result"]

    def open(self, era: Era) -> dict:
        """Makes the connection one of the era; what its requests have to carry as `_meta`."""
        if not era.legacy:
            return {"_meta": MODERN_ENVELOPE}
        assert self.initialize(era.revision)["protocolVersion"] == era.revision
        return {}

    def close(self, seconds: float = 10) -> int:
        """Ends the input, as a client does that is done; the bridge's exit status."""
        self.process.stdin.close()
        return self.process.wait(seconds)
