"""The body of a request for async responders: read with `await`, or iterated."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from fenrir.falcon.errors import OperationNotAllowed

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = ["BoundedStream"]


class BoundedStream:
    """A body that ends where the request ends."""

    def __init__(self, c: RequestContext) -> None:
        self._c = c
        self._buffer = b""
        self._begun = False
        self._ended = False
        self._iterated = False
        self._position = 0
        self.closed = False

    async def _next(self) -> bytes:
        """Return the next piece, b"" at the end; a body that was read for other code is taken from there."""
        if self._ended:
            return b""
        if not self._begun:
            self._begun = True
            if self._c._body is not None or self._c.http.buffered is not None or self._c.body_limit is not None:
                self._ended = True
                return await self._c.read_body()
        piece = await self._c.http.read()
        self._ended = not piece
        return piece

    def _check(self) -> None:
        if self.closed:
            raise OperationNotAllowed("This stream is closed; no further operations on it are permitted.")

    @property
    def eof(self) -> bool:
        """Say whether everything was read."""
        return self._ended and not self._buffer

    def tell(self) -> int:
        """Return how many bytes were read."""
        return self._position

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return False."""
        return False

    def writable(self) -> bool:
        """Return False."""
        return False

    def isatty(self) -> bool:
        """Return False."""
        return False

    def close(self) -> None:
        """Read no more."""
        self._buffer = b""
        self._ended = self.closed = True

    async def read(self, size: int | None = None) -> bytes:
        """Return `size` bytes, fewer at the end; all by default."""
        self._check()
        if size is None or size == -1:
            return await self.readall()
        pieces, length = [self._buffer], len(self._buffer)
        while length < size and (piece := await self._next()):
            pieces.append(piece)
            length += len(piece)
        data = b"".join(pieces)
        wanted = data[: max(size, 0)]
        self._buffer = data[len(wanted) :]
        self._position += len(wanted)
        return wanted

    async def readall(self) -> bytes:
        """Return all that is left."""
        self._check()
        pieces, self._buffer = [self._buffer], b""
        while piece := await self._next():
            pieces.append(piece)
        data = b"".join(pieces)
        self._position += len(data)
        return data

    async def exhaust(self) -> None:
        """Skip the rest."""
        self._check()
        self._buffer = b""
        while piece := await self._next():
            self._position += len(piece)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._check()
        if self._iterated and not self.eof:
            raise OperationNotAllowed("This stream is already being iterated over.")
        self._iterated = True
        if self._buffer:
            piece, self._buffer = self._buffer, b""
            self._position += len(piece)
            yield piece
        while piece := await self._next():
            self._position += len(piece)
            yield piece
