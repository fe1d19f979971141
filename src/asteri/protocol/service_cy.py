"""What all connections of one worker share, whatever protocol they speak."""

# mypy: ignore-errors

from __future__ import annotations

import contextvars
import logging
from collections.abc import Callable
from typing import Any

try:
    import cython
except ImportError:
    from asteri.wire.interpreted import cython

from asteri.protocol.timeouts import Timeouts

if cython.compiled:
    from cython.cimports.asteri.protocol.wheel_cy import TimerWheel
else:
    from asteri.protocol.wheel_cy import TimerWheel
from asteri.wire.limits import Limits

__all__ = ["AccessLog", "Service", "WebSocketFactory"]

AccessLog = Callable[[Any, float], None]
"""Called when an answer is complete, with the exchange (`status`, `sent`) and the seconds since its head arrived."""

WebSocketFactory = Callable[[Any, Any, bytes], Any]
"""Makes the protocol that takes over the transport: (H1 protocol, request head, bytes behind it) -> protocol."""


class Service:
    """What all connections of one worker share.

    Args:
        doors: the application.
        loop: the running loop.
        limits: of requests.
        timeouts: of everything that a peer does.
        connections: filled with the open protocols; each has `shutdown()` and `abort()`.
        tasks: filled with the tasks of running applications, some of which outlive their answer.
        base_context: every exchange runs in a copy of it; by default of the caller's context.
        wheel: the worker's timer, if it is shared.
        scheme: "http", or "https" where a proxy ends TLS.
        root_path: prefix that a proxy has removed.
        log_access: called for every complete answer.
        websocket: makes the protocol of an upgraded connection; None: upgrades are ignored.
    """

    def __init__(
        self,
        doors,
        loop,
        *,
        limits=None,
        timeouts=None,
        connections=None,
        tasks=None,
        base_context=None,
        wheel=None,
        scheme: str = "http",
        root_path: str = "",
        log_access=None,
        websocket=None,
    ) -> None:
        timeouts = timeouts or Timeouts()
        self.doors = doors
        self.http = doors.http
        self.loop = loop
        self.limits = limits or Limits()
        self.timeouts = timeouts
        self.keep_alive = timeouts.keep_alive
        self.connections = set() if connections is None else connections
        self.tasks = set() if tasks is None else tasks
        self.base_context = contextvars.copy_context() if base_context is None else base_context
        self.wheel = wheel or TimerWheel(loop, timeouts.tick)
        self.scheme = scheme
        self.root_path = root_path
        self.log_access = log_access
        self.websocket = websocket
        self.logger = logging.getLogger("asteri")
