"""How a WebSocket takes a connection over from HTTP/1.1."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from asteri.exchange import Channel
from asteri.protocol.ws_cy import WebSocketProtocol
from asteri.protocol.ws_limits import WebSocketLimits

if TYPE_CHECKING:
    from asteri.protocol.h1_cy import H1Protocol
    from asteri.protocol.service_cy import WebSocketFactory

__all__ = ["WebSocketLimits", "WebSocketProtocol", "upgrader"]


def upgrader(door: Callable[[Channel], Awaitable[None]], limits: WebSocketLimits | None = None) -> WebSocketFactory:
    """Return what HTTP/1 calls to hand a connection over to WebSocket."""
    limits = limits or WebSocketLimits()

    def take_over(h1: H1Protocol, head: Any, leftover: bytes) -> WebSocketProtocol:
        service = h1.service
        transport = cast(asyncio.Transport, h1.transport)
        protocol = WebSocketProtocol(
            loop=h1.loop,
            transport=transport,
            wheel=service.wheel,
            head=head,
            leftover=leftover,
            door=door,
            limits=limits,
            base_context=h1.base_context,
            connections=service.connections,
            connection=h1.connection if head.minor else replace(h1.connection, http_version="1.0"),
        )
        if protocol.task is not None:
            service.tasks.add(protocol.task)
            protocol.task.add_done_callback(service.tasks.discard)
        if not transport.is_reading() and not transport.is_closing():
            transport.resume_reading()
        return protocol

    return take_over
