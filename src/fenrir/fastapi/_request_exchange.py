"""Requests that did not come through the engine, as the engine knows requests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from asteri.exchange import Connection
from fenrir.core.application import Application
from fenrir.core.context import RequestContext, current
from fenrir.core.doors.asgi import ASGIHeaders
from fenrir.fastapi._dialect import DIALECT
from fenrir.fastapi.requests import Request

__all__ = ["RequestExchange", "application_of", "detached"]

_NOWHERE = Application(DIALECT)


def application_of(scope: Any) -> Application:
    """Return the application of a request: the one that serves it, or the one that its scope names."""
    around = current.get(None)
    if around is not None:
        return around.app
    engine = getattr(scope.get("app"), "engine", None)
    return engine if isinstance(engine, Application) else _NOWHERE


def detached(request: Request) -> RequestContext:
    """Return a context over a request object."""
    return RequestContext(RequestExchange(request), application_of(request.scope))


class RequestExchange:
    """A request object as the engine's exchange: what it says, and the body as it gives it."""

    buffered = None
    app: Any = None
    raises = True

    def __init__(self, request: Request) -> None:
        scope = request.scope
        self._request = request
        self._pieces: AsyncIterator[bytes] | None = None
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.raw_path: bytes = scope.get("raw_path") or self.path.encode()
        self.query: bytes = scope.get("query_string", b"")
        self.headers = ASGIHeaders(scope["headers"])
        self.connection = Connection(
            scheme=scope.get("scheme", "http"),
            client=tuple(scope["client"]) if scope.get("client") else None,
            server=tuple(scope["server"]) if scope.get("server") else None,
            http_version=scope.get("http_version", "1.1"),
            root_path=scope.get("root_path", "").rstrip("/"),
        )

    async def read(self, limit: int = 65536) -> bytes:
        """Return the next piece of the body, b"" at its end."""
        if self._pieces is None:
            # The whole of it: upstream asks for the body so, and whoever stands around asks again.
            self._pieces = _once(await self._request.body())
        return await anext(self._pieces, b"")

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._request.stream()


async def _once(body: bytes) -> AsyncIterator[bytes]:
    if body:
        yield body
