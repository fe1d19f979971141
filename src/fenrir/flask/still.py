"""A request that no server sent: the exchange behind `app.test_request_context()`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from asteri.exchange import AnswerError, Connection, HeaderPairs, Sink
from fenrir.core.doors.wsgi import connection_of, fields_of
from fenrir.http.headers import MutableHeaders
from fenrir.http.url import quote_path

__all__ = ["StillExchange", "exchange_of"]


class _Fields(MutableHeaders):
    """Request headers; iterating gives pairs, as `asteri.exchange.Headers` demands."""

    def __iter__(self) -> Any:
        return iter(self.items())


class StillExchange:
    """An exchange whose answer goes nowhere."""

    def __init__(
        self, method: str, path: str, query: bytes, headers: MutableHeaders, connection: Connection, body: bytes
    ) -> None:
        self.method = method
        self.path = path
        self.raw_path = quote_path(path).encode("ascii")
        self.query = query
        self.headers = headers
        self.connection = connection
        self.buffered: bytes | None = body
        self.app: Any = None

    async def read(self, limit: int = 65536) -> bytes:
        return b""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self.buffered:
            yield self.buffered

    def respond(self, status: int, headers: HeaderPairs, body: bytes) -> None:
        raise AnswerError("a request made by hand has nobody to answer to")

    def begin(self, status: int, headers: HeaderPairs) -> Sink:
        raise AnswerError("a request made by hand has nobody to answer to")

    def inform(self, status: int, headers: HeaderPairs) -> None:
        raise AnswerError("a request made by hand has nobody to answer to")

    async def drain(self) -> None:
        return None

    async def disconnected(self) -> None:
        return None


def exchange_of(environ: dict[str, Any]) -> StillExchange:
    """Return the exchange that a WSGI environ describes; its body is read."""
    path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "surrogateescape") or "/"
    fields = _Fields([(name.decode("latin-1"), value.decode("latin-1")) for name, value in fields_of(environ)])
    length = environ.get("CONTENT_LENGTH") or ""
    body = environ["wsgi.input"].read(int(length)) if length.isdecimal() else b""
    query = environ.get("QUERY_STRING", "").encode("latin-1")
    return StillExchange(environ["REQUEST_METHOD"], path, query, fields, connection_of(environ), body)
