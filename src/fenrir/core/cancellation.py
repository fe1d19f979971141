"""Cancellation of requests: one scope around all that a request does, its dependencies and its answer included.

A route that has `timeout=` or `cancel_on_disconnect=True` runs in it. It ends by itself when the answer is out: work
for afterwards and teardown are not cut short by a client that has what it wanted. There are two reasons to cancel, of
which the first one wins: the deadline, and the client's leaving. Either is an error with a status, so error handlers
see it; of an answer to a client that has left nothing is sent, but hooks and logs know it by its status.

What has begun is ended: a cancelled handler leaves its dependencies, whose cleanup is not cancelled again. What runs
in a worker thread can not be cancelled: nobody waits for it any more, and its thread goes on, ends with teardown as
after any other failure, and what it returns is dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import math
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from fenrir.core.errors import StatusError
from fenrir.core.hooks import fail
from fenrir.core.reply import Reply, send, settle
from fenrir.core.report import report

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = ["CancelScope", "ClientLeft", "DeadlineExceeded", "cancel_scope", "scoped"]

log = logging.getLogger("fenrir")

Run = Callable[["RequestContext", Any, tuple[Any, ...]], Any]


class DeadlineExceeded(StatusError):
    """504: the request took longer than its route allows."""

    http_status = 504
    http_detail = "Gateway Timeout"


class ClientLeft(StatusError):
    """499: the client has closed the connection; the number is in wide use for that, though in no RFC."""

    http_status = 499
    http_detail = "Client Closed Request"


def scoped(run: Run, seconds: float | None, *, leaving: bool, wrapped: bool) -> Run:
    """Return a plan's function that can be cancelled.

    Args:
        seconds: that it may take.
        leaving: it is cancelled when the client leaves.
        wrapped: the function returns its reply and leaves sending to others.
    """

    def start(c: RequestContext, x: Any, values: tuple[Any, ...]) -> Any:
        scope = c.scope = cancel_scope(seconds, x.disconnected if leaving else None, lambda: x.gone)
        outcome = run(c, x, values)
        return _guarded(scope, c, outcome, wrapped) if outcome is not None else None

    return start


async def _guarded(
    scope: CancelScope, c: RequestContext, outcome: Awaitable[Reply | None], wrapped: bool
) -> Reply | None:
    try:
        reply: Reply | None = await scope.run(outcome)
    except Exception as exc:
        if scope.reason is None:
            raise
        if c.error is not exc:  # a dependency that could not be left; the request ends for its first reason
            report(c, exc, "teardown")
    else:
        if scope.reason is None:
            return reply
    log.info("%s %s was cancelled: %s", c.exchange.method, c.exchange.path, type(scope.reason).__name__)
    if scope.sending:
        return None  # in the middle of an answer: it stays incomplete
    failed = c.plan.route.failed if c.plan is not None else None
    reply = await (failed or fail)(c, scope.reason)
    if wrapped:
        return reply
    await settle(c, reply)
    return None


class CancelScope:
    """What may be cancelled of one request.

    Args:
        seconds: until the deadline, None for no deadline.
        leaving: returns when the client has left, None when nobody asks. It is called before the request begins.
        gone: the client has really left: an exchange whose answer is complete ends the waiting too.

    Attributes:
        reason: why it was cancelled, None if it was not.
        sending: the answer has begun.
    """

    reason: StatusError | None = None
    sending = False

    def __init__(
        self, seconds: float | None, leaving: Callable[[], Awaitable[None]] | None, gone: Callable[[], bool]
    ) -> None:
        self._seconds = None if seconds is None or math.isinf(seconds) else seconds
        self._leaving = leaving
        self._gone = gone

    async def run(self, outcome: Awaitable[Any]) -> Any:
        """Wait for a result; `reason` says whether there is one."""
        raise NotImplementedError

    def close(self) -> None:
        """Cancel nothing from here on."""
        raise NotImplementedError

    async def send(self, c: RequestContext, reply: Reply) -> None:
        """Write a reply; what comes after it is not cancelled any more."""
        self.sending = True
        try:
            await send(c, reply)
        finally:
            self.close()


def cancel_scope(
    seconds: float | None, leaving: Callable[[], Awaitable[None]] | None, gone: Callable[[], bool]
) -> CancelScope:
    """Return a scope of the library that runs the current task."""
    make = _OnAsyncio if asyncio._get_running_loop() is not None else _OnTrio
    return make(seconds, leaving, gone)


class _OnAsyncio(CancelScope):
    _watching: asyncio.Future[None] | None = None

    async def run(self, outcome: Awaitable[Any]) -> Any:
        limit = self._limit = asyncio.timeout(self._seconds)
        try:
            async with limit:
                if self._leaving is not None:
                    self._watching = asyncio.ensure_future(self._leaving())
                    self._watching.add_done_callback(self._left)
                try:
                    result = await outcome
                except BaseException:
                    self.reason = (self.reason or DeadlineExceeded()) if limit.expired() else None
                    raise
                finally:
                    self.close()
                self.reason = None  # it came to its end all the same
                return result
        except TimeoutError:
            if not limit.expired():
                raise
        return None

    def _left(self, watching: asyncio.Future[None]) -> None:
        if watching.cancelled() or watching.exception() is not None or self._watching is not watching:
            return
        if self._gone() and not self._limit.expired():
            self.reason = ClientLeft()
            self._limit.reschedule(asyncio.get_running_loop().time())

    def close(self) -> None:
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.cancel()
        with contextlib.suppress(RuntimeError):  # it is cancelled already
            self._limit.reschedule(None)


class _OnTrio(CancelScope):
    async def run(self, outcome: Awaitable[Any]) -> Any:
        import trio

        self._scope, self._watching = trio.CancelScope(), trio.CancelScope()
        if self._seconds is not None:
            self._scope.deadline = trio.current_time() + self._seconds
        if self._leaving is not None:
            # A nursery would put what the request raises into a group.
            trio.lowlevel.spawn_system_task(self._watch, self._leaving(), context=contextvars.copy_context())
        with self._scope:
            try:
                result = await outcome
            except BaseException:
                self.reason = (self.reason or DeadlineExceeded()) if self._scope.cancel_called else None
                raise
            finally:
                self.close()
            self.reason = None  # it came to its end all the same
            return result
        return None

    async def _watch(self, leaving: Awaitable[None]) -> None:
        with self._watching:
            try:
                await leaving
            except Exception as exc:  # nobody may raise in a task of the system
                log.debug("nobody tells whether the client leaves: %r", exc)
                return
            if self._gone() and not self._scope.cancel_called:
                self.reason = ClientLeft()
                self._scope.cancel()

    def close(self) -> None:
        self._watching.cancel()
        self._scope.deadline = math.inf
