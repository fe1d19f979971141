"""Deadlines of routes: one cancel scope around all that a request does, its dependencies and its answer included.

What runs in a worker thread can not be cancelled: the thread goes on, and its result is dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from fenrir.core.errors import StatusError
from fenrir.core.hooks import fail
from fenrir.core.reply import Reply, settle

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = ["DeadlineExceeded", "bounded"]

Run = Callable[["RequestContext", Any, tuple[Any, ...]], Any]


class DeadlineExceeded(StatusError):
    """504: the request took longer than its route allows."""

    http_status = 504
    http_detail = "Gateway Timeout"


def bounded(run: Run, seconds: float, *, wrapped: bool) -> Run:
    """Return a plan's function that is cancelled after a time; the answer is a 504, which error handlers see.

    Args:
        wrapped: the function returns its reply and leaves sending to others.
    """

    def start(c: RequestContext, x: Any, values: tuple[Any, ...]) -> Any:
        outcome = run(c, x, values)
        return _watched(c, outcome, seconds, wrapped) if outcome is not None else None

    return start


async def _watched(c: RequestContext, outcome: Awaitable[Reply | None], seconds: float, wrapped: bool) -> Reply | None:
    if asyncio._get_running_loop() is not None:
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                return await outcome
        except TimeoutError:
            if not limit.expired():
                raise
    else:
        import anyio

        with anyio.move_on_after(seconds):
            return await outcome
    reply = await fail(c, DeadlineExceeded())
    if wrapped:
        return reply
    await settle(c, reply)
    return None
