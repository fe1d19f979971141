"""Running the user's code around a request: error handlers, and the way a failed request gets its answer.

The order of hooks (paradigms rule 17) is decided in `plan`; here is only what happens when something raises.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from fenrir.core.context import Raises
from fenrir.core.declare import Mode
from fenrir.core.errors import InternalError, StatusError, find_error_handler, neutral
from fenrir.core.exits import SwallowedError
from fenrir.core.report import report
from fenrir.core.threads import on_loop, to_thread

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext
    from fenrir.core.declare import ErrorHandler
    from fenrir.core.reply import Reply

__all__ = ["call_hook", "fail", "fail_here", "raises", "report_teardown"]


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


def _expected(c: RequestContext, exc: Exception) -> Reply | None:
    """Answer in the dialect of the route, or of the application when there is none; None for what nobody expected.

    Raises:
        Exception: the exception itself, where whoever called this application deals with it.
    """
    known = neutral(exc)
    dialect = c.plan.dialect if c.plan is not None else c.app.home
    if isinstance(known, StatusError):
        return dialect.error(c, known)
    if dialect.wraps_raise and raises(c):
        raise dialect.adopt_error(exc)
    c.error = exc
    report(c, exc)
    return None


def _internal(c: RequestContext, exc: Exception) -> Reply:
    dialect = c.plan.dialect if c.plan is not None else c.app.home
    return dialect.error(c, InternalError(exc))


async def _unhandled(c: RequestContext, exc: Exception) -> Reply:
    """Answer what no error handler took."""
    reply = _expected(c, exc)
    if reply is None and c.app.last_resort is not None:
        try:
            made = c.app.last_resort(c, exc)
            reply = await made if isinstance(made, Awaitable) else made
        except Exception as second:
            report(c, second, "the handler of all other exceptions")
    return reply if reply is not None else _internal(c, exc)


def raises(c: RequestContext) -> bool:
    """Say whether exceptions that no handler took are raised to whoever called the application."""
    return bool(c.raises or getattr(c.exchange, "raises", False))


async def fail(c: RequestContext, exc: BaseException | None, *, again: bool = False) -> Reply:
    """Return the answer to an exception: of the nearest error handler, or in the dialect's own look.

    Args:
        again: the exception is one of an error handler, so the next one is not looked up any more.
    """
    if c.raises is Raises.ALL and exc is not None:
        raise exc
    handler, error = _seek(c, exc)
    if handler is None:
        return await _unhandled(c, error)
    try:
        reply: Reply = await call_hook(handler.call, handler.mode, c, error)
    except Exception as second:
        if handler.dialect.error_of_error and not again:
            return await fail(c, second, again=True)
        return await _unhandled(c, second)
    return reply


def fail_here(c: RequestContext, exc: BaseException | None, *, again: bool = False) -> Reply:
    """Do as `fail`, in the worker thread of the request."""
    if c.raises is Raises.ALL and exc is not None:
        raise exc
    handler, error = _seek(c, exc)
    try:
        if handler is not None:
            reply: Reply = on_loop(handler.call(c, error)) if handler.mode is Mode.LOOP else handler.call(c, error)
            return reply
    except Exception as second:
        if handler is not None and handler.dialect.error_of_error and not again:
            return fail_here(c, second, again=True)
        error = second
    if c.app.last_resort is not None:
        return on_loop(_unhandled(c, error))
    answer = _expected(c, error)
    return answer if answer is not None else _internal(c, error)


def report_teardown(c: RequestContext, left: BaseException | None, error: BaseException | None) -> None:
    """Log an exception of teardown, once: the response is already sent, and what failed before was reported before."""
    if left is None or left is error or isinstance(left, SwallowedError):
        return  # to swallow an exception is no fault where no response has to be found any more
    if not isinstance(left, Exception):
        if error is not None:
            return  # whoever ends the request raises it when everything has been left
        raise left
    c.error = c.error or left
    report(c, left, "teardown")
