"""ASGI lifespan: startup before the first request, shutdown after the last one, once each.

The protocol runs in one task, in the worker's base context: a context variable that startup sets is seen by every
exchange.

In mode "auto" an application that does not know the lifespan scope is served without one. It counts as such only if it
ended before it asked for the startup event: an exception after that is a startup that failed, and is reported.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import Context
from typing import Any

from asteri.errors import ApplicationError
from asteri.log import LOGGER

__all__ = ["Lifespan"]

ASGI = Callable[[dict[str, Any], Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]


class Lifespan:
    """The lifespan of one application in one worker.

    Attributes:
        state: what the application keeps between startup and shutdown; requests get a copy.
    """

    def __init__(self, application: ASGI, mode: str, context: Context) -> None:
        self.state: dict[str, Any] = {}
        self._application = application
        self._mode = mode
        self._context = context
        self._events: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._asked = False
        self._started: asyncio.Future[None] | None = None
        self._stopped: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    async def startup(self) -> None:
        """Start the application, or find out that it has no lifespan.

        Raises:
            ApplicationError: the startup failed.
        """
        if self._mode == "off":
            return
        loop = asyncio.get_running_loop()
        self._started, self._stopped = loop.create_future(), loop.create_future()
        self._events.put_nowait({"type": "lifespan.startup"})
        self._task = loop.create_task(self._run(), name="asteri lifespan", context=self._context)
        try:
            await asyncio.wait([self._task, self._started], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await self._cancel()
            raise
        if self._started.done():
            if error := self._started.exception():
                await self._cancel()
                raise error
            return
        failure = self._task.exception()
        if self._mode == "on" or self._asked:
            reason = f"{type(failure).__name__}: {failure}" if failure else "it returned without an answer"
            raise ApplicationError(f"the application's lifespan startup failed: {reason}") from failure
        LOGGER.info("the application has no ASGI lifespan")

    async def shutdown(self) -> None:
        """Stop the application; a failure is logged, because there is nobody else to tell."""
        if self._task is None or self._stopped is None or self._task.done():
            return
        self._events.put_nowait({"type": "lifespan.shutdown"})
        await asyncio.wait([self._task, self._stopped], return_when=asyncio.FIRST_COMPLETED)
        if self._stopped.done() and not self._task.done():
            # What the application does after it has answered (closing its own frames) still belongs to the shutdown.
            await asyncio.wait([self._task], timeout=1.0)
        if self._stopped.done() and (error := self._stopped.exception()):
            LOGGER.error("%s", error)
        elif self._task.done() and not self._task.cancelled() and (failure := self._task.exception()):
            LOGGER.error("the application's lifespan shutdown failed", exc_info=failure)
        await self._cancel()

    async def _cancel(self) -> None:
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._task is not None and not self._task.cancelled():
            self._task.exception()  # seen: it has been reported, or its cancellation was ours

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        await self._application(scope, self._receive, self._send)

    async def _receive(self) -> dict[str, str]:
        self._asked = True
        return await self._events.get()

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        assert self._started is not None and self._stopped is not None
        kind, detail = message["type"], message.get("message", "")
        future = self._started if kind.startswith("lifespan.startup.") else self._stopped
        if future.done():
            raise RuntimeError(f"{kind} was sent twice")
        if kind in ("lifespan.startup.complete", "lifespan.shutdown.complete"):
            future.set_result(None)
        elif kind in ("lifespan.startup.failed", "lifespan.shutdown.failed"):
            future.set_exception(ApplicationError(f"the application's {kind[:-7].replace('.', ' ')} failed: {detail}"))
        else:
            raise RuntimeError(f"{kind!r} is no lifespan message")
