"""Changes that middleware makes to a request, for the engine below it.

Middleware of the form `dispatch(request, call_next)` may rewrite what follows: `request.scope["path"]`, a header in the
scope, the body in `request._body`. Over ASGI the application below reads the scope. Here the engine reads the exchange;
so what was changed in the scope is put in front of it. Where nobody has asked for the scope nothing is compared.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from fenrir.core.context import RequestContext
from fenrir.core.doors.asgi import ASGIHeaders
from fenrir.starlette.requests import Request
from fenrir.starlette.types import Scope

__all__ = ["take_over"]


async def take_over(c: RequestContext, request: Request) -> None:
    """Make what was changed in a request hold for the engine too."""
    held = vars(request)
    if "_receive" in held and "_body" not in held:
        # Somebody has read messages, or put a callable of his own there: it alone knows the body.
        await request.body()
    if "_body" in held and held["_body"] is not c.kept_body:
        c.keep_body(held["_body"])
    if "scope" in held:
        _rewrite(c, held["scope"])


def _rewrite(c: RequestContext, scope: Scope) -> None:
    exchange = c.http
    root = exchange.connection.root_path
    path: str = scope["path"]
    if root and path.startswith(root):
        path = path[len(root) :]
    changed = (
        path != exchange.path
        or scope["method"] != exchange.method
        or scope["query_string"] != exchange.query
        or list(scope["headers"]) != list(exchange.headers.raw)
    )
    if changed:
        c.exchange = _Rewritten(exchange, path, scope)


class _Rewritten:
    """An exchange with another request line or other headers."""

    def __init__(self, exchange: Any, path: str, scope: Scope) -> None:
        self._exchange = exchange
        self.method: str = scope["method"]
        self.path = path
        self.query: bytes = scope["query_string"]
        self.headers = ASGIHeaders(list(scope["headers"]))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._exchange, name)

    def __aiter__(self) -> AsyncIterator[bytes]:
        pieces: AsyncIterator[bytes] = self._exchange.__aiter__()
        return pieces
