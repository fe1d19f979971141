"""A handler that sends its response piece by piece, as `await response.send(...)` in the middle of its body.

The engine wants one reply from a handler, so that hooks see it before anything is sent. A handler that sends is
therefore suspended at its first `send`: the coroutine hands the piece up to its driver, which gives the reply to the
engine; when the engine then asks for the body, the same coroutine is driven on, in the same task and the same
context. A handler that never sends runs as if the driver were not there.

`send` must be awaited in the handler's own task, because only there is a driver to hand the piece to.
"""

from __future__ import annotations

import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any

from asteri.exchange import Disconnected
from fenrir.core.reply import Reply

__all__ = ["Drive", "Ended", "Piece", "hand_over"]


class Piece:
    """What a `send` hands up: bytes, and whether they are the last."""

    __slots__ = ("data", "last")

    def __init__(self, data: bytes, last: bool) -> None:
        self.data = data
        self.last = last


class Ended:
    """The handler's end, with the value that it returned."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


@types.coroutine
def hand_over(piece: Piece) -> Generator[Piece, None, None]:
    """Give a piece to the driver and wait until it is asked for the next one."""
    yield piece


async def _awaited(value: Awaitable[Any]) -> Any:
    return await value


class _Step:
    """An awaitable: run a coroutine up to its next piece or its end."""

    __slots__ = ("_coroutine", "_error")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], error: BaseException | None = None) -> None:
        self._coroutine = coroutine
        self._error = error

    def __await__(self) -> Generator[Any, Any, Piece | Ended]:
        coroutine, error = self._coroutine, self._error
        sent: Any = None
        while True:
            try:
                given = coroutine.send(sent) if error is None else coroutine.throw(error)
            except StopIteration as stop:
                return Ended(stop.value)
            if type(given) is Piece:
                return given
            try:
                sent, error = (yield given), None
            except BaseException as exc:
                sent, error = None, exc


class Drive:
    """One run of a handler, and the rest of its body as a stream."""

    def __init__(self, begin: Callable[[], Awaitable[Any]]) -> None:
        self._begin = begin
        self._coroutine: Coroutine[Any, Any, Any] | None = None
        self._first: Piece | None = None
        self._done = False

    async def next(self, error: BaseException | None = None) -> Piece | Ended:
        """Run up to the next piece or the end; `error` is raised in the `send` at which the handler waits."""
        coroutine = self._coroutine
        try:
            if coroutine is None:
                work = self._begin()
                coroutine = self._coroutine = work if isinstance(work, Coroutine) else _awaited(work)
            given = await _Step(coroutine, error)
        except BaseException:
            self._done = True
            raise
        if isinstance(given, Ended):
            self._done = True
        return given

    def stream_into(self, reply: Reply, first: Piece) -> None:
        """Make the rest of the run the body of a reply."""
        self._first = first
        reply.body = b""
        reply.stream = self

    def __aiter__(self) -> Drive:
        return self

    async def __anext__(self) -> bytes:
        given: Piece | Ended | None = self._first
        self._first = None
        while not self._done or given is not None:
            if given is None:
                given = await self.next()
            if isinstance(given, Ended):
                break
            if given.data:
                return given.data
            given = None
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Tell a handler that still sends that nobody takes it: the client left, or asked for the head only."""
        try:
            while not self._done and self._coroutine is not None:
                await self.next(Disconnected("nobody takes the body of this response"))
        except Disconnected:
            return
