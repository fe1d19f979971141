"""ASGI 3 applications over exchanges. `asgi_cy` has what happens to an HTTP request, `asgi_websocket` the rest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from asteri.exchange import Channel, Doors
from asteri.gateway.asgi_cy import HTTPDoor
from asteri.gateway.asgi_websocket import serve

__all__ = ["ASGIApp", "asgi_doors"]

Message = MutableMapping[str, Any]
ASGIApp = Callable[[dict[str, Any], Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Any]


def asgi_doors(app: ASGIApp, state: dict[str, Any] | None = None) -> Doors:
    """Return the doors of an ASGI application.

    Args:
        state: the lifespan state; each request gets a shallow copy.
    """

    async def websocket(channel: Channel) -> None:
        await serve(app, channel, state)

    return Doors(http=HTTPDoor(app, state), websocket=websocket)
