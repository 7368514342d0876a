"""Waiting for what another process is about to do."""

import inspect
from typing import Any, Callable

import anyio


async def eventually(condition: Callable[[], Any], what: str, seconds: float = 5) -> None:
    """Returns when the condition holds; fails, saying what was missing, when it does not in time."""
    with anyio.move_on_after(seconds):
        while True:
            value = condition()
            if await value if inspect.isawaitable(value) else value:
                return
            await anyio.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")
