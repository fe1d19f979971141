"""Answers that one worker thread makes, from the first step of a plan to the last: no coroutine waits for them.

The plan's program runs in the thread and returns what is to be sent; the loop sends it. Only an answer that needs more
than one write, or work after it, is settled by a coroutine, which begins then.

PERF: `fenrir-asteri`, a `def` handler: see docs/where-the-time-goes.md.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from asteri.pending import Pending
from fenrir.core.hooks import fail
from fenrir.core.reply import Reply, settle, settle_failure
from fenrir.core.shields import in_cancelled_scope, shielded
from fenrir.core.threads import Call, Home, Overloaded, carried_out, home, to_thread

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext
    from fenrir.core.dialect import Fast

__all__ = ["answered"]

Work = Callable[["RequestContext", Any, tuple[Any, ...]], Any]
"""The program: (context, exchange, path values) -> bytes for `Fast`, a `Ready`, or a reply."""


def answered(work: Work, fast: Fast | None, patient: Callable[..., Any] | None) -> Callable[..., Any]:
    """Return a plan that has a thread make its answer.

    Args:
        fast: status and headers of an answer of which the program returns the body only.
        patient: the plan for a request whose body is still to come.
    """
    head = (fast.status, fast.headers) if fast is not None else (0, ())

    def plan(c: RequestContext, x: Any, p: tuple[Any, ...]) -> Any:
        if patient is not None and x.buffered is None:
            return patient(c, x, p)
        here = home()
        if here is None or not here.acquainted:
            return _in_task(work, head, c, p)
        try:
            answer = Answer(work, c, p, head, here)
        except Overloaded as exc:
            return settle_failure(c, exc)
        if answer.limiter is None or answer.admit():
            answer.submit()
            return answer
        return answer.queued()

    return plan


async def _in_task(work: Work, head: tuple[Any, ...], c: RequestContext, p: tuple[Any, ...]) -> None:
    """Do the same in a task, also on a loop that is not asyncio's."""
    try:
        made = await to_thread(work, c, c.exchange, p)
    except Overloaded as exc:
        made = await fail(c, exc)
    if _written(c, head, made):
        c.close()
    else:
        await settle(c, made)


def _written(c: RequestContext, head: tuple[Any, ...], made: Any) -> bool:
    """Send what can be sent at once; say whether it was."""
    kind = type(made)
    if kind is bytes:
        c.exchange.respond(head[0], head[1], made)
    elif kind is tuple:
        c.exchange.respond(*made)
    elif (
        kind is Reply
        and made.stream is None
        and made.run is None
        and made.background is None
        and c.late is None
        and c.background is None
    ):
        c.exchange.respond(made.status, made.headers.raw, made.body)
    else:
        return False
    return True


async def _raising(error: BaseException) -> None:
    raise error


class Answer(Call, Pending):
    """What a thread makes of one request, and the loop sends."""

    __slots__ = ("_c", "_dropped", "_future", "_head", "_settling", "_told", "_wrong")

    def __init__(self, work: Work, c: RequestContext, p: tuple[Any, ...], head: tuple[Any, ...], home: Home) -> None:
        super().__init__(work, (c, c.exchange, p), home)
        self._c: RequestContext | None = c
        self._dropped = False
        self._head = head
        self.begin()
        self._settling: asyncio.Task[None] | None = None

    def finish(self) -> None:
        """On the loop: send what the thread has made."""
        if self.limiter is not None:
            self.limiter.release_on_behalf_of(self)
        context, self._context = self._context, None
        assert context is not None
        context.run(self._finish, context)  # what the exchange does on an answer belongs to the request

    def _finish(self, context: contextvars.Context) -> None:
        c, self._c = self._c, None
        made, self._result = self._result, None
        error, self._error = self._error, None
        assert c is not None
        rest: Coroutine[Any, Any, None] | None = None
        if self._dropped:
            error = asyncio.CancelledError()
        elif error is None:
            try:
                if not _written(c, self._head, made):
                    rest = settle(c, made)
            except Exception as exc:
                error = exc
        elif not isinstance(error, Exception):
            rest = _raising(error)  # it is for the loop
        if rest is None:
            c.close()
            self.end(carried_out(error) if error is not None else None)
            return
        self._settling = self._home.loop.create_task(rest, context=context)
        self._settling.add_done_callback(self._settled)

    def _settled(self, task: asyncio.Task[None]) -> None:
        self._settling = None
        self.end(asyncio.CancelledError() if task.cancelled() else task.exception())

    def cancel(self) -> bool:
        if self._settling is not None:
            return self._settling.cancel()
        self._dropped = True
        return not self.ended

    async def _awaited(self) -> None:
        try:
            await super()._awaited()
        except asyncio.CancelledError:
            if not self.ended and in_cancelled_scope():  # which does not leave the thread alone
                self._future = rest = self._home.loop.create_future()
                with shielded():
                    await asyncio.wait([rest])
                    rest.cancelled() or rest.exception()  # it was seen
            raise

    async def queued(self) -> None:
        """Wait until anyio's limit allows one more thread, and then for the end."""
        await self.admitted()
        self.submit()
        await self
