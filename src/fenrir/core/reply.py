"""A reply: the one response under all the dialects' response classes.

A dialect's response object is a view of a `Reply` and gives it by `__reply__()`, so a response of any dialect may be
returned from a handler of any other, and a header set through one is seen through all.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterable, Awaitable, Callable, Coroutine, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from asteri.exchange import Disconnected
from fenrir.core.exits import end
from fenrir.core.hooks import fail
from fenrir.core.report import report
from fenrir.core.threads import to_thread
from fenrir.http.headers import MutableHeaders

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = ["HasReply", "Reply", "afterwards", "close_stream", "finalize", "send", "settle", "settle_failure"]


@runtime_checkable
class HasReply(Protocol):
    """A response object of any dialect."""

    def __reply__(self) -> Reply:
        """Return the reply under this response."""


class Reply:
    """Status, headers and body of a response.

    Attributes:
        status: the status code.
        headers: all headers, Set-Cookie included; content-length is added when it is sent.
        body: the whole body, unless `stream` is set. A content-length that was right for the former one follows it.
        stream: an iterable or async iterable of bytes; a plain iterable is run in a worker thread.
        background: awaited after the response has been sent.
        run: writes the response itself to an exchange, in the place of everything above (an ASGI application does).
    """

    __slots__ = ("_body", "background", "headers", "run", "status", "stream")

    def __init__(
        self,
        status: int = 200,
        headers: MutableHeaders | None = None,
        body: bytes = b"",
        stream: AsyncIterable[bytes] | Iterable[bytes] | None = None,
        background: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.status = status
        self.headers = headers if headers is not None else MutableHeaders()
        self._body = body
        self.stream = stream
        self.background = background
        self.run: Callable[[RequestContext, Any], Coroutine[Any, Any, None]] | None = None

    def __reply__(self) -> Reply:
        return self

    @property
    def body(self) -> bytes:
        """The whole body."""
        return self._body

    @body.setter
    def body(self, body: bytes) -> None:
        before, self._body = len(self._body), body
        if len(body) != before:
            fields = self.headers.raw
            declared = (b"content-length", b"%d" % before)
            if declared in fields:
                fields[fields.index(declared)] = (b"content-length", b"%d" % len(body))

    def copy(self) -> Reply:
        """Return a reply of the same content with headers of its own.

        SECURITY: an application may keep a response and return it again. What is added for one request (a session's
        cookie) must not go out with the next.
        """
        made = Reply(self.status, MutableHeaders.of(self.headers.raw.copy()), self._body, self.stream, self.background)
        made.run = self.run
        return made

    def __repr__(self) -> str:
        return f"<Reply {self.status}>"


async def send(c: RequestContext, reply: Reply) -> None:
    """Write a reply to the exchange.

    Raises:
        Disconnected: the client left during a stream.
    """
    exchange = c.http
    if reply.run is not None:
        await reply.run(c, exchange)
        await exchange.drain()
        return
    stream = reply.stream
    if stream is None:
        exchange.respond(reply.status, reply.headers.raw, reply.body)
        await exchange.drain()
        return
    pieces: _Pieces | None = None
    try:
        sink = exchange.begin(reply.status, reply.headers.raw)
        if exchange.method == "HEAD" or reply.status in (204, 304):
            await sink.finish()
        elif isinstance(stream, AsyncIterable):
            await _pass_on(c, stream, sink)
            await sink.finish()
        else:
            pieces = _Pieces(stream)
            while (chunk := await to_thread(pieces.step)) is not _END:
                await sink.write(chunk)
            await sink.finish()
    finally:
        if pieces is not None:
            await to_thread(pieces.close)
        else:
            await close_stream(stream)


async def _pass_on(c: RequestContext, stream: AsyncIterable[bytes], sink: Any) -> None:
    """Write a stream, and end it when the client leaves: it may wait long for its next piece.

    Raises:
        Disconnected: the client has left.
    """
    loop = asyncio._get_running_loop()
    exchange = c.http
    if loop is None or (exchange.buffered is None and c.kept_body is None):  # the stream may still read the body
        async for piece in stream:
            await sink.write(piece)
        return
    limit = asyncio.timeout(None)
    try:
        async with limit:
            watching = loop.create_task(exchange.disconnected())
            watching.add_done_callback(lambda done: _expire(limit, done))
            try:
                async for piece in stream:
                    await sink.write(piece)
            finally:
                watching.cancel()
    except TimeoutError as exc:
        if limit.expired():
            raise Disconnected("the client left in the middle of a stream") from exc
        raise


def _expire(limit: asyncio.Timeout, left: asyncio.Future[None]) -> None:
    if not left.cancelled() and left.exception() is None and limit.when() is None:
        with contextlib.suppress(RuntimeError):  # it is over already
            limit.reschedule(asyncio.get_running_loop().time())


class _Pieces:
    """A plain iterable, stepped through by worker threads."""

    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream
        self._pieces: Iterator[bytes] | None = None
        self._free = threading.Lock()  # a cancelled request closes the stream while a thread may still be in it

    def step(self) -> Any:
        """Return the next piece, `_END` at the end: StopIteration can not leave a thread."""
        with self._free:
            if self._pieces is None:
                self._pieces = iter(self._stream)
            return next(self._pieces, _END)

    def close(self) -> None:
        """Close the iterator, and the iterable when it is another object."""
        with self._free:
            for held in (self._pieces, self._stream if self._stream is not self._pieces else None):
                if (close := getattr(held, "close", None)) is not None:
                    close()


_END = object()


async def close_stream(stream: Any) -> None:
    """Close what was streamed, whether it was read to its end or not."""
    if (aclose := getattr(stream, "aclose", None)) is not None:
        await aclose()
    elif (close := getattr(stream, "close", None)) is not None:
        await to_thread(close)


async def finalize(c: RequestContext, reply: Reply) -> Reply:
    """Make the last changes to a reply; one that fails is answered as any other error, and the others still run."""
    for change in c.late or ():
        try:
            change(c, reply)
        except Exception as exc:
            reply = await fail(c, exc)
    return reply


async def afterwards(c: RequestContext, first: Callable[[], Awaitable[None]] | None) -> None:
    """Do the work that was left for after the response, each piece whatever became of the others."""
    for call in ((first,) if first is not None else ()) + tuple(c.background or ()):
        try:
            await call()
        except Exception as exc:
            c.error = c.error or exc
            report(c, exc, "background work")


async def settle(
    c: RequestContext,
    reply: Reply,
    finish: Callable[[BaseException | None], Awaitable[Any]] | None = None,
    send: Callable[[RequestContext, Reply], Awaitable[None]] = send,
) -> None:
    """End a request: last changes, sending, background work, teardown; each exactly once.

    Args:
        finish: what has to run last.
        send: writes the reply; that of a scope that may cancel it.
    """
    error: BaseException | None = None
    try:
        if c.late is not None:
            reply = await finalize(c, reply)
        try:
            await send(c, reply)
        except Disconnected as gone:
            error = gone  # nobody is there to be told; background work and teardown go on
        if reply.background is not None or c.background is not None:
            await afterwards(c, reply.background)
        error = c.error or error
    except BaseException as exc:
        error = exc
        raise
    finally:
        try:
            if finish is not None:
                left = await finish(error)
                if error is not None and not isinstance(error, Exception):
                    end(error, left)
        finally:
            c.close()
            error = None  # the traceback of `gone` knows this frame


async def settle_failure(
    c: RequestContext, exc: BaseException, send: Callable[[RequestContext, Reply], Awaitable[None]] = send
) -> None:
    """Answer a failed request whose plan awaits nothing on the good way."""
    await settle(c, await fail(c, exc), None, send)
