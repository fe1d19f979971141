"""What depends on the library that runs the current task: asyncio, or trio behind the ASGI door."""

from __future__ import annotations

import asyncio

__all__ = ["checkpoint", "on_asyncio"]


def on_asyncio() -> bool:
    """Say whether asyncio runs the current task."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def checkpoint() -> None:
    """Let others run, and be cancelled here."""
    if on_asyncio():
        await asyncio.sleep(0)
    else:
        import anyio.lowlevel

        await anyio.lowlevel.checkpoint()
