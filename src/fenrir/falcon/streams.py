"""What a responder assigned to `resp.stream` or `resp.sse`, as the bytes that are sent."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from fenrir.falcon.constants import MEDIA_JSON
from fenrir.falcon.sse import SSEvent
from fenrir.kit.sse import event_stream

if TYPE_CHECKING:
    from fenrir.falcon.response import ResponseOptions

__all__ = ["answer_stream"]

BLOCK = 8 * 1024


def answer_stream(stream: Any, options: ResponseOptions, *, events: bool) -> AsyncIterable[bytes] | Iterable[bytes]:
    """Return the bytes of a stream: of events, of an object with `read`, or of an iterable, sync or async.

    Raises:
        TypeError: it is none of these.
    """
    if inspect.isasyncgenfunction(stream):
        name = "sse" if events else "stream"
        raise TypeError(f"Response.{name} must be a generator, not the function that makes one; call it")
    if events:
        handler = options.media_handlers.find(MEDIA_JSON, MEDIA_JSON)

        def encode(event: SSEvent | None) -> bytes:
            return (event or SSEvent()).serialize(handler)

        return event_stream(stream, encode=encode)
    if hasattr(stream, "read"):
        return _read_async(stream) if inspect.iscoroutinefunction(stream.read) else _Read(stream)
    if isinstance(stream, AsyncIterable):
        return _until_none(stream)
    if isinstance(stream, Iterable):
        return stream
    raise TypeError("Response.stream must have a read() method or be iterable")


class _Read:
    """The blocks of a file-like object."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def __iter__(self) -> Iterator[bytes]:
        while piece := self._file.read(BLOCK):
            yield piece

    def close(self) -> None:
        """Close the file, if it can be closed."""
        if hasattr(self._file, "close"):
            self._file.close()


async def _read_async(file: Any) -> AsyncIterator[bytes]:
    try:
        while piece := await file.read(BLOCK):
            yield piece
    finally:
        if hasattr(file, "close"):
            closed = file.close()
            if inspect.isawaitable(closed):
                await closed


async def _until_none(stream: AsyncIterable[bytes | None]) -> AsyncIterator[bytes]:
    try:
        async for piece in stream:
            if piece is None:
                break
            yield piece
    finally:
        if hasattr(stream, "aclose"):
            await stream.aclose()
