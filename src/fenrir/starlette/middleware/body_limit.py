"""A limit for request bodies.

The outermost limiter of a request counts; one inside only changes the number, up or down: a route may allow more than
the application does. What is declared too large by `Content-Length` is refused when the body is asked for, or when an
answer begins without that; what turns out too large is refused at the piece that passes the limit.
"""

from __future__ import annotations

from typing import Any

from fenrir.starlette.datastructures import Headers
from fenrir.starlette.exceptions import HTTPException
from fenrir.starlette.responses import PlainTextResponse
from fenrir.starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["MAX_BODY_SIZE_SCOPE_KEY", "RequestBodyLimitMiddleware"]

# The keys of the scope are upstream's, since other packages may read them.
MAX_BODY_SIZE_SCOPE_KEY = "starlette.max_body_size"
_LIMITER = "starlette._body_limit_responder"

_REFUSAL = "Content Too Large"


class _TooLarge(HTTPException):
    """Raised where the body is read, so that an exception handler for 413 may answer."""

    def __init__(self) -> None:
        super().__init__(status_code=413, detail=_REFUSAL)


class _Refused(Exception):
    """The refusal has been sent in the place of the application's answer."""


class RequestBodyLimitMiddleware:
    """Answers a request whose body has more than `max_body_size` bytes with 413."""

    def __init__(self, app: ASGIApp, max_body_size: int) -> None:
        self.app = app
        self.max_body_size = max_body_size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        outer: _Limiter | None = scope.get(_LIMITER)
        if outer is not None:
            scope[MAX_BODY_SIZE_SCOPE_KEY] = outer.limit = self.max_body_size
            outer.check()
            await self.app(scope, receive, send)
            return
        had = MAX_BODY_SIZE_SCOPE_KEY in scope
        before: Any = scope.get(MAX_BODY_SIZE_SCOPE_KEY)
        scope[MAX_BODY_SIZE_SCOPE_KEY] = self.max_body_size
        scope[_LIMITER] = limiter = _Limiter(self.max_body_size, scope, receive, send)
        try:
            await self.app(scope, limiter.receive, limiter.send)
        except _TooLarge:
            if limiter.started:
                raise
            await _refuse(scope, receive, send)
        except _Refused:
            pass
        finally:
            scope.pop(_LIMITER, None)
            if had:
                scope[MAX_BODY_SIZE_SCOPE_KEY] = before
            else:
                scope.pop(MAX_BODY_SIZE_SCOPE_KEY, None)


class _Limiter:
    """Counts the body of one request."""

    def __init__(self, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
        self.limit = limit
        self.started = False
        self._read = 0
        self._scope, self._receive, self._send = scope, receive, send
        self._declared = _content_length(scope)

    def check(self) -> None:
        """Raise when more has been read than the limit allows."""
        if self._read > self.limit:
            raise _TooLarge

    async def receive(self) -> Message:
        if self._declared > self.limit:
            raise _TooLarge
        message = await self._receive()
        if message["type"] == "http.request":
            self._read += len(message.get("body", b""))
            self.check()
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            if self._declared > self.limit:
                await _refuse(self._scope, self._receive, self._send)
                raise _Refused
        await self._send(message)


def _content_length(scope: Scope) -> int:
    """Return the declared length, -1 when there is none or it is no number."""
    try:
        return int(Headers(scope=scope).get("content-length") or -1)
    except ValueError:
        return -1


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(_REFUSAL, status_code=413)(scope, receive, send)
