"""The WebSocket that a Sanic handler gets: `recv`, `send`, `close`, `async for`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

from asteri.exchange import Channel, ChannelClosed

__all__ = ["Websocket", "negotiated"]


def negotiated(supported: Iterable[str], offered: Iterable[str]) -> str | None:
    """Return the first protocol of the client's that the route supports."""
    return next((name for name in offered if name in supported), None)


class Websocket:
    """One accepted WebSocket.

    Attributes:
        subprotocol: what both sides agreed on, or None.
    """

    def __init__(self, channel: Channel, subprotocol: str | None) -> None:
        self._channel = channel
        self.subprotocol = subprotocol

    async def recv(self, timeout: float | None = None) -> str | bytes | None:
        """Return the next message; None when none came within `timeout` seconds.

        Raises:
            ChannelClosed: the connection is closed.
        """
        if timeout is None:
            return await self._channel.receive()
        try:
            async with asyncio.timeout(timeout):
                return await self._channel.receive()
        except TimeoutError:
            return None

    async def send(self, message: Any) -> None:
        """Send a text or bytes; of a list of pieces one message is made. Raises `ChannelClosed`."""
        if isinstance(message, list | tuple):
            message = (b"" if message and isinstance(message[0], bytes) else "").join(message)
        await self._channel.send(message)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection."""
        await self._channel.close(code, reason)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        try:
            while True:
                yield await self._channel.receive()
        except ChannelClosed:
            return
