"""A reply: the one response under all the dialects' response classes.

A dialect's response object is a view of a `Reply` and gives it by `__reply__()`, so a response of any dialect may be
returned from a handler of any other, and a header set through one is seen through all.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from asteri.exchange import Disconnected
from fenrir.core.threads import to_thread
from fenrir.http.headers import MutableHeaders

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = ["HasReply", "Reply", "send", "settle"]


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
        body: the whole body, unless `stream` is set.
        stream: an iterable or async iterable of bytes; a plain iterable is run in a worker thread.
        background: awaited after the response has been sent.
    """

    __slots__ = ("background", "body", "headers", "status", "stream")

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
        self.body = body
        self.stream = stream
        self.background = background

    def __reply__(self) -> Reply:
        return self

    def __repr__(self) -> str:
        return f"<Reply {self.status}>"


async def send(c: RequestContext, reply: Reply) -> None:
    """Write a reply to the exchange.

    Raises:
        Disconnected: the client left during a stream.
    """
    exchange = c.http
    stream = reply.stream
    if stream is None:
        exchange.respond(reply.status, reply.headers.raw, reply.body)
        await exchange.drain()
        return
    try:
        sink = exchange.begin(reply.status, reply.headers.raw)
        if exchange.method == "HEAD" or reply.status in (204, 304):
            await sink.finish()
        elif isinstance(stream, AsyncIterable):
            async for piece in stream:
                await sink.write(piece)
            await sink.finish()
        else:
            pieces = iter(stream)
            while (chunk := await to_thread(_next, pieces)) is not None:
                await sink.write(chunk)
            await sink.finish()
    finally:
        await _close(stream)


def _next(pieces: Iterator[bytes]) -> bytes | None:
    """Return the next piece, None at the end: StopIteration can not leave a thread."""
    return next(pieces, None)


async def _close(stream: Any) -> None:
    """Close what was streamed, whether it was read to its end or not."""
    if (aclose := getattr(stream, "aclose", None)) is not None:
        await aclose()
    elif (close := getattr(stream, "close", None)) is not None:
        await to_thread(close)


async def settle(
    c: RequestContext, reply: Reply, finish: Callable[[BaseException | None], Awaitable[None]] | None = None
) -> None:
    """End a request: last changes, sending, background work, teardown; each exactly once."""
    error: BaseException | None = c.error
    try:
        if c.late is not None:
            for change in c.late:
                change(c, reply)
        await send(c, reply)
        if reply.background is not None:
            await reply.background()
        if c.background is not None:
            for call in c.background:
                await call()
    except Disconnected as gone:
        error = gone  # nobody is there to be told; teardown still learns of it
    except BaseException as exc:
        error = exc
        raise
    finally:
        try:
            if finish is not None:
                await finish(error)
        finally:
            c.close()
