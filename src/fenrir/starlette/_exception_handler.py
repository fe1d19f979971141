"""Exceptions of an application given to the handlers that `ExceptionMiddleware` has put into the scope.

This happens at two places: around each endpoint, so that handlers see the request that the endpoint has read, and in
the middleware for what is raised outside of endpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fenrir.starlette._calls import is_async_callable
from fenrir.starlette.concurrency import run_in_threadpool
from fenrir.starlette.exceptions import HTTPException
from fenrir.starlette.requests import Request
from fenrir.starlette.types import ASGIApp, ExceptionHandler, Message, Receive, Scope, Send
from fenrir.starlette.websockets import WebSocket

__all__ = ["HANDLERS", "ExceptionHandlers", "StatusHandlers", "wrap_app_handling_exceptions"]

ExceptionHandlers = dict[Any, ExceptionHandler]
StatusHandlers = dict[int, ExceptionHandler]

# The key of the scope; other packages read it, so it is upstream's.
HANDLERS = "starlette.exception_handlers"


def _find(handlers: tuple[Mapping[Any, Any], Mapping[int, Any]], exc: Exception) -> Any:
    by_class, by_status = handlers
    if isinstance(exc, HTTPException) and (handler := by_status.get(exc.status_code)) is not None:
        return handler
    return next((by_class[kind] for kind in type(exc).__mro__ if kind in by_class), None)


def wrap_app_handling_exceptions(app: ASGIApp, conn: Request | WebSocket) -> ASGIApp:
    """Return an application that answers exceptions of `app` for which the scope of `conn` has a handler."""
    handlers: tuple[ExceptionHandlers, StatusHandlers] = conn.scope.get(HANDLERS) or ({}, {})

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noting_send(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await app(scope, receive, noting_send)
        except Exception as exc:
            handler = _find(handlers, exc)
            if handler is None:
                raise
            if started:
                raise RuntimeError("Caught handled exception, but response already started.") from exc
            if is_async_callable(handler):
                response = await handler(conn, exc)
            else:
                response = await run_in_threadpool(handler, conn, exc)
            if response is not None:
                await response(scope, receive, noting_send)
            # An exception object that is raised again and again would keep the frames of every request.
            exc.__traceback__ = None

    return wrapped
