"""ASGI 3 applications over exchanges (spec version 2.4: `send` after a disconnect raises OSError).

One object per request holds its state, and its two bound methods are `receive` and `send`. An exchange that was
answered in full by one `http.response.body` goes out through `respond`, in one write.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from asteri.exchange import AnswerError, Channel, Disconnected, Doors, Exchange, Sink
from asteri.gateway.asgi_websocket import serve

__all__ = ["ASGIApp", "asgi_doors"]

Message = MutableMapping[str, Any]
ASGIApp = Callable[[dict[str, Any], Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Any]

VERSIONS = {"version": "3.0", "spec_version": "2.5"}
READ = 65536


def asgi_doors(app: ASGIApp, state: dict[str, Any] | None = None) -> Doors:
    """Return the doors of an ASGI application.

    Args:
        state: the lifespan state; each request gets a shallow copy.
    """

    def http(exchange: Exchange) -> Awaitable[None]:
        return _Request(exchange).run(app, state)

    async def websocket(channel: Channel) -> None:
        await serve(app, channel, state)

    return Doors(http=http, websocket=websocket)


class _Request:
    __slots__ = ("_body_read", "_exchange", "_head", "_sink", "_trailers", "_trailers_wanted")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._body_read = False
        self._head: tuple[int, Iterable[tuple[bytes, bytes]]] | None = None
        self._sink: Sink | None = None
        self._trailers_wanted = False
        self._trailers: list[tuple[bytes, bytes]] | None = None

    async def run(self, app: ASGIApp, state: dict[str, Any] | None) -> None:
        exchange = self._exchange
        connection = exchange.connection
        root_path = connection.root_path
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": dict(VERSIONS),
            "http_version": connection.http_version,
            "method": exchange.method,
            "scheme": connection.scheme,
            # ASGI 3: the path includes the root path.
            "path": root_path + exchange.path if root_path else exchange.path,
            "raw_path": root_path.encode() + exchange.raw_path if root_path else exchange.raw_path,
            "query_string": exchange.query,
            "root_path": root_path,
            "headers": list(exchange.headers.raw),
            "client": connection.client,
            "server": connection.server,
            "extensions": {"http.response.trailers": {}, "http.response.early_hint": {}},
        }
        if state is not None:
            scope["state"] = state.copy()
        await app(scope, self.receive, self.send)
        if self._sink is None and self._head is not None:
            raise AnswerError("the application sent http.response.start and no http.response.body")

    async def receive(self) -> Message:
        exchange = self._exchange
        if self._body_read:
            await exchange.disconnected()
            return {"type": "http.disconnect"}
        body = exchange.buffered
        if body is not None:
            self._body_read = True
            return {"type": "http.request", "body": body, "more_body": False}
        try:
            body = await exchange.read(READ)
        except Disconnected:
            self._body_read = True
            return {"type": "http.disconnect"}
        if not body:
            self._body_read = True
        return {"type": "http.request", "body": body, "more_body": bool(body)}

    async def send(self, message: Message) -> None:
        if self._exchange.gone:
            raise Disconnected("the peer is gone")
        kind = message["type"]
        if kind == "http.response.body":
            await self._send_body(message.get("body", b""), message.get("more_body", False))
        elif kind == "http.response.start":
            if self._head is not None or self._sink is not None:
                raise AnswerError("http.response.start was sent twice")
            headers = message.get("headers", ())
            # Some applications frame by themselves what only the server may frame.
            self._head = message["status"], [pair for pair in headers if pair[0].lower() != b"transfer-encoding"]
            self._trailers_wanted = bool(message.get("trailers", False))
        elif kind == "http.response.trailers":
            await self._send_trailers(message)
        elif kind == "http.response.early_hint":
            self._exchange.inform(103, [(b"link", link) for link in message["links"]])
        else:
            raise ValueError(f"an ASGI application can not send {kind!r} on an HTTP request")

    async def _send_body(self, body: bytes, more: bool) -> None:
        sink = self._sink
        exchange = self._exchange
        if sink is None:
            if self._head is None:
                raise AnswerError("http.response.body was sent before http.response.start")
            status, headers = self._head
            pairs = [(bytes(name), bytes(value)) for name, value in headers]
            if not more and not self._trailers_wanted and _is_true_length(status, pairs, body, exchange.method):
                exchange.respond(status, pairs, body)
                self._head = None
                return
            self._sink = sink = exchange.begin(status, pairs)
        if body:
            await sink.write(body)
        if not more and not self._trailers_wanted:
            await sink.finish()

    async def _send_trailers(self, message: Message) -> None:
        if self._sink is None or not self._trailers_wanted:
            raise AnswerError("http.response.trailers was not announced in http.response.start")
        trailers = self._trailers = (self._trailers or []) + [(bytes(n), bytes(v)) for n, v in message["headers"]]
        if not message.get("more_trailers", False):
            await self._sink.finish(trailers)


def _is_true_length(status: int, headers: list[tuple[bytes, bytes]], body: bytes, method: str) -> bool:
    """Tell whether the declared length, if there is one, is the body's."""
    if method == "HEAD" or status in (204, 304):
        return True
    size = b"%d" % len(body)
    return all(value == size for name, value in headers if name.lower() == b"content-length")
