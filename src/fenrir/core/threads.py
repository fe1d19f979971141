"""Worker threads: where handlers written with `def` run.

* `to_thread` runs a callable in a worker thread, in a copy of the caller's context.
* Within that thread `on_loop` runs a coroutine on the loop and waits for it; ContextVars that it set are carried back.
* A `Hop` lets one thread serve a whole request: it delivers the response, waits until it was sent, and goes on with
  teardown in the same thread (a SQLite connection opened in a dependency is closed by the thread that opened it).

There are two lanes. A request whose thread is waiting for the loop must not make the loop wait for a thread of the same
lane (the deadlock of a full pool), so whatever runs on behalf of a held thread takes the second lane. A lane that
has too many callers waiting refuses with 503 instead of growing.
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
from weakref import WeakKeyDictionary

from fenrir.core.errors import StatusError

__all__ = ["THREADS", "Hop", "Overloaded", "in_worker", "on_loop", "to_thread"]

P = ParamSpec("P")
T = TypeVar("T")

THREADS = int(os.environ.get("FENRIR_THREADS", "40"))  # of a lane; as many as the other frameworks have
WAITING = 4096  # callers that may wait for a thread of one lane before new ones are refused


class Overloaded(StatusError):
    """503: every worker thread is busy and the queue is full."""

    http_status = 503
    http_detail = "Service Unavailable"
    http_headers = (("retry-after", "1"),)


class _Completions:
    """Results on their way from threads to one loop, handed over in batches."""

    __slots__ = ("__weakref__", "_done", "_loop", "_scheduled")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._done: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        self._scheduled = False

    def add(self, future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
        """Complete a future of the loop, from any thread."""
        self._done.append((future, result, error))
        if not self._scheduled:
            self._scheduled = True
            try:
                self._loop.call_soon_threadsafe(self._hand_over)
            except RuntimeError:
                self._done.clear()  # the loop is closed: nobody waits any more

    def _hand_over(self) -> None:
        self._scheduled = False  # before emptying: what is added from now on schedules again
        while self._done:
            future, result, error = self._done.popleft()
            if future.cancelled():
                continue
            if error is None:
                future.set_result(result)
            elif isinstance(error, StopIteration):
                future.set_exception(RuntimeError("a worker raised StopIteration"))
            else:
                future.set_exception(error)


_Work = tuple[Callable[[], Any], contextvars.Context, "asyncio.Future[Any]", _Completions, asyncio.AbstractEventLoop]


class _Lane:
    """Threads that take work from one queue; started when needed, ended with the process."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._queue: SimpleQueue[_Work] = SimpleQueue()
        self._idle = 0
        self._started = 0
        self._lock = threading.Lock()
        self._completions: WeakKeyDictionary[asyncio.AbstractEventLoop, _Completions] = WeakKeyDictionary()

    def submit(self, call: Callable[[], T]) -> asyncio.Future[T]:
        """Queue a call, in a copy of the current context."""
        loop = asyncio.get_running_loop()
        completions = self._completions.get(loop)
        if completions is None:
            completions = self._completions[loop] = _Completions(loop)
        if self._queue.qsize() >= WAITING:
            raise Overloaded
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put((call, contextvars.copy_context(), future, completions, loop))
        if self._idle < self._queue.qsize() and self._started < THREADS:
            self._start()
        return future

    def _start(self) -> None:
        with self._lock:
            if self._started >= THREADS:
                return
            self._started += 1
            number = self._started
        threading.Thread(target=self._run, name=f"fenrir-{self._name}-{number}", daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            call, context, future, completions, loop = self._queue.get()
            with self._lock:
                self._idle -= 1
            _thread.loop = loop
            try:
                result = context.run(call)
            except BaseException as exc:
                completions.add(future, None, exc)
            else:
                completions.add(future, result, None)
                del result
            # What the request held must not live until the next one comes.
            del call, context, future, completions, loop
            _thread.loop = None


class _Thread(threading.local):
    loop: asyncio.AbstractEventLoop | None = None


_thread = _Thread()
_work = _Lane("work")
_exit = _Lane("exit")
_held: contextvars.ContextVar[bool] = contextvars.ContextVar("fenrir.held", default=False)


def _after_fork() -> None:
    """Start anew in a child process: threads do not survive a fork."""
    global _work, _exit
    _work, _exit = _Lane("work"), _Lane("exit")


os.register_at_fork(after_in_child=_after_fork)


def _submit(call: Callable[[], T]) -> asyncio.Future[T]:
    return (_exit if _held.get() else _work).submit(call)


async def to_thread(call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking callable in a worker thread, in a copy of the current context, and return its result.

    Raises:
        Overloaded: too many callers wait for a thread already.
    """
    return await _submit(lambda: call(*args, **kwargs))


def in_worker() -> bool:
    """Say whether this thread works for a loop, so that `on_loop` may be called."""
    return _thread.loop is not None


def on_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """From a worker thread: run a coroutine on the loop that this thread works for, and wait for its result."""
    loop = _thread.loop
    if loop is None:
        coroutine.close()
        raise RuntimeError("on_loop() is for worker threads of a running application")
    context = contextvars.copy_context()
    context.run(_held.set, True)
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

    loop.call_soon_threadsafe(start)
    try:
        return outcome.result()
    finally:
        for variable, value in context.items():
            if variable is not _held and variable.get(_MISSING) is not value:
                variable.set(value)


_MISSING: Any = object()


class Hop:
    """One worker thread for a whole request: response first, teardown after it was sent."""

    __slots__ = ("_completions", "_done", "_error", "_reply", "_sent")

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._reply: asyncio.Future[Any] = loop.create_future()
        self._completions = _Completions(loop)
        self._sent = threading.Event()
        self._error: BaseException | None = None
        self._done: asyncio.Future[Any] | None = None

    async def run(self, work: Callable[[], None]) -> Any:
        """Start `work` and return what it delivers."""
        self._done = _submit(work)
        self._done.add_done_callback(self._ended)
        try:
            reply = await self._reply
            _held.set(True)  # the thread waits: what sending needs a thread for takes the other lane
            return reply
        except BaseException as exc:
            self.release(exc)
            raise

    def _ended(self, done: asyncio.Future[Any]) -> None:
        if not self._reply.done():
            error = None if done.cancelled() else done.exception()
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
