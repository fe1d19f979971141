"""Worker threads: where handlers written with `def` run.

* `to_thread` runs a callable in a worker thread, in a copy of the caller's context.
* Within that thread `on_loop` runs a coroutine on the loop and waits for it; ContextVars that it set are carried back.
* A `Hop` lets one thread serve a whole request: it delivers the response, waits until it was sent, and goes on with
  teardown in the same thread (a SQLite connection opened in a dependency is closed by the thread that opened it).

Threads stand in lanes, because of the deadlock of a full pool: a thread that waits for the loop must not make the loop
wait for a thread of the same lane. What runs on behalf of a thread of lane n takes lane n + 1, so each lane only waits
for later ones, and the last of them waits for nobody. The first lane refuses with 503 when too many callers wait for
it; the others never refuse, since what they do was begun before (a connection must be given back however full it is).

Where another library than asyncio runs (trio), anyio's threads do the same.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future as ThreadFuture
from functools import partial
from typing import Any, ParamSpec, TypeVar

from asteri.threads import Completions, Threads, completions
from fenrir.core.errors import StatusError

__all__ = ["THREADS", "Hop", "Overloaded", "in_worker", "leave", "on_loop", "run_on", "to_thread"]

P = ParamSpec("P")
T = TypeVar("T")

THREADS = int(os.environ.get("FENRIR_THREADS", "40"))  # of a lane; as many as the other frameworks have
WAITING = 4096  # callers that may wait for a thread of the first lane before new ones are refused


class Overloaded(StatusError):
    """503: every worker thread is busy and the queue is full."""

    http_status = 503
    http_detail = "Service Unavailable"
    http_headers = (("retry-after", "1"),)


class _Local(threading.local):
    """Of a worker thread: the loop it works for, and whether it is one of anyio's."""

    loop: asyncio.AbstractEventLoop | None = None
    foreign = False


_local = _Local()


class _Job:
    """A call for a thread, and the future of its result."""

    __slots__ = ("_call", "_context", "_error", "_home", "_result", "future", "threads")

    def __init__(self, call: Callable[[], Any], threads: Threads, home: Completions) -> None:
        self.future: asyncio.Future[Any] = home.loop.create_future()
        self._call: Callable[[], Any] | None = call
        self._context: contextvars.Context | None = contextvars.copy_context()
        self.threads = threads
        self._home = home
        self._result: Any = None
        self._error: BaseException | None = None

    def __call__(self) -> None:
        """In the thread: make the call."""
        assert self._call is not None and self._context is not None
        _local.loop = self._home.loop
        try:
            self._result = self._context.run(self._call)
        except BaseException as exc:
            self._error = exc
        self._call = self._context = None  # what the request held must not live until the loop has come to this
        _local.loop = None
        self.threads.hand_over(self._home, self.finish)

    def finish(self) -> None:
        """On the loop: say how it went."""
        complete(self.future, self._result, self._error)
        self._result = self._error = None


def complete(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    """Set a future that may have been cancelled meanwhile."""
    if future.done():
        return
    if error is None:
        future.set_result(result)
    elif isinstance(error, StopIteration):
        refused = RuntimeError("a worker raised StopIteration, which a coroutine can not")
        refused.__cause__ = error
        future.set_exception(refused)
    else:
        future.set_exception(error)


def _lane(number: int) -> Threads:
    return Threads(THREADS, f"fenrir-{number}")


_lanes = [_lane(0), _lane(1)]
_depth: contextvars.ContextVar[int] = contextvars.ContextVar("fenrir.depth", default=0)


def _after_fork() -> None:
    """Start anew in a child process: threads do not survive a fork."""
    _lanes[:] = [_lane(number) for number in range(len(_lanes))]


os.register_at_fork(after_in_child=_after_fork)


def _submit(call: Callable[[], T]) -> _Job:
    """Queue a call, in a copy of the current context."""
    depth = _depth.get()
    while depth >= len(_lanes):
        _lanes.append(_lane(len(_lanes)))
    lane = _lanes[depth]
    if not depth and len(lane.calls) >= WAITING + lane.free:
        raise Overloaded
    job = _Job(call, lane, completions())
    lane.submit(job)
    return job


async def to_thread(call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking callable in a worker thread, in a copy of the current context, and return its result.

    Raises:
        Overloaded: too many callers wait for a thread already.
    """
    work: Callable[[], T] = partial(call, *args, **kwargs) if args or kwargs else call
    if asyncio._get_running_loop() is None:
        return await _to_foreign_thread(work)
    result: T = await _submit(work).future
    return result


async def _to_foreign_thread(work: Callable[[], T]) -> T:
    import anyio
    import anyio.to_thread

    def run() -> T:
        _local.foreign = True
        try:
            return work()
        finally:
            _local.foreign = False

    # What runs on behalf of a thread never waits for another one: each such call brings its own permission.
    return await anyio.to_thread.run_sync(run, limiter=anyio.CapacityLimiter(1) if _depth.get() else None)


def leave() -> None:
    """Say that the current request is ending: from here on its work in threads is never refused."""
    if not _depth.get():
        _depth.set(1)


def in_worker() -> bool:
    """Say whether this thread works for a loop, so that `on_loop` may be called."""
    return _local.loop is not None or _local.foreign


def on_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """From a worker thread: run a coroutine on the loop that this thread works for, and wait for its result."""
    loop = _local.loop
    if _local.foreign:
        return _on_foreign_loop(coroutine)
    if loop is None:
        coroutine.close()
        raise RuntimeError("on_loop() is for worker threads of a running application")
    return run_on(loop, coroutine)


def _on_foreign_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    import anyio.from_thread

    async def run() -> tuple[T, contextvars.Context]:
        return await coroutine, contextvars.copy_context()

    depth = _depth.set(_depth.get() + 1)
    try:
        result, context = anyio.from_thread.run(run)
    finally:
        _depth.reset(depth)
    _take_over(context)
    return result


def _take_over(context: contextvars.Context) -> None:
    """Set the variables of another context here."""
    for variable, value in context.items():
        if variable is not _depth and variable.get(_MISSING) is not value:
            variable.set(value)


def run_on(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T]) -> T:
    """From another thread than the loop's: run a coroutine on it, wait for its result, take over its ContextVars."""
    context = contextvars.copy_context()
    context.run(_depth.set, _depth.get() + 1)
    outcome: ThreadFuture[T] = ThreadFuture()

    def start() -> None:
        task = loop.create_task(coroutine, context=context)
        task.add_done_callback(finished)

    def finished(task: asyncio.Task[T]) -> None:
        if task.cancelled():
            outcome.set_exception(asyncio.CancelledError())
        elif (error := task.exception()) is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(task.result())

    try:
        loop.call_soon_threadsafe(start)
    except RuntimeError:
        coroutine.close()  # the loop is closed
        raise
    try:
        return outcome.result()
    finally:
        _take_over(context)


_MISSING: Any = object()


class Hop:
    """One worker thread for a whole request: response first, teardown after it was sent."""

    __slots__ = ("_done", "_error", "_home", "_lane", "_reply", "_sent")

    def __init__(self) -> None:
        self._home = completions()
        self._lane: Threads | None = None
        self._reply: asyncio.Future[Any] = self._home.loop.create_future()
        self._sent = threading.Event()
        self._error: BaseException | None = None
        self._done: asyncio.Future[Any] | None = None

    async def run(self, work: Callable[[], None]) -> Any:
        """Start `work` and return what it delivers.

        Raises:
            Overloaded: no thread took it; `work` never runs.
        """
        job = _submit(work)
        self._lane, self._done = job.threads, job.future
        self._done.add_done_callback(self._ended)
        try:
            reply = await self._reply
        except BaseException as exc:
            self.release(exc)
            raise
        _depth.set(_depth.get() + 1)  # the thread waits: what sending needs a thread for takes the next lane
        return reply

    def _ended(self, done: asyncio.Future[Any]) -> None:
        error = None if done.cancelled() else done.exception()
        if not self._reply.done():
            self._reply.set_exception(error or RuntimeError("a worker thread ended without a response"))

    def deliver(self, reply: Any) -> BaseException | None:
        """In the thread: hand the response over and wait until it was sent; return what went wrong, if anything."""
        assert self._lane is not None
        self._lane.hand_over(self._home, lambda: complete(self._reply, reply, None))
        self._sent.wait()
        return self._error

    def release(self, error: BaseException | None) -> None:
        """Let the thread go on with teardown."""
        self._error = error
        self._sent.set()

    async def finish(self, error: BaseException | None) -> None:
        """Let the thread go on with teardown, and wait for its end."""
        self.release(error)
        if self._done is not None:
            await self._done
