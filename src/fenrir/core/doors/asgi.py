"""The ASGI door: the same plans on any ASGI server (ASGI 3, spec version 2.4).

`ASGIExchange` and `ASGIChannel` keep the laws of `asteri.exchange` over (scope, receive, send).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol, cast

from asteri.exchange import AnswerError, Connection, Disconnected, HeaderPairs
from fenrir.core.context import RequestContext, current
from fenrir.core.doors.asgi_channel import ASGIChannel
from fenrir.core.doors.asgi_inbox import Inbox
from fenrir.core.doors.asgi_values import (
    ASGIHeaders,
    Message,
    Receive,
    Send,
    checked_body,
    checked_close,
    checked_head,
    checked_interim,
    checked_pairs,
    connection_of,
    paths_of,
)
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
_SELDOM_A_BODY = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})


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
        "_inbox",
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
        self.path, self.raw_path = paths_of(scope)
        self.query: bytes = scope.get("query_string", b"")
        self.headers = ASGIHeaders(scope["headers"])
        self._connection: Connection | None = None
        self.app: Any = None
        self._rest = b""
        self._taken = 0  # bytes of the rest
        self._ended = False
        self._gone = False
        self._inbox: Inbox | None = None
        self._started = False
        self._answer: list[Message] = []
        self.buffered: bytes | None = None
        # RFC 9112 §6.3: a request without content-length and transfer-encoding has no body. HTTP/2 has neither, and
        # gateways that are no servers leave both out as they like, as do callers in the same process, which name no
        # version of the specification: where a body is to be expected, it is asked for.
        asgi, http = scope.get("asgi", ()), scope.get("http_version", "1.1")
        if self.method in _SELDOM_A_BODY and "spec_version" in asgi and http.startswith("1"):
            for name, value in self.headers.raw:
                if name == b"transfer-encoding" or (name == b"content-length" and value != b"0"):
                    break
            else:
                self.buffered = b""

    @property
    def connection(self) -> Connection:
        if self._connection is None:  # few requests ask
            self._connection = connection_of(self.scope)
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
            if self._gone and not (self._inbox is not None and self._inbox.holds):
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
        if bodiless and not (self.raises and status not in (204, 304)):
            body = b""  # else what stands around (compression, a digest) makes the head that GET would have
        self._answer.append({"type": "http.response.body", "body": body})

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
        if self._gone and len(answer) == 1:
            raise Disconnected("the client left")
        for message in answer:
            # A whole answer is passed on all the same: to middleware, which waits for one and may note its status.
            await self._pass_on(message)

    async def deliver(self, message: Message) -> None:
        """Send a message of a stream; a server's complaint about a lost client is a disconnect."""
        if self._gone:
            raise Disconnected("the client left")
        await self._pass_on(message)

    async def _pass_on(self, message: Message) -> None:
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

    def disconnected(self) -> Coroutine[Any, Any, None]:
        # At the call, not at the first step of a task: whoever asks for the body meanwhile would not know the inbox.
        inbox = self._inbox
        if inbox is None:
            expected = self.headers.get("expect") is not None
            inbox = self._inbox = Inbox(self._asgi_receive, asked=not expected)
            self._asgi_receive = inbox.receive
        return self._watch(inbox)

    async def _watch(self, inbox: Inbox) -> None:
        if not self._gone:
            await inbox.watch()
            self._gone = True


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
