"""The ASGI door: the same plans on any ASGI server (ASGI 3, spec version 2.4).

`ASGIExchange` and `ASGIChannel` keep the laws of `asteri.exchange` over (scope, receive, send).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import quote

from asteri.exchange import AnswerError, ChannelClosed, Connection, Disconnected, HeaderPairs
from fenrir.core.context import RequestContext, current
from fenrir.core.errors import find_error_handler

if TYPE_CHECKING:
    from asteri.exchange import Channel, Exchange
    from fenrir.core.lifespan import Lifespan

__all__ = [
    "ASGIChannel",
    "ASGIExchange",
    "ASGIHeaders",
    "asgi_door",
    "checked_body",
    "checked_close",
    "checked_head",
    "checked_interim",
    "checked_pairs",
]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# RFC 9110 §5.6.2 and §5.5.
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")


def checked_pairs(headers: HeaderPairs) -> list[tuple[bytes, bytes]]:
    """Return response headers with lower-case names.

    SECURITY: not every ASGI server checks what it writes.

    Raises:
        ValueError: a name or a value could split the response.
    """
    for name, value in headers:
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ValueError(f"header {name!r} has characters that could split the response")
    return [(name.lower(), value) for name, value in headers]


def checked_head(status: int, headers: HeaderPairs) -> tuple[list[tuple[bytes, bytes]], int | None]:
    """Return the headers of a final response with lower-case names, and the content-length if they declare one.

    Raises:
        ValueError: by law 5 of an exchange, before anything is written.
    """
    if type(headers) is tuple:  # constant, so it is checked once
        pairs, declared = _constant_head(status, headers)
        return [*pairs], declared
    return _read_head(status, headers)


def _read_head(status: int, headers: HeaderPairs) -> tuple[list[tuple[bytes, bytes]], int | None]:
    if not 200 <= status <= 999:
        raise ValueError(f"{status} is not the status of a final response")
    pairs = checked_pairs(headers)
    lengths = [value for name, value in pairs if name == b"content-length"]
    if len(lengths) > 1 or (lengths and not lengths[0].isdigit()):
        raise ValueError(f"content-length {lengths!r} is malformed or repeated")
    if any(name == b"transfer-encoding" for name, _ in pairs):
        raise ValueError("transfer-encoding is the server's to set")
    if status == 204:  # RFC 9110 §8.6
        return [pair for pair in pairs if pair[0] != b"content-length"], None
    return pairs, int(lengths[0]) if lengths else None


_constant_head = lru_cache(maxsize=256)(_read_head)


def checked_body(data: bytes | bytearray | memoryview) -> bytes:
    """Return the bytes of a body or of a message as they are now."""
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(f"a body is bytes, not {type(data).__name__}")
    return bytes(data)


def checked_interim(status: int, headers: HeaderPairs) -> list[tuple[bytes, bytes]]:
    """Return the headers of an interim response. 101 changes the protocol and is not one of them."""
    if not 100 <= status <= 199 or status == 101:
        raise ValueError(f"{status} is not the status of an interim response")
    return checked_pairs(headers)


def checked_close(code: int) -> int:
    """Return a close code if it may be sent (RFC 6455 §7.4)."""
    if not (1000 <= code <= 1014 and code not in (1004, 1005, 1006)) and not 3000 <= code <= 4999:
        raise ValueError(f"{code} is not a code that may be sent")
    return code


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


def _paths(scope: Any) -> tuple[str, bytes]:
    """Return the path below root_path, decoded and raw; servers differ in whether they contain it."""
    path: str = scope["path"]
    raw: bytes = scope.get("raw_path") or quote(path, safe=_PLAIN, errors="surrogateescape").encode()
    root: str = scope.get("root_path", "").rstrip("/")
    if root and (path == root or path.startswith(root + "/")):
        path = path[len(root) :]
        segments = raw.split(b"/")
        raw = b"/".join([b"", *segments[root.count("/") + 1 :]]) if len(segments) > root.count("/") + 1 else b""
    return path or "/", raw or b"/"


_PLAIN = "/:@!$&'()*+,;=~"  # RFC 3986 §3.3: what a path holds without an escape, beside letters, digits and -._


class ASGIExchange:
    """One HTTP request over ASGI.

    Attributes:
        raises: exceptions that no error handler took go on to the caller of the application.
        handed_over: another application has answered by the messages themselves.
    """

    __slots__ = (
        "_answer",
        "_asgi_receive",
        "_asgi_send",
        "_connection",
        "_ended",
        "_gone",
        "_rest",
        "_started",
        "_taken",
        "app",
        "buffered",
        "handed_over",
        "headers",
        "method",
        "path",
        "query",
        "raises",
        "raw_path",
        "scope",
    )

    def __init__(self, scope: Any, receive: Receive, send: Send, raises: bool = False) -> None:
        self.scope = scope
        self._asgi_receive = receive
        self._asgi_send = send
        self.raises = raises
        self.handed_over = False
        self.method: str = scope["method"]
        self.path, self.raw_path = _paths(scope)
        self.query: bytes = scope.get("query_string", b"")
        self.headers = ASGIHeaders(scope["headers"])
        self._connection: Connection | None = None
        self.app: Any = None
        self._rest = b""
        self._taken = 0  # bytes of the rest
        self._ended = False
        self._gone = False
        self._started = False
        self._answer: list[Message] = []
        self.buffered: bytes | None = None
        # RFC 9112 §6.3: a request without content-length and transfer-encoding has no body; HTTP/2 has neither field.
        # Callers in the same process leave both out as they like; they name no version of the specification.
        if "spec_version" in scope.get("asgi", ()) and scope.get("http_version", "1.1").startswith("1"):
            for name, value in self.headers.raw:
                if name == b"transfer-encoding" or (name == b"content-length" and value != b"0"):
                    break
            else:
                self.buffered = b""

    @property
    def connection(self) -> Connection:
        if self._connection is None:  # few requests ask
            self._connection = _connection(self.scope)
        return self._connection

    async def read(self, limit: int = 65536) -> bytes:
        if limit <= 0:
            raise ValueError("limit must be positive")
        rest = await self._piece()
        begin = self._taken
        if begin == 0 and len(rest) <= limit:
            self._rest = b""
            return rest
        end = self._taken = begin + limit
        if end >= len(rest):
            self._rest, self._taken = b"", 0
        return rest[begin:end]

    async def _piece(self) -> bytes:
        """Return what has come and was not all taken, from `_taken` on; b"" at the end of the body."""
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
        return self._rest

    async def __aiter__(self) -> AsyncIterator[bytes]:
        # PERF: whole messages: uvicorn's may be megabytes, and cutting them up copies them.
        while piece := await self._piece():
            begin, self._rest, self._taken = self._taken, b"", 0
            yield piece[begin:] if begin else piece

    def _start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        if self._started:
            raise AnswerError("this exchange has been answered already")
        self._started = True
        self._answer.append({"type": "http.response.start", "status": status, "headers": headers})

    def respond(self, status: int, headers: HeaderPairs, body: bytes) -> None:
        body = checked_body(body)
        pairs, declared = checked_head(status, headers)
        bodiless = self.method == "HEAD" or status in (204, 304)
        if declared is None:
            if status not in (204, 304):
                pairs.append((b"content-length", b"%d" % len(body)))
        elif declared != len(body) and not bodiless:
            raise ValueError(f"content-length {declared} for a body of {len(body)} bytes")
        self._start(status, pairs)
        self._answer.append({"type": "http.response.body", "body": b"" if bodiless else body})

    def begin(self, status: int, headers: HeaderPairs) -> ASGISink:
        pairs, declared = checked_head(status, headers)
        self._start(status, pairs)
        return ASGISink(self, declared, self.method == "HEAD" or status in (204, 304))

    def inform(self, status: int, headers: HeaderPairs) -> None:
        if self._started:
            raise AnswerError("an interim response comes before the answer")
        pairs = checked_interim(status, headers)
        if status == 103 and "http.response.early_hint" in self.scope.get("extensions", {}):
            links = [value for name, value in pairs if name == b"link"]
            self._answer.append({"type": "http.response.early_hint", "links": links})

    def ends(self, body: bytes | None = None) -> tuple[Receive, Send]:
        """Return the two callables for another ASGI application that answers by the messages themselves.

        Args:
            body: the body, if it was read as a whole before.
        """

        async def receive() -> Message:
            nonlocal body
            if body is not None:
                held, body = body, None
                self._ended = True
                return {"type": "http.request", "body": held, "more_body": False}
            if self._rest:
                held, self._rest, self._taken = self._rest[self._taken :], b"", 0
                return {"type": "http.request", "body": held, "more_body": not self._ended}
            message = await self._asgi_receive()
            if message["type"] == "http.disconnect":
                self._gone = True
            elif message["type"] == "http.request":
                self._ended = not message.get("more_body", False)
            return message

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                if self._started:
                    raise AnswerError("this exchange has been answered already")
                self._started = self.handed_over = True
            await self._asgi_send(message)

        return receive, send

    async def hand_over(self, app: Callable[[Any, Any, Any], Awaitable[None]], scope: Any, body: bytes | None) -> None:
        """Let another ASGI application answer; see `ends`."""
        await app(scope, *self.ends(body))

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

    @property
    def begun(self) -> bool:
        """The answer has been given, or a part of it."""
        return self._started

    async def disconnected(self) -> None:
        while not self._gone:
            message = await self._asgi_receive()
            if message["type"] == "http.disconnect":
                self._gone = True
            elif not self._ended:
                self._rest += message.get("body", b"")
                self._ended = not message.get("more_body", False)


class ASGISink:
    """The body of a streamed response over ASGI. Trailers are not sent: ASGI wants them announced with the head."""

    __slots__ = ("_aborted", "_bodiless", "_exchange", "_finished", "_left")

    def __init__(self, exchange: ASGIExchange, declared: int | None, bodiless: bool) -> None:
        self._exchange = exchange
        self._left = declared
        self._bodiless = bodiless
        self._finished = False
        self._aborted = False

    def _check(self) -> None:
        if self._finished:
            raise AnswerError("this stream is finished")
        if self._aborted:
            raise Disconnected("this stream was aborted")

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        self._check()
        piece = checked_body(data)
        await self._exchange.drain()
        if self._bodiless or not piece:
            return
        if self._left is not None:
            if len(piece) > self._left:
                # The client gets exactly what was promised.
                self._finished = True
                await self._exchange.deliver({"type": "http.response.body", "body": piece[: self._left]})
                raise AnswerError("the body is longer than its content-length")
            self._left -= len(piece)
        await self._exchange.deliver({"type": "http.response.body", "body": piece, "more_body": True})

    async def finish(self, trailers: HeaderPairs = ()) -> None:
        self._check()
        checked_pairs(trailers)
        if self._left and not self._bodiless:
            self.abort()
            raise AnswerError(f"the body is {self._left} bytes shorter than its content-length")
        self._finished = True
        await self._exchange.drain()
        await self._exchange.deliver({"type": "http.response.body", "body": b""})

    def abort(self) -> None:
        self._aborted = True  # the server cuts the connection of an application that returns in the middle


class ASGIChannel:
    """One WebSocket connection over ASGI; `raises` as of an exchange."""

    def __init__(self, scope: Any, receive: Receive, send: Send, raises: bool = False) -> None:
        self.raises = raises
        self.scope = scope
        self._receive = receive
        self._send = send
        self.method = "GET"
        self.path, self.raw_path = _paths(scope)
        self.query: bytes = scope.get("query_string", b"")
        self.headers = ASGIHeaders(scope["headers"])
        self.connection = _connection(scope)
        self.subprotocols: Sequence[str] = tuple(scope.get("subprotocols", ()))
        self.buffered = b""
        self.app: Any = None
        self._state = "new"
        self._left = False  # the client did not wait for an answer
        self._closed: ChannelClosed | None = None

    async def _connect(self) -> None:
        if self._state == "new":
            message = await self._receive()
            self._state = "connecting"
            if message["type"] == "websocket.disconnect":
                self._left = True
                self._close_with(message)

    def _close_with(self, message: Message) -> None:
        self._state = "closed"
        self._closed = ChannelClosed(message.get("code") or 1005, message.get("reason") or "")

    def _check(self) -> None:
        if self._closed is not None:
            raise ChannelClosed(self._closed.code, self._closed.reason)

    async def accept(self, subprotocol: str | None = None, headers: HeaderPairs = ()) -> None:
        pairs = checked_pairs(headers)
        await self._connect()
        self._check()
        if self._state != "connecting":
            raise AnswerError("this channel has been answered already")
        self._state = "open"
        await self._deliver({"type": "websocket.accept", "subprotocol": subprotocol, "headers": pairs})

    async def hand_over(self, app: Callable[[Any, Any, Any], Awaitable[None]], scope: Any) -> None:
        """Let another ASGI application serve the connection by the messages themselves."""
        self._check()
        if self._state != "new":
            raise AnswerError("this channel has been answered already")
        self._state = "closed"
        self._closed = ChannelClosed(1006)
        await app(scope, self._receive, self._send)

    async def _deliver(self, message: Message) -> None:
        try:
            await self._send(message)
        except OSError as exc:
            self._close_with({"code": 1006})
            raise ChannelClosed(1006) from exc

    async def reject(self, status: int = 403, headers: HeaderPairs = (), body: bytes = b"") -> None:
        pairs, _ = checked_head(status, headers)
        await self._connect()
        if self._left:
            return
        if self._state != "connecting":
            raise AnswerError("this channel has been answered already")
        self._state = "closed"
        self._closed = ChannelClosed(1006)
        if "websocket.http.response" in self.scope.get("extensions", {}):
            start = {"type": "websocket.http.response.start", "status": status, "headers": pairs}
            await self._deliver(start)
            await self._deliver({"type": "websocket.http.response.body", "body": body})
        else:
            await self._deliver({"type": "websocket.close", "code": 1000})

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
        if isinstance(data, str):
            await self._deliver({"type": "websocket.send", "text": data})
        else:
            await self._deliver({"type": "websocket.send", "bytes": checked_body(data)})

    async def close(self, code: int = 1000, reason: str = "") -> None:
        checked_close(code)
        await self._connect()
        if self._state == "connecting":  # the server makes a 403 of it
            self._state = "closed"
            self._closed = ChannelClosed(1006)
            await self._deliver({"type": "websocket.close", "code": code, "reason": reason})
        elif self._state == "open":
            self._state = "closed"
            self._closed = ChannelClosed(code, reason)
            try:
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
            except OSError:
                self._close_with({"code": 1006})  # the peer was faster


class Served(Protocol):
    """What the door needs of an application."""

    lifespan_state: dict[str, Any]

    def http(self, exchange: Exchange, /) -> Awaitable[None] | None:
        """Serve one request."""

    async def websocket(self, channel: Channel, /) -> None:
        """Serve one WebSocket connection."""

    def lifespan(self) -> Lifespan:
        """Return a new run from start to stop."""


def asgi_door(app: Served, *, raises: bool = False) -> Callable[[Any, Receive, Send], Awaitable[None]]:
    """Return an ASGI 3 application over the engine.

    Args:
        raises: exceptions that no error handler took are raised, for what stands around this application.
    """

    async def door(scope: Any, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "http":
            exchange = ASGIExchange(scope, receive, send, raises)
            around = current.get(None)  # of the application that this one is mounted in
            try:
                serving = app.http(exchange)
                if serving is not None:
                    await serving
                if raises:
                    c = current.get()
                    if c.error is not None and (c.plan.dialect if c.plan else c.app.home).wraps_raise:
                        raise c.error
            except BaseException as exc:
                await _ended(exchange, exc)
                raise
            finally:
                # PERF: a server may keep this context (uvicorn does, in its keep-alive timer). If that held the
                # request, the collector would see it grow old: 1056 collections in 76,000 requests (8 of them full)
                # instead of 15.
                current.set(cast(RequestContext, around))
            try:
                await exchange.drain()
            except Disconnected:
                pass  # the answer has nobody to go to
        elif kind == "websocket":
            channel = ASGIChannel(scope, receive, send, raises)
            await app.websocket(channel)
            await channel.close()  # 403 if the application gave no answer; nothing if it has closed
        elif kind == "lifespan":
            await _lifespan(app, scope, receive, send)
        else:
            raise ValueError(f"ASGI scope type {kind!r} is not served")

    return door


async def _ended(exchange: ASGIExchange, exc: BaseException) -> None:
    """Release what a request held that raises to the caller of the application."""
    c = current.get(None)
    if c is None or c.exchange is not exchange:
        return
    c.close()
    if exchange.raises and exchange.begun and isinstance(exc, Exception):
        await exchange.drain()
        if find_error_handler(c.plan.scope if c.plan is not None else c.app.scope, exc) is not None:
            raise RuntimeError("Caught handled exception, but response already started.") from exc


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
