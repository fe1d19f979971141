"""A loop in the background, for coroutines of plain code that no loop serves (a WSGI server, a test, a command).

There is one for the whole process, so that what a coroutine keeps for its loop (a pool of connections) can be used by
the next one. It runs in a thread that ends with the process.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from collections.abc import AsyncIterable, Coroutine, Iterator
from typing import Any, TypeVar

from fenrir.core.threads import in_worker, on_loop, run_on

__all__ = ["iterate", "wait_for"]

T = TypeVar("T")


class _Background:
    """The loop, once somebody needs it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop, running."""
        with self._lock:
            if self._loop is None:
                # In a context of its own: the loop keeps the one in which it is made.
                self._loop = contextvars.Context().run(asyncio.new_event_loop)
                threading.Thread(target=self._loop.run_forever, name="fenrir-background", daemon=True).start()
            return self._loop

    def reset(self) -> None:
        """Start anew in a child process: threads do not survive a fork."""
        self.__init__()  # type: ignore[misc]


_background = _Background()
os.register_at_fork(after_in_child=_background.reset)


def wait_for(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end and return its result: on the loop that this thread works for, or in the background.

    Raises:
        RuntimeError: this is the background loop itself, which can not wait for itself.
    """
    if in_worker():
        return on_loop(coroutine)
    loop = _background.loop()
    try:
        here = asyncio.get_running_loop()
    except RuntimeError:
        here = None
    if here is loop:
        coroutine.close()
        raise RuntimeError("a coroutine can not be waited for by the loop that runs it; await it")
    return run_on(loop, coroutine)


def iterate(pieces: AsyncIterable[T]) -> Iterator[T]:
    """Iterate over an asynchronous stream from plain code, and close it in the end."""
    iterator = aiter(pieces)

    async def step() -> Any:
        return await anext(iterator, _END)

    async def close() -> None:
        if (aclose := getattr(iterator, "aclose", None)) is not None:
            await aclose()

    try:
        while (piece := wait_for(step())) is not _END:
            yield piece
    finally:
        wait_for(close())


_END: Any = object()
