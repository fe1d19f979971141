"""Answers on which nothing waits on the loop: a thread makes them, and then they are written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

__all__ = ["Pending"]


class Pending:
    """An answer that somebody else is making.

    A door may return one in the place of a coroutine. It is used as a future is: a server that knows it has itself told
    of the end, which costs no task and no turn of the loop; everybody else awaits it.

    A subclass has slots for `_told`, `_wrong` and `_future` and for `ended`, calls `begin` first and `end` last.

    Attributes:
        ended: the answer was written, or never will be.
    """

    if not TYPE_CHECKING:  # where it would forbid the attributes that subclasses have slots for
        __slots__ = ()
    ended: bool
    _told: Callable[[Any], object] | None
    _wrong: BaseException | None
    _future: asyncio.Future[None] | None  # of whoever awaits this

    def begin(self) -> None:
        """Be one that has not ended."""
        self.ended = False
        self._told = self._wrong = self._future = None

    def end(self, error: BaseException | None) -> None:
        """On the loop: come to the end, once, with what went wrong."""
        self.ended = True
        self._wrong = error
        told, self._told = self._told, None
        if told is not None:
            told(self)
        future, self._future = self._future, None
        if future is not None and not future.done():
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

    def add_done_callback(self, call: Callable[[Any], object], /) -> None:
        """Have `call` called with this at the end, on the loop. Only one can be told."""
        if self.ended:
            call(self)
        else:
            self._told = call

    def exception(self) -> BaseException | None:
        """Return what went wrong, after the end."""
        return self._wrong

    def cancel(self) -> bool:
        """Drop what is made from now on; return False if it is too late."""
        raise NotImplementedError

    def __await__(self) -> Generator[Any, Any, None]:
        return self._awaited().__await__()

    async def _awaited(self) -> None:
        if self.ended:
            if self._wrong is not None:
                raise self._wrong
            return
        self._future = asyncio.get_running_loop().create_future()
        try:
            await self._future
        except asyncio.CancelledError:
            self.cancel()
            raise
