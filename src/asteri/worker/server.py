"""One application on one event loop: startup, listening, and the order of shutdown.

The order of shutdown is fixed: accept what the kernel has already queued, stop listening, tell every connection to
end after its present request, wait, cut what is left, and only then the application's own shutdown. It is the same in
a worker process and when the server is embedded.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import traceback
from collections.abc import Sequence
from contextvars import Context, copy_context
from typing import Any

from asteri.errors import ApplicationError
from asteri.exchange import Doors
from asteri.gateway.asgi import asgi_doors
from asteri.gateway.direct import direct_doors
from asteri.gateway.wsgi import wsgi_doors
from asteri.log import LOGGER
from asteri.pending import Pending
from asteri.protocol.h1_cy import H1Protocol
from asteri.protocol.select import protocol_factory
from asteri.protocol.service_cy import Service
from asteri.protocol.timeouts import Timeouts
from asteri.protocol.wheel_cy import TimerWheel
from asteri.protocol.ws import upgrader
from asteri.protocol.ws_limits import WebSocketLimits
from asteri.settings import Settings
from asteri.threads import Threads
from asteri.wire.limits import Limits
from asteri.worker.access import log_access
from asteri.worker.lifespan import Lifespan
from asteri.worker.loader import Application

__all__ = ["Server"]

_TICK = 0.02


class Server:
    """An application that is served on listening sockets, in the running loop.

    Attributes:
        listeners: the sockets it serves on.
    """

    def __init__(self, application: Application, settings: Settings, listeners: Sequence[socket.socket]) -> None:
        self.listeners = list(listeners)
        self._application = application
        self._settings = settings
        self._servers: list[asyncio.Server] = []
        self._connections: set[Any] = set()  # each has shutdown(), to end in order, and abort(), to end at once
        self._tasks: set[asyncio.Future[None] | Pending] = set()
        self._lifespan: Lifespan | None = None
        self._threads: Threads | None = None

    @property
    def url(self) -> str:
        """Where the first socket listens."""
        listener = self.listeners[0]
        name = listener.getsockname()
        if listener.family == socket.AF_UNIX:
            return f"unix:{name}"
        return f"http://[{name[0]}]:{name[1]}" if ":" in name[0] else f"http://{name[0]}:{name[1]}"

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the first socket; ("", 0) for a Unix socket."""
        name = self.listeners[0].getsockname()
        return (name[0], name[1]) if isinstance(name, tuple) else ("", 0)

    async def start(self) -> None:
        """Start the application and accept connections.

        Raises:
            ApplicationError: the application's startup failed; nothing listens then.
        """
        context = copy_context()
        state: dict[str, Any] = {}
        if self._application.interface != "wsgi" and callable(self._application.call):
            self._lifespan = Lifespan(self._application.call, self._settings.lifespan, context)
            await self._lifespan.startup()
            state = self._lifespan.state
        try:
            await self._listen(self._doors(state), context)
        except BaseException:
            for server in self._servers:
                server.close()
            await self._end_application()
            raise

    async def stop(self, hurry: asyncio.Event | None = None, *, linger: float = 0.0) -> None:
        """Stop in order.

        Args:
            hurry: when it is set, requests in flight are not waited for any longer.
            linger: seconds in which an idle connection may still bring a request, which is answered with
                `Connection: close`; closing it at once would fail the client that is just sending one.
        """
        hurried = hurry if hurry is not None else asyncio.Event()
        # One turn of the loop accepts what the kernel has queued; closing at once would reset those connections.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            if isinstance(connection, H1Protocol):
                connection.draining = True
            else:
                connection.shutdown()  # a WebSocket is not idle in this sense: its peer learns at once
        await self._until_closed(linger, hurried)
        for connection in list(self._connections):
            connection.shutdown()
        await self._until_closed(self._settings.graceful_timeout, hurried)
        await self._cut()
        await self._end_application()
        self._wheel.close()

    async def _until_closed(self, seconds: float, hurried: asyncio.Event) -> None:
        """Wait until no connection is open and no application runs, for at most `seconds`."""
        now = asyncio.get_running_loop().time
        deadline = now() + seconds
        # A set has no event for its emptiness, and giving it one would cost every connection something.
        while (self._connections or self._tasks) and not hurried.is_set() and now() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_TICK)

    async def _cut(self) -> None:
        """End what is left."""
        if self._connections or self._tasks:
            LOGGER.warning("%d connections and %d requests cut", len(self._connections), len(self._tasks))
        for task in list(self._tasks):
            task.cancel()
        for connection in list(self._connections):
            connection.abort()
        tasks = [task for task in self._tasks if isinstance(task, asyncio.Future)]
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)

    async def _end_application(self) -> None:
        if self._lifespan is not None:
            await self._lifespan.shutdown()
        if self._threads is not None:
            self._threads.close()

    def _doors(self, state: dict[str, Any]) -> Doors:
        call, interface = self._application.call, self._application.interface
        if interface == "wsgi":
            self._threads = Threads(self._settings.threads, "asteri-wsgi")
            return wsgi_doors(call, self._threads)
        if interface == "direct":
            try:
                doors = direct_doors(call)
            except Exception as error:
                raise ApplicationError(f"the application's __asteri__ failed:\n{traceback.format_exc()}") from error
            if doors is not None:
                return doors
            if not callable(call):
                raise ApplicationError("the application's __asteri__ says to use ASGI, but it is not callable")
        return asgi_doors(call, state)

    async def _listen(self, doors: Doors, context: Context) -> None:
        loop = asyncio.get_running_loop()
        settings = self._settings
        timeouts = Timeouts(settings.header_timeout, settings.keep_alive, write=settings.write_timeout)
        limits = Limits(
            request_line=settings.limit_request_line,
            header=settings.limit_header_size,
            header_count=settings.limit_header_count,
            header_total=settings.limit_header_total,
            body=settings.limit_body or None,
            underscores=settings.underscore_headers == "drop",
        )
        self._wheel = TimerWheel(loop, timeouts.tick)
        service = Service(
            doors,
            loop,
            limits=limits,
            timeouts=timeouts,
            connections=self._connections,
            tasks=self._tasks,
            base_context=context,
            wheel=self._wheel,
            root_path=settings.root_path,
            log_access=log_access if settings.access_log else None,
            websocket=upgrader(doors.websocket, WebSocketLimits.of(settings)),
        )
        factory = protocol_factory(service)
        for listener in self.listeners:
            if listener.family == socket.AF_UNIX:
                # From 3.13 on asyncio would remove the file, which belongs to whoever has bound the socket.
                own = type(loop).__module__.startswith("asyncio") and sys.version_info >= (3, 13)
                extra: dict[str, Any] = {"cleanup_socket": False} if own else {}
                server = await loop.create_unix_server(factory, sock=listener, backlog=self._settings.backlog, **extra)
            else:
                server = await loop.create_server(factory, sock=listener, backlog=self._settings.backlog)
            self._servers.append(server)
