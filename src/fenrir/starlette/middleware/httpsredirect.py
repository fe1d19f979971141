"""Encrypted connections only."""

from __future__ import annotations

from fenrir.core.context import RequestContext
from fenrir.core.reply import Reply
from fenrir.starlette.datastructures import URL
from fenrir.starlette.middleware._hook import CallNext
from fenrir.starlette.requests import Request
from fenrir.starlette.responses import PlainTextResponse, RedirectResponse, Response
from fenrir.starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["HTTPSRedirectMiddleware"]

_SECURE = {"http": "https", "ws": "wss"}


class HTTPSRedirectMiddleware:
    """Redirects from `http` and `ws` to `https` and `wss`."""

    __wrap_replaces__ = ("__call__",)

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and scope["scheme"] in _SECURE:
            await self.redirect(URL(scope=scope))(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def __wrap__(self, c: RequestContext, call_next: CallNext) -> Reply:
        if c.http.connection.scheme in _SECURE:
            return self.redirect(Request.of(c).url).__reply__()
        return await call_next()

    def redirect(self, url: URL) -> Response:
        """Return the answer to a request that was not encrypted."""
        if not url.netloc:
            return PlainTextResponse("Invalid host header", status_code=400)
        # The default port of one scheme is not that of the other.
        netloc = url.hostname if url.port in (80, 443) else url.netloc
        return RedirectResponse(url.replace(scheme=_SECURE[url.scheme], netloc=netloc), status_code=307)
