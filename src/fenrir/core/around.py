"""WRAP hooks: `(c, call_next) -> Reply` around everything that comes after them, of an application or of one route.

A hook that fails is answered as a handler that fails: by the error handlers of the route, or of the application where
no route is known yet. What the plan inside has left for after sending runs exactly once, also when a hook calls again
or the request is cancelled.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from fenrir.core.bridge import as_value
from fenrir.core.hooks import fail
from fenrir.core.reply import Reply, send, settle

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext
    from fenrir.core.declare import Hook

__all__ = ["finished", "surrounded", "through"]

Run = Callable[["RequestContext", Any, tuple[Any, ...]], Any]


async def through(
    c: RequestContext, hooks: Sequence[Hook], inside: Callable[[RequestContext], Awaitable[Any]], depth: int = 0
) -> Any:
    """Run hooks from `depth` on, and what is inside of them."""
    if depth == len(hooks):
        reply = await inside(c)
    else:

        def call_next() -> Coroutine[Any, Any, Any]:
            return through(c, hooks, inside, depth + 1)

        reply = await hooks[depth].call(c, call_next)
    if depth and reply is not None and reply.run is not None:
        return await as_value(c, reply)
    return reply


async def finished(c: RequestContext, error: BaseException | None) -> None:
    """Run what a plan has left for after sending, if its answer is not going to be sent."""
    if c.finish is not None:
        finish, c.finish = c.finish, None
        await finish(error)


def surrounded(run: Run, hooks: Sequence[Hook], *, wrapped: bool) -> Run:
    """Return a plan's function inside the hooks of its route; `run` returns its reply.

    Args:
        wrapped: the function returns its reply and leaves sending to others.
    """

    async def serve(c: RequestContext, x: Any, values: tuple[Any, ...]) -> Reply | None:
        async def inside(c: RequestContext) -> Any:
            await finished(c, None)  # a hook calls a second time
            return await run(c, x, values)

        try:
            reply: Reply = await through(c, hooks, inside)
        except Exception as exc:
            reply = await fail(c, exc)
        except BaseException as exc:
            await finished(c, exc)
            raise
        if wrapped:
            return reply
        await settle(c, reply, c.finish, c.scope.send if c.scope is not None else send)
        return None

    return serve
