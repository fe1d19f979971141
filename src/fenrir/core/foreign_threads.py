"""Worker threads on trio: anyio starts them, the rest is as in `threads`."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fenrir.core import threads
from fenrir.core.shields import shielded

__all__ = ["Hop", "on_loop", "to_thread"]

T = TypeVar("T")


async def to_thread(call: Callable[[], T], *, reserved: bool) -> T:
    """Run a blocking callable in a worker thread; `reserved` work never waits for others to end."""
    import anyio
    import anyio.to_thread

    def run() -> T:
        threads._local.foreign = True
        try:
            return call()
        finally:
            threads._local.foreign = False

    return await anyio.to_thread.run_sync(run, limiter=anyio.CapacityLimiter(1) if reserved else None)


def on_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """From a worker thread: run a coroutine on the loop and wait for its result."""
    import anyio.from_thread

    after: list[contextvars.Context] = []

    async def run() -> T:
        try:
            return await coroutine
        finally:
            after.append(contextvars.copy_context())

    depth = threads._depth.set(threads._depth.get() + 1)
    try:
        return anyio.from_thread.run(run)
    finally:
        threads._depth.reset(depth)
        for context in after:
            threads._take_over(context)


class Hop:
    """One worker thread for a whole request: response first, teardown after it was sent."""

    def __init__(self) -> None:
        import anyio

        self._arrived = anyio.Event()
        self._ended = anyio.Event()
        self._sent = threading.Event()
        self._reply: Any = None
        self._error: BaseException | None = None
        self._failure: BaseException | None = None

    async def run(self, work: Callable[[], None]) -> Any:
        """Start `work` and return what it delivers."""
        import trio

        trio.lowlevel.spawn_system_task(self._serve, work, context=contextvars.copy_context())
        try:
            await self._arrived.wait()
        except BaseException as exc:
            self.release(exc)
            with shielded():
                await self._ended.wait()
            raise
        if self._failure is not None:
            raise self._failure
        threads.leave()
        return self._reply

    async def _serve(self, work: Callable[[], None]) -> None:
        try:
            await to_thread(work, reserved=threads._depth.get() > 0)
        except BaseException as exc:
            # Nobody above this task could take it.
            self._failure = exc
        finally:
            self._arrived.set()
            self._ended.set()

    def deliver(self, reply: Any) -> BaseException | None:
        """In the thread: hand the response over and wait until it was sent; return what went wrong, if anything."""
        import anyio.from_thread

        self._reply = reply
        anyio.from_thread.run_sync(self._arrived.set)
        self._sent.wait()
        return self._error

    def release(self, error: BaseException | None) -> None:
        """Let the thread go on with teardown."""
        self._error = error
        self._sent.set()

    async def finish(self, error: BaseException | None) -> None:
        """Let the thread go on with teardown, and wait for its end."""
        self.release(error)
        if self._arrived.is_set():
            with shielded():
                await self._ended.wait()
            if self._failure is not None and error is None:
                raise self._failure
