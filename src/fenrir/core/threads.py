"""Worker threads: where handlers written with `def` run.

* `to_thread` runs a callable in a worker thread, in a copy of the caller's context.
* Within that thread `on_loop` runs a coroutine on the loop and waits for it; ContextVars that it set are carried back.
* A `Hop` lets one thread serve a whole request: it delivers the response, waits until it was sent, and goes on with
  teardown in the same thread (a SQLite connection opened in a dependency is closed by the thread that opened it).

Threads stand in lanes, because of the deadlock of a full pool: a thread that waits for the loop must not make the loop
wait for a thread of the same lane. What runs on behalf of a thread of lane n takes lane n + 1, so each lane only waits
for later ones, and the last of them waits for nobody. The first lane refuses with 503 when too many callers wait for
it; the others never refuse, since what they do was begun before (a connection must be given back however full it is).
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future as ThreadFuture
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

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


class _Completions:
    """Results on their way from threads to one loop, handed over in batches."""

    __slots__ = ("_done", "_scheduled", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._done: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        self._scheduled = False

    def add(self, future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
        """Complete a future of the loop, from any thread."""
        self._done.append((future, result, error))
        if not self._scheduled:
            self._scheduled = True
            try:
                self.loop.call_soon_threadsafe(self._hand_over)
            except RuntimeError:
                self._done.clear()  # the loop is closed: nobody waits any more

    def _hand_over(self) -> None:
        self._scheduled = False  # before emptying: what is added from now on schedules again
        while self._done:
            future, result, error = self._done.popleft()
            if future.done():
                continue  # its caller was cancelled
            if error is None:
                future.set_result(result)
            elif isinstance(error, StopIteration):
                refused = RuntimeError("a worker raised StopIteration, which a coroutine can not")
                refused.__cause__ = error
                future.set_exception(refused)
            else:
                future.set_exception(error)


class _Local(threading.local):
    """Of a worker thread: the loop it works for. Of a loop's thread: what comes back to that loop."""

    loop: asyncio.AbstractEventLoop | None = None
    home: _Completions | None = None


_local = _Local()


def _completions() -> _Completions:
    loop = asyncio.get_running_loop()
    found = _local.home
    if found is None or found.loop is not loop:
        found = _local.home = _Completions(loop)
    return found


_Work = tuple[Callable[[], Any], contextvars.Context, "asyncio.Future[Any]", _Completions]


class _Lane:
    """Threads that take work from one queue; started when needed, ended with the process."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._queue: SimpleQueue[_Work] = SimpleQueue()
        self._lock = threading.Lock()
        self._started = 0
        # Threads without work, less the calls that nobody has taken: below zero, so many calls wait for a thread.
        self._spare = 0

    def submit(self, call: Callable[[], T]) -> asyncio.Future[T]:
        """Queue a call, in a copy of the current context."""
        completions = _completions()
        start = 0
        with self._lock:
            if self._spare <= -WAITING and not self._number:
                raise Overloaded
            self._spare -= 1
            if self._spare < 0 and self._started < THREADS:
                self._started += 1
                self._spare += 1
                start = self._started
        if start:
            self._start(start)
        future: asyncio.Future[T] = completions.loop.create_future()
        self._queue.put((call, contextvars.copy_context(), future, completions))
        return future

    def _start(self, number: int) -> None:
        try:
            threading.Thread(target=self._run, name=f"fenrir-{self._number}-{number}", daemon=True).start()
        except RuntimeError:  # the system gives no more threads: as if this call had never been
            with self._lock:
                self._started -= 1
            raise

    def _run(self) -> None:
        while True:
            call, context, future, completions = self._queue.get()
            _local.loop = completions.loop
            result: Any = None
            error: BaseException | None = None
            try:
                result = context.run(call)
            except BaseException as exc:
                error = exc
            with self._lock:
                self._spare += 1  # before the result is known, so that whoever gets it finds this thread
            completions.add(future, result, error)
            # What the request held must not live until the next one comes.
            del call, context, future, completions, result, error
            _local.loop = None


_lanes = [_Lane(0), _Lane(1)]
_depth: contextvars.ContextVar[int] = contextvars.ContextVar("fenrir.depth", default=0)


def _after_fork() -> None:
    """Start anew in a child process: threads do not survive a fork."""
    _lanes[:] = [_Lane(number) for number in range(len(_lanes))]


os.register_at_fork(after_in_child=_after_fork)


def _submit(call: Callable[[], T]) -> asyncio.Future[T]:
    depth = _depth.get()
    while depth >= len(_lanes):
        _lanes.append(_Lane(len(_lanes)))
    return _lanes[depth].submit(call)


async def to_thread(call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking callable in a worker thread, in a copy of the current context, and return its result.

    Raises:
        Overloaded: too many callers wait for a thread already.
    """
    return await _submit(lambda: call(*args, **kwargs))


def leave() -> None:
    """Say that the current request is ending: from here on its work in threads is never refused."""
    if not _depth.get():
        _depth.set(1)


def in_worker() -> bool:
    """Say whether this thread works for a loop, so that `on_loop` may be called."""
    return _local.loop is not None


def on_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """From a worker thread: run a coroutine on the loop that this thread works for, and wait for its result."""
    loop = _local.loop
    if loop is None:
        coroutine.close()
        raise RuntimeError("on_loop() is for worker threads of a running application")
    return run_on(loop, coroutine)


def run_on(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T]) -> T:
    """From another thread than the loop's: run a coroutine on it, wait for its result, and take over its ContextVars."""
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
        for variable, value in context.items():
            if variable is not _depth and variable.get(_MISSING) is not value:
                variable.set(value)


_MISSING: Any = object()


class Hop:
    """One worker thread for a whole request: response first, teardown after it was sent."""

    __slots__ = ("_completions", "_done", "_error", "_reply", "_sent")

    def __init__(self) -> None:
        self._completions = _completions()
        self._reply: asyncio.Future[Any] = self._completions.loop.create_future()
        self._sent = threading.Event()
        self._error: BaseException | None = None
        self._done: asyncio.Future[Any] | None = None

    async def run(self, work: Callable[[], None]) -> Any:
        """Start `work` and return what it delivers.

        Raises:
            Overloaded: no thread took it; `work` never runs.
        """
        self._done = _submit(work)
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
        self._completions.add(self._reply, reply, None)
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
