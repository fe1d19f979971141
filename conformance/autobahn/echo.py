"""The application under test: a WebSocket echo, on the direct door and over ASGI."""

from __future__ import annotations

import contextlib
from typing import Any

from asteri.exchange import Channel, ChannelClosed, Doors, Exchange

__all__ = ["asgi", "direct"]


class Direct:
    """Speaks the direct interface."""

    def __asteri__(self, version: int) -> Doors:
        return Doors(http=self.http, websocket=self.websocket)

    def http(self, exchange: Exchange) -> None:
        exchange.respond(200, ((b"content-type", b"text/plain"),), b"a WebSocket is expected")

    async def websocket(self, channel: Channel) -> None:
        await channel.accept()
        with contextlib.suppress(ChannelClosed):
            while True:
                await channel.send(await channel.receive())


direct = Direct()


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    """Echo, as an application for any ASGI server."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a WebSocket is expected"})
    else:
        await receive()
        await send({"type": "websocket.accept"})
        with contextlib.suppress(OSError):
            while (message := await receive())["type"] == "websocket.receive":
                await send({**message, "type": "websocket.send"})
