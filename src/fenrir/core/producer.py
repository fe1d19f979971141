"""An iterable that runs in a task of its own, so that waiting for its next item can end without cancelling it.

The whole iterable runs in one task, with one context: what it opens between two items (a task group, a time limit, a
context variable) is closed where it was opened. It is at most one item ahead.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, Protocol

from fenrir.core.loop import on_asyncio
from fenrir.core.shields import shielded

__all__ = ["END", "GONE", "SILENCE", "Producer", "produce"]

END: Final[Any] = object()  # there are no more items
SILENCE: Final[Any] = object()  # nothing came for the time that one wanted to wait
GONE: Final[Any] = object()  # whoever wanted the items has left


class Producer(Protocol):
    """The items of an iterable, as they come."""

    async def following(self, seconds: float) -> Any:
        """Return the next item, or one of `END`, `SILENCE` and `GONE`; raise what the iterable raises."""

    async def close(self) -> None:
        """Cancel what still runs and wait for its end; the iterable is closed then."""


def produce(source: AsyncIterator[Any], leaving: Callable[[], Awaitable[Any]] | None = None) -> Producer:
    """Start an iterable.

    Args:
        leaving: returns when nobody wants more items.
    """
    return _OnAsyncio(source, leaving) if on_asyncio() else _OnTrio(source, leaving)


async def _close(source: AsyncIterator[Any]) -> None:
    close = getattr(source, "aclose", None)
    if close is not None:
        await close()


class _OnAsyncio:
    def __init__(self, source: AsyncIterator[Any], leaving: Callable[[], Awaitable[Any]] | None) -> None:
        self._source = source
        self._loop = asyncio.get_running_loop()
        self._item: asyncio.Future[Any] = self._loop.create_future()
        self._taken = asyncio.Event()
        self._task = asyncio.ensure_future(self._run())
        self._gone = None if leaving is None else asyncio.ensure_future(leaving())

    async def _run(self) -> None:
        try:
            try:
                async for item in self._source:
                    self._item.set_result(item)
                    await self._taken.wait()
                    self._taken.clear()
            finally:
                await _close(self._source)
        except Exception as exc:
            self._item.set_exception(exc)
        else:
            self._item.set_result(END)

    async def following(self, seconds: float) -> Any:
        ends: list[asyncio.Future[Any]] = [self._item, self._task]
        if self._gone is not None:
            ends.append(self._gone)
        await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not self._item.done():
            if self._task.done():
                return self._task.result()  # raises what is no Exception: it was cancelled
            return GONE if self._gone is not None and self._gone.done() else SILENCE
        item = self._item.result()
        if item is not END:
            self._item = self._loop.create_future()
            self._taken.set()
        return item

    async def close(self) -> None:
        for task in (self._task, self._gone):
            if task is not None and not task.done():
                task.cancel()
                with shielded():
                    await asyncio.wait([task])
        if self._item.done() and not self._item.cancelled():
            self._item.exception()  # it was seen, or nobody is there to see it


class _OnTrio:
    def __init__(self, source: AsyncIterator[Any], leaving: Callable[[], Awaitable[Any]] | None) -> None:
        import trio

        self._trio = trio
        self._source = source
        self._sends, self._receives = trio.open_memory_channel[Any](0)
        self._scope, self._watching = trio.CancelScope(), trio.CancelScope()
        self._error: Exception | None = None
        self._ended = trio.Event()
        self._gone = False
        context = contextvars.copy_context()
        # A nursery can not stay open while an async generator yields: tasks of the system do, in a scope of ours.
        trio.lowlevel.spawn_system_task(self._run, context=context)
        if leaving is not None:
            trio.lowlevel.spawn_system_task(self._watch, leaving, context=context)

    async def _run(self) -> None:
        with self._scope:
            try:
                try:
                    async for item in self._source:
                        await self._sends.send(item)
                finally:
                    with self._trio.CancelScope(shield=True):
                        await _close(self._source)
            except Exception as exc:
                self._error = exc
        self._sends.close()
        self._ended.set()

    async def _watch(self, leaving: Callable[[], Awaitable[Any]]) -> None:
        with self._watching:
            try:
                await leaving()
            except Exception as exc:  # nobody may raise in a task of the system
                self._error = exc
            else:
                self._gone = True
            self._scope.cancel()

    async def following(self, seconds: float) -> Any:
        with self._trio.move_on_after(seconds):
            try:
                return await self._receives.receive()
            except self._trio.EndOfChannel:
                if self._gone:
                    return GONE
                if self._error is not None:
                    raise self._error from None
                return END
        return SILENCE

    async def close(self) -> None:
        self._scope.cancel()
        self._watching.cancel()
        self._receives.close()
        with self._trio.CancelScope(shield=True):
            await self._ended.wait()
