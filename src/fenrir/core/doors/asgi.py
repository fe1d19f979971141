"""The ASGI door: the same plans on any ASGI server (ASGI 3, spec version 2.4).

`ASGIExchange` and `ASGIChannel` keep the laws of `asteri.exchange` over (scope, receive, send).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from asteri.exchange import AnswerError, ChannelClosed, Connection, Disconnected, HeaderPairs

if TYPE_CHECKING:
    from asteri.exchange import Channel, Exchange
    from fenrir.core.lifespan import Lifespan

__all__ = ["ASGIChannel", "ASGIExchange", "ASGIHeaders", "asgi_door"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class ASGIHeaders:
    """Request headers over the list in an ASGI scope."""

    __slots__ = ("raw",)

    def __init__(self, raw: Sequence[tuple[bytes, bytes]]) -> None:
        self.raw = raw

    def get(self, name: str, default: str | None = None) -> str | None:
        wanted = name.encode("latin-1")
        for key, value in self.raw:
            if key == wanted:
                return value.decode("latin-1")
        return default

    def getall(self, name: str) -> list[str]:
        wanted = name.encode("latin-1")
        return [value.decode("latin-1") for key, value in self.raw if key == wanted]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and any(key == name.encode("latin-1") for key, _ in self.raw)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter([(key.decode("latin-1"), value.decode("latin-1")) for key, value in self.raw])

    def __len__(self) -> int:
        return len(self.raw)


def _connection(scope: Any) -> Connection:
    client, server = scope.get("client"), scope.get("server")
    return Connection(
        scheme={"ws": "http", "wss": "https"}.get(scope.get("scheme", "http"), scope.get("scheme", "http")),
        client=tuple(client) if client else None,
        server=tuple(server) if server else None,
        http_version=scope.get("http_version", "1.1"),
        root_path=scope.get("root_path", "").rstrip("/"),
    )


def _route_path(scope: Any) -> str:
    """Return the path below root_path; servers differ in whether `path` contains it."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "").rstrip("/")
    if root and (path == root or path.startswith(root + "/")):
        return path[len(root) :] or "/"
    return path or "/"


class ASGIExchange:
    """One HTTP request over ASGI."""

    __slots__ = (
        "_answer",
        "_asgi_receive",
        "_asgi_send",
        "_ended",
        "_gone",
        "_rest",
        "_started",
        "app",
        "buffered",
        "connection",
        "headers",
        "method",
        "path",
        "query",
        "raw_path",
        "scope",
    )

    def __init__(self, scope: Any, receive: Receive, send: Send) -> None:
        self.scope = scope
        self._asgi_receive = receive
        self._asgi_send = send
        self.method: str = scope["method"]
        self.path = _route_path(scope)
        self.raw_path: bytes = scope.get("raw_path") or self.path.encode("utf-8", "surrogateescape")
        self.query: bytes = scope.get("query_string", b"")
        self.headers = ASGIHeaders(scope["headers"])
        self.connection = _connection(scope)
        self.app: Any = None
        self._rest = b""
        self._ended = False
        self._gone = False
        self._started = False
        self._answer: list[Message] = []
        self.buffered: bytes | None = None
        # RFC 9112 §6.3: a request without content-length and transfer-encoding has no body; HTTP/2 has neither field.
        if self.connection.http_version.startswith("1"):
            for name, value in self.headers.raw:
                if name == b"transfer-encoding" or (name == b"content-length" and value != b"0"):
                    break
            else:
                self.buffered = b""

    async def read(self, limit: int = 65536) -> bytes:
        while not self._rest:
            if self._ended:
                return b""
            if self._gone:
                raise Disconnected("the client left before the end of its request")
            message = await self._asgi_receive()
            if message["type"] == "http.disconnect":
                self._gone = True
                continue
            self._rest = message.get("body", b"")
            self._ended = not message.get("more_body", False)
        piece, self._rest = self._rest[:limit], self._rest[limit:]
        return piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await self.read():
            yield piece

    def _start(self, status: int, headers: HeaderPairs, length: int | None) -> None:
        if self._started:
            raise AnswerError("this exchange has been answered already")
        pairs = [(name.lower(), value) for name, value in headers]
        for name, value in pairs:
            # SECURITY: not every ASGI server checks what it writes.
            if not name or any(byte in name + value for byte in b"\r\n\0"):
                raise ValueError(f"header {name!r} has characters that could split the response")
        if (
            length is not None
            and status >= 200
            and status != 204
            and all(name != b"content-length" for name, _ in pairs)
        ):
            pairs.append((b"content-length", str(length).encode()))
        self._started = True
        self._answer.append({"type": "http.response.start", "status": status, "headers": pairs})

    def respond(self, status: int, headers: HeaderPairs, body: bytes) -> None:
        self._start(status, headers, len(body))
        bodiless = self.method == "HEAD" or status in (204, 304)
        self._answer.append({"type": "http.response.body", "body": b"" if bodiless else bytes(body)})

    def begin(self, status: int, headers: HeaderPairs) -> ASGISink:
        self._start(status, headers, None)
        declared = next((int(value) for name, value in headers if name.lower() == b"content-length"), None)
        return ASGISink(self, declared)

    def inform(self, status: int, headers: HeaderPairs) -> None:
        if status == 103 and "http.response.early_hint" in self.scope.get("extensions", {}):
            links = [value for name, value in headers if name.lower() == b"link"]
            self._answer.append({"type": "http.response.early_hint", "links": links})

    async def drain(self) -> None:
        answer, self._answer = self._answer, []
        for message in answer:
            await self.deliver(message)

    async def deliver(self, message: Message) -> None:
        """Send a message; a server's complaint about a lost client is a disconnect."""
        if self._gone:
            raise Disconnected("the client left")
        try:
            await self._asgi_send(message)
        except OSError as exc:
            self._gone = True
            raise Disconnected("the client left") from exc

    @property
    def gone(self) -> bool:
        return self._gone

    async def disconnected(self) -> None:
        while not self._gone:
            message = await self._asgi_receive()
            if message["type"] == "http.disconnect":
                self._gone = True
            elif not self._ended:
                self._rest += message.get("body", b"")
                self._ended = not message.get("more_body", False)


class ASGISink:
    """The body of a streamed response over ASGI."""

    __slots__ = ("_exchange", "_finished", "_left")

    def __init__(self, exchange: ASGIExchange, declared: int | None) -> None:
        self._exchange = exchange
        self._left = declared
        self._finished = False

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._finished:
            raise AnswerError("this stream is finished")
        await self._exchange.drain()
        if self._exchange.method == "HEAD" or not len(data):
            return
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0:
                raise AnswerError("the body is longer than its content-length")
        await self._exchange.deliver({"type": "http.response.body", "body": bytes(data), "more_body": True})

    async def finish(self, trailers: HeaderPairs = ()) -> None:
        if self._finished:
            return
        self._finished = True
        await self._exchange.drain()
        if self._left and self._exchange.method != "HEAD":
            raise AnswerError("the body is shorter than its content-length")
        await self._exchange.deliver({"type": "http.response.body", "body": b""})

    def abort(self) -> None:
        self._finished = True


class ASGIChannel:
    """One WebSocket connection over ASGI."""

    def __init__(self, scope: Any, receive: Receive, send: Send) -> None:
        self.scope = scope
        self._receive = receive
        self._send = send
        self.method = "GET"
        self.path = _route_path(scope)
        self.raw_path: bytes = scope.get("raw_path") or self.path.encode("utf-8", "surrogateescape")
        self.query: bytes = scope.get("query_string", b"")
        self.headers = ASGIHeaders(scope["headers"])
        self.connection = _connection(scope)
        self.subprotocols: Sequence[str] = tuple(scope.get("subprotocols", ()))
        self.buffered = b""
        self.app: Any = None
        self._state = "new"
        self._closed: ChannelClosed | None = None

    async def _connect(self) -> None:
        if self._state == "new":
            message = await self._receive()
            self._state = "connecting"
            if message["type"] == "websocket.disconnect":
                self._close_with(message)

    def _close_with(self, message: Message) -> None:
        self._state = "closed"
        self._closed = ChannelClosed(message.get("code") or 1005, message.get("reason") or "")

    def _check(self) -> None:
        if self._closed is not None:
            raise ChannelClosed(self._closed.code, self._closed.reason)

    async def accept(self, subprotocol: str | None = None, headers: HeaderPairs = ()) -> None:
        await self._connect()
        self._check()
        if self._state != "connecting":
            raise AnswerError("this channel has been answered already")
        self._state = "open"
        await self._send(
            {"type": "websocket.accept", "subprotocol": subprotocol, "headers": [(n.lower(), v) for n, v in headers]}
        )

    async def reject(self, status: int = 403, headers: HeaderPairs = (), body: bytes = b"") -> None:
        await self._connect()
        if self._closed is not None:
            return
        if self._state != "connecting":
            raise AnswerError("this channel has been answered already")
        self._state = "closed"
        self._closed = ChannelClosed(1006)
        if "websocket.http.response" in self.scope.get("extensions", {}):
            start = {"type": "websocket.http.response.start", "status": status, "headers": list(headers)}
            await self._send(start)
            await self._send({"type": "websocket.http.response.body", "body": body})
        else:
            await self._send({"type": "websocket.close", "code": 1000})

    async def receive(self) -> str | bytes:
        self._check()
        if self._state != "open":
            raise AnswerError("accept the channel before receiving")
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self._close_with(message)
            self._check()
        text = message.get("text")
        return text if text is not None else message.get("bytes") or b""

    async def send(self, data: str | bytes | bytearray | memoryview) -> None:
        self._check()
        if self._state != "open":
            raise AnswerError("accept the channel before sending")
        try:
            if isinstance(data, str):
                await self._send({"type": "websocket.send", "text": data})
            else:
                await self._send({"type": "websocket.send", "bytes": bytes(data)})
        except OSError as exc:
            self._close_with({})
            raise ChannelClosed(1006) from exc

    async def close(self, code: int = 1000, reason: str = "") -> None:
        await self._connect()
        if self._state == "connecting":
            await self.reject(403)
        elif self._state == "open":
            self._state = "closed"
            self._closed = ChannelClosed(code, reason)
            await self._send({"type": "websocket.close", "code": code, "reason": reason})


class Served(Protocol):
    """What the door needs of an application."""

    lifespan_state: dict[str, Any]

    def http(self, exchange: Exchange, /) -> Awaitable[None] | None:
        """Serve one request."""

    async def websocket(self, channel: Channel, /) -> None:
        """Serve one WebSocket connection."""

    def lifespan(self) -> Lifespan:
        """Return a new run from start to stop."""


def asgi_door(app: Served) -> Callable[[Any, Receive, Send], Awaitable[None]]:
    """Return an ASGI 3 application over the engine."""

    async def door(scope: Any, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "http":
            exchange = ASGIExchange(scope, receive, send)
            serving = app.http(exchange)
            if serving is not None:
                await serving
            try:
                await exchange.drain()
            except Disconnected:
                pass  # the answer has nobody to go to
        elif kind == "websocket":
            await app.websocket(ASGIChannel(scope, receive, send))
        elif kind == "lifespan":
            await _lifespan(app, scope, receive, send)
        else:
            raise ValueError(f"ASGI scope type {kind!r} is not served")

    return door


async def _lifespan(app: Served, scope: Any, receive: Receive, send: Send) -> None:
    await receive()
    try:
        run = app.lifespan()
        await run.start()
    except BaseException as exc:
        await send({"type": "lifespan.startup.failed", "message": f"{type(exc).__name__}: {exc}"})
        raise
    app.lifespan_state = run.state
    if "state" in scope:
        scope["state"].update(run.state)
    await send({"type": "lifespan.startup.complete"})
    try:
        await receive()
    except asyncio.CancelledError:
        await run.stop()
        raise
    try:
        await run.stop()
    except Exception as exc:
        await send({"type": "lifespan.shutdown.failed", "message": f"{type(exc).__name__}: {exc}"})
        raise
    await send({"type": "lifespan.shutdown.complete"})
