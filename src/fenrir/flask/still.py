"""A request that no server sent: the exchange behind `app.test_request_context()`."""

from __future__ import annotations

import json as json_module
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from asteri.exchange import AnswerError, Connection, HeaderPairs, Sink
from fenrir.http.headers import MutableHeaders
from fenrir.http.query import encode_pairs
from fenrir.http.url import URL, quote_path, unquote_path

__all__ = ["StillExchange", "build_exchange"]


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


def build_exchange(
    path: str = "/",
    *,
    base_url: str = "http://localhost/",
    query_string: str | bytes | Mapping[str, Any] | None = None,
    method: str = "GET",
    headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
    data: str | bytes | Mapping[str, Any] | None = None,
    json: Any = None,
    content_type: str | None = None,
    remote_addr: str | None = None,
) -> StillExchange:
    """Return an exchange for a path or a whole URL; `data` is a body or the fields of a form."""
    url = URL.parse(path) if "://" in path.partition("?")[0] else None
    base = URL.parse(base_url) if url is None else url
    root = base.path.rstrip("/") if url is None else ""
    if url is None:
        target, _, query = path.partition("#")[0].partition("?")
    else:
        target, query = url.path or "/", url.query
    if query_string is not None:
        if isinstance(query_string, Mapping):
            query = encode_pairs(_flat(query_string))
        else:
            query = query_string.decode("latin-1") if isinstance(query_string, bytes) else query_string
    fields = _Fields(list(headers.items() if isinstance(headers, Mapping) else headers or ()))
    body = b""
    if json is not None:
        body, kind = json_module.dumps(json).encode(), "application/json"
        content_type = content_type or kind
    elif isinstance(data, Mapping):
        body = encode_pairs(_flat(data)).encode("ascii")
        content_type = content_type or "application/x-www-form-urlencoded"
    elif data is not None:
        body = data.encode() if isinstance(data, str) else data
    fields.setdefault("host", base.netloc or "localhost")
    if content_type is not None:
        fields.set("content-type", content_type)
    if body:
        fields.set("content-length", str(len(body)))
    scheme = base.scheme or "http"
    server = (base.hostname or "localhost", base.port or (443 if scheme == "https" else 80))
    prefix = unquote_path(root.encode())
    client = (remote_addr, 0) if remote_addr is not None else None
    connection = Connection(scheme=scheme, client=client, server=server, root_path=prefix)
    decoded = unquote_path(target.encode("utf-8"))
    decoded = decoded if decoded.startswith("/") else f"/{decoded}"
    return StillExchange(method.upper(), decoded, query.encode("latin-1", "replace"), fields, connection, body)


def _flat(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs = []
    for name, value in values.items():
        for item in value if isinstance(value, list | tuple) else [value]:
            pairs.append((name, str(item)))
    return pairs
