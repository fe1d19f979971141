"""Limits of bodies where requests come through ASGI: around the user's middleware, and around what the engine does not
read itself (mounts, front ends, plain routes). On the direct door the engine counts.
"""

from __future__ import annotations

from typing import Any

from fenrir.fastapi._scope import BODY_LIMIT
from fenrir.fastapi.exception_handlers import http_exception_handler
from fenrir.fastapi.exceptions import StarletteHTTPException
from fenrir.fastapi.requests import Request
from fenrir.starlette.middleware.body_limit import _LIMITER, MAX_BODY_SIZE_SCOPE_KEY, RequestBodyLimitMiddleware
from fenrir.starlette.middleware.body_limit import _Refused as Refused
from fenrir.starlette.middleware.body_limit import _TooLarge as TooLarge
from fenrir.starlette.types import ASGIApp, Message, Receive, Send

__all__ = ["AppBodyLimit", "limited"]


def limited(app: ASGIApp, max_body_size: int | None) -> ASGIApp:
    """Return an application that takes bodies of so many bytes; the nearest limit counts."""
    if max_body_size is None:
        return app
    return RequestBodyLimitMiddleware(_Ungrouped(app), max_body_size=max_body_size)


def _limit_error(exc: Exception) -> Exception | None:
    """Return the refusal of a body, also out of a group in which there is nothing else."""
    if isinstance(exc, ExceptionGroup):
        _, other = exc.split((TooLarge, Refused))
        if other is not None:
            return None
        one: Exception = exc.subgroup(Refused) or exc
        while isinstance(one, ExceptionGroup):
            one = one.exceptions[0]
        return one
    return exc if isinstance(exc, TooLarge | Refused) else None


class _Ungrouped:
    """Takes refusals out of the groups of tasks that read a body together, and lets the engine set the limit."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        limiter = scope.get(_LIMITER)

        def allow(limit: int) -> None:
            limiter.limit = limit

        if limiter is not None:
            scope[BODY_LIMIT] = allow
        try:
            await self.app(scope, receive, send)
        except ExceptionGroup as exc:
            if scope["type"] == "http" and (error := _limit_error(exc)) is not None:
                raise error from exc
            raise


class AppBodyLimit:
    """The limit of an application. One that is mounted shares its parent's count, and answers itself."""

    def __init__(self, app: ASGIApp, max_body_size: int | None) -> None:
        self.app = limited(app, max_body_size)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if MAX_BODY_SIZE_SCOPE_KEY not in scope:
            await self.app(scope, receive, send)
            return
        started = False

        async def noting_send(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, noting_send)
        except Exception as exc:
            error = _limit_error(exc)
            if started or not isinstance(error, StarletteHTTPException):
                raise
            response = await http_exception_handler(Request(scope, receive), error)
            await response(scope, receive, send)
