"""Which protocol speaks on a new connection. So far that is always HTTP/1.1; HTTP/2 will be chosen here."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any

from asteri.exchange import Doors
from asteri.protocol.h1_cy import AccessLog, H1Protocol, Service, WebSocketFactory
from asteri.protocol.timeouts import Timeouts
from asteri.protocol.wheel_cy import TimerWheel
from asteri.wire.limits import Limits

__all__ = ["protocol_factory"]


def protocol_factory(
    doors: Doors,
    *,
    loop: asyncio.AbstractEventLoop,
    limits: Limits | None = None,
    timeouts: Timeouts | None = None,
    connections: set[Any] | None = None,
    tasks: set[asyncio.Task[None]] | None = None,
    base_context: contextvars.Context | None = None,
    scheme: str = "http",
    root_path: str = "",
    log_access: AccessLog | None = None,
    websocket: WebSocketFactory | None = None,
    wheel: TimerWheel | None = None,
) -> Callable[[], asyncio.Protocol]:
    """Return what `loop.create_server` needs.

    Args:
        connections: filled with the open protocols; each has `shutdown()`.
        tasks: filled with the tasks of running applications, some of which outlive their answer.
        base_context: every exchange runs in a copy of it; by default of the caller's context.
        wheel: the worker's timer, if it is shared.
    """
    timeouts = timeouts or Timeouts()
    service = Service(
        doors=doors,
        loop=loop,
        wheel=wheel or TimerWheel(loop, timeouts.tick),
        limits=limits or Limits(),
        timeouts=timeouts,
        connections=connections if connections is not None else set(),
        base_context=base_context if base_context is not None else contextvars.copy_context(),
        scheme=scheme,
        root_path=root_path,
        log_access=log_access,
        websocket=websocket,
        tasks=tasks if tasks is not None else set(),
    )
    return lambda: H1Protocol(service)
