"""Running the user's code around a request: error handlers, and the way a failed request gets its answer.

The order of hooks (paradigms rule 17) is decided in `plan`; here is only what happens when something raises.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fenrir.core.declare import Mode
from fenrir.core.errors import InternalError, StatusError, find_error_handler, neutral
from fenrir.core.exits import SwallowedError
from fenrir.core.report import report
from fenrir.core.threads import on_loop, to_thread

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext
    from fenrir.core.declare import ErrorHandler
    from fenrir.core.reply import Reply

__all__ = ["call_hook", "fail", "fail_here", "report_teardown"]


async def call_hook(call: Callable[..., Any], mode: Mode, *args: Any) -> Any:
    """Run a hook from the loop in the way it was declared."""
    if mode is Mode.LOOP:
        return await call(*args)
    if mode is Mode.THREAD:
        return await to_thread(call, *args)
    return call(*args)


def _seek(c: RequestContext, exc: BaseException | None) -> tuple[ErrorHandler | None, Exception]:
    if exc is None:
        exc = RuntimeError("a request failed without an exception")
    if not isinstance(exc, Exception):
        raise exc  # cancellation and exit are not answers
    exc = neutral(exc)
    scope = c.plan.scope if c.plan is not None else c.app.scope
    found = find_error_handler(scope, exc)
    if found is not None:
        return found
    return None, exc


def _default(c: RequestContext, exc: Exception) -> Reply:
    """Answer in the dialect of the route, or of the application when there is none; log what nobody expected."""
    dialect = c.plan.dialect if c.plan is not None else c.app.home
    exc = neutral(exc)
    if not isinstance(exc, StatusError):
        c.error = exc
        report(c, exc)
        exc = InternalError(exc)
    return dialect.error(c, exc)


async def fail(c: RequestContext, exc: BaseException | None) -> Reply:
    """Return the answer to an exception: of the nearest error handler, or in the dialect's own look."""
    handler, error = _seek(c, exc)
    if handler is None:
        return _default(c, error)
    try:
        reply: Reply = await call_hook(handler.call, handler.mode, c, error)
    except Exception as second:
        return _default(c, second)
    return reply


def fail_here(c: RequestContext, exc: BaseException | None) -> Reply:
    """Do as `fail`, in the worker thread of the request."""
    handler, error = _seek(c, exc)
    if handler is None:
        return _default(c, error)
    try:
        reply: Reply = on_loop(handler.call(c, error)) if handler.mode is Mode.LOOP else handler.call(c, error)
    except Exception as second:
        return _default(c, second)
    return reply


def report_teardown(c: RequestContext, left: BaseException | None, error: BaseException | None) -> None:
    """Log an exception of teardown, once: the response is already sent, and what failed before was reported before."""
    if left is None or left is error or isinstance(left, SwallowedError):
        return  # to swallow an exception is no fault where no response has to be found any more
    if not isinstance(left, Exception):
        raise left
    c.error = c.error or left
    report(c, left, "teardown")
