"""Worker threads: where handlers written with `def` run.

* `to_thread` runs a callable in a worker thread, in a copy of the caller's context.
* Within that thread `on_loop` runs a coroutine on the loop and waits for it; ContextVars that it set are carried back.
* A `Hop` lets one thread serve a whole request: it delivers the response, waits until it was sent, and goes on with
  teardown in the same thread (a SQLite connection opened in a dependency is closed by the thread that opened it).

Threads stand in lanes, because of the deadlock of a full pool: a thread that waits for the loop must not make the loop
wait for a thread of the same lane. What runs on behalf of a thread of lane n takes lane n + 1, so each lane only waits
for later ones, and the last of them waits for nobody. The first lane refuses with 503 when too many callers wait for
it; the others never refuse, since what they do was begun before (a connection must be given back however full it is).

Where an application uses anyio, its limit of threads (`current_default_thread_limiter`) holds for the first lane, and
`anyio.from_thread` works in these threads; on trio the threads are anyio's own (`foreign_threads`).
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future as ThreadFuture
from functools import partial
from typing import Any, ParamSpec, TypeVar

from asteri.threads import Completions, Threads, completions
from fenrir.core.errors import StatusError
from fenrir.core.shields import in_cancelled_scope, shielded

__all__ = [
    "THREADS",
    "Call",
    "Home",
    "Hop",
    "Overloaded",
    "carried",
    "carried_out",
    "complete",
    "home",
    "hop",
    "in_worker",
    "leave",
    "on_loop",
    "run_on",
    "to_thread",
]

P = ParamSpec("P")
T = TypeVar("T")

THREADS = int(os.environ.get("FENRIR_THREADS", "40"))  # of a lane; as many as the other frameworks have
ANYIO = 40  # of anyio, as long as nobody has changed it
MOST = 4096  # threads of the first lane, whatever anyio's limit allows
WAITING = 4096  # callers that may wait for a thread of the first lane before new ones are refused


class Overloaded(StatusError):
    """503: every worker thread is busy and the queue is full."""

    http_status = 503
    http_detail = "Service Unavailable"
    http_headers = (("retry-after", "1"),)


class _Local(threading.local):
    """Of a worker thread: the loop it works for, and whether it is one of anyio's. Of a loop's: where it is at home."""

    loop: asyncio.AbstractEventLoop | None = None
    foreign = False  # it is a thread of anyio's
    home: Home | None = None


_local = _Local()


class Home:
    """What calls in threads need to know of the loop that they are made for.

    Attributes:
        completions: bring results to the loop.
    """

    __slots__ = ("_limiter", "_token", "completions", "loop")

    def __init__(self, completions: Completions) -> None:
        self.completions = completions
        self.loop = completions.loop
        self._limiter: Any = None
        self._token: Any = None

    @property
    def acquainted(self) -> bool:
        """Nothing has to be asked of anyio, which answers in tasks only."""
        modules = sys.modules
        return (self._limiter is not None or "anyio.to_thread" not in modules) and (
            self._token is not None or "anyio.from_thread" not in modules
        )

    @property
    def limiter(self) -> Any:
        """Anyio's limit of threads, if somebody may have set it."""
        found = self._limiter
        if found is None and (module := sys.modules.get("anyio.to_thread")) is not None:
            found = self._limiter = module.current_default_thread_limiter()
        return found

    @property
    def token(self) -> Any:
        """What `anyio.from_thread` finds the loop by, if somebody may ask."""
        found = self._token
        if found is None and "anyio.from_thread" in sys.modules:
            found = self._token = sys.modules["anyio.lowlevel"].current_token()
        return found


class Call:
    """A call for a thread of a lane.

    Attributes:
        ended: the loop knows how it went.
    """

    ended: bool
    __slots__ = ("_args", "_call", "_context", "_error", "_home", "_result", "_token", "ended", "limiter", "threads")

    def __init__(self, call: Callable[..., Any], args: tuple[Any, ...], home: Home) -> None:
        """Prepare a call for the lane in which this context stands.

        Raises:
            Overloaded: too many callers wait for a thread already.
        """
        depth = _depth.get()
        while depth >= len(_lanes):
            _lanes.append(_lane(len(_lanes)))
        self.threads = lane = _lanes[depth]
        if not depth and len(lane.calls) >= WAITING + lane.free:
            raise Overloaded
        self._call: Callable[..., Any] | None = call
        self._args = args
        self._context: contextvars.Context | None = contextvars.copy_context()
        self._home = home
        self._result: Any = None
        self._error: BaseException | None = None
        self.limiter: Any = None if depth else home.limiter
        self._token = home.token
        self.ended = False

    def __call__(self) -> None:
        """In the thread: make the call."""
        assert self._call is not None and self._context is not None
        _local.loop = self._home.loop
        if self._token is not None:
            lent = sys.modules["anyio.from_thread"].threadlocals
            lent.current_token, lent.current_cancel_scope = self._token, None
        try:
            self._result = self._context.run(self._call, *self._args)
        except BaseException as exc:
            self._error = exc
        self._call = None
        self._args = ()  # what the request held must not live until the loop has come to this
        _local.loop = None
        self.threads.hand_over(self._home.completions, self.finish)

    def finish(self) -> None:
        """On the loop: say how it went."""
        raise NotImplementedError

    def submit(self) -> None:
        """On the loop: stand in the line."""
        self.threads.submit(self, self._home.completions)

    async def admitted(self) -> None:
        """Wait until anyio's limit allows one more thread."""
        if not self.admit():
            await self.limiter.acquire_on_behalf_of(self)

    def admit(self) -> bool:
        """Ask anyio's limit for one more thread; say whether it was given at once."""
        limiter = self.limiter
        if limiter.total_tokens > max(ANYIO, self.threads.limit):
            self.threads.limit = int(min(limiter.total_tokens, MOST))
        try:
            limiter.acquire_on_behalf_of_nowait(self)
        except sys.modules["anyio"].WouldBlock:
            return False
        return True


class _Job(Call):
    """A call for a thread, and the future of its result."""

    __slots__ = ("future",)

    def __init__(self, call: Callable[[], Any], home: Home) -> None:
        super().__init__(call, (), home)
        self.future: asyncio.Future[Any] = home.loop.create_future()

    def finish(self) -> None:
        self.ended = True
        if self.limiter is not None:
            self.limiter.release_on_behalf_of(self)
        complete(self.future, self._result, self._error)
        self._result = self._error = self._context = None

    async def outcome(self) -> Any:
        """Wait for the result; a cancelled scope does not leave the thread alone."""
        try:
            return await self.future
        except asyncio.CancelledError:
            if not self.ended and in_cancelled_scope():
                self.future = self._home.loop.create_future()
                with shielded():
                    await asyncio.wait([self.future])
                    self.future.cancelled() or self.future.exception()  # it was seen
            raise


def complete(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    """Set a future that may have been cancelled meanwhile."""
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(carried_out(error))


def carried_out(error: BaseException) -> BaseException:
    """Return an exception of a thread as one that a coroutine can raise."""
    if not isinstance(error, StopIteration):
        return error
    refused = RuntimeError("a worker raised StopIteration, which a coroutine can not")
    refused.__cause__ = error
    return refused


def _lane(number: int) -> Threads:
    return Threads(THREADS, f"fenrir-{number}")


_lanes = [_lane(0), _lane(1)]
_depth: contextvars.ContextVar[int] = contextvars.ContextVar("fenrir.depth", default=0)


def _after_fork() -> None:
    """Start anew in a child process: threads do not survive a fork."""
    _lanes[:] = [_lane(number) for number in range(len(_lanes))]


os.register_at_fork(after_in_child=_after_fork)


def home() -> Home | None:
    """Return where the running loop is at home, None when it is not asyncio's."""
    found = _local.home
    if found is not None and found.loop.is_running():  # PERF: as in `completions`
        return found
    if asyncio._get_running_loop() is None:
        return None
    found = _local.home = Home(completions())
    return found


async def to_thread(call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking callable in a worker thread, in a copy of the current context, and return its result.

    Raises:
        Overloaded: too many callers wait for a thread already.
    """
    work = partial(call, *args, **kwargs) if args or kwargs else call
    here = home()
    if here is None:
        from fenrir.core import foreign_threads

        return await foreign_threads.to_thread(work, reserved=_depth.get() > 0)
    job = _Job(work, here)
    if job.limiter is not None:
        await job.admitted()
    job.submit()
    result: T = await job.outcome()
    return result


async def carried(call: Callable[[], T]) -> T:
    """Do as `to_thread`, and take over the ContextVars that the call has set."""
    context = contextvars.copy_context()
    result = await to_thread(context.run, call)
    _take_over(context)
    return result


def _take_over(context: contextvars.Context) -> None:
    for variable, value in context.items():
        if variable is not _depth and variable.get(_MISSING) is not value:
            variable.set(value)


def leave() -> None:
    """Say that the current request is ending: from here on its work in threads is never refused."""
    if not _depth.get():
        _depth.set(1)


def in_worker() -> bool:
    """Say whether this thread works for a loop, so that `on_loop` may be called."""
    return _local.loop is not None or _local.foreign


def on_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """From a worker thread: run a coroutine on the loop that this thread works for, and wait for its result."""
    if _local.foreign:
        from fenrir.core import foreign_threads

        return foreign_threads.on_loop(coroutine)
    loop = _local.loop
    if loop is None:
        coroutine.close()
        raise RuntimeError("on_loop() is for worker threads of a running application")
    return run_on(loop, coroutine)


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


def hop() -> Any:
    """Return a `Hop` for the running loop."""
    here = home()
    if here is None:
        from fenrir.core import foreign_threads

        return foreign_threads.Hop()
    return Hop(here)


class Hop:
    """One worker thread for a whole request: response first, teardown after it was sent."""

    __slots__ = ("_error", "_home", "_job", "_reply", "_sent")

    def __init__(self, home: Home) -> None:
        self._home = home
        self._reply: asyncio.Future[Any] = home.loop.create_future()
        self._sent = threading.Event()
        self._error: BaseException | None = None
        self._job: _Job | None = None

    async def run(self, work: Callable[[], None]) -> Any:
        """Start `work` and return what it delivers.

        Raises:
            Overloaded: no thread took it; `work` never runs.
        """
        job = _Job(work, self._home)
        if job.limiter is not None:
            await job.admitted()
        self._job = job
        job.submit()
        job.future.add_done_callback(self._ended)
        try:
            reply = await self._reply
        except BaseException as exc:
            self.release(exc)
            if not job.ended and in_cancelled_scope():
                with shielded():
                    await asyncio.wait([job.future])
            raise
        _depth.set(_depth.get() + 1)  # the thread waits: what sending needs a thread for takes the next lane
        return reply

    def _ended(self, done: asyncio.Future[Any]) -> None:
        error = None if done.cancelled() else done.exception()
        if not self._reply.done():
            self._reply.set_exception(error or RuntimeError("a worker thread ended without a response"))

    def deliver(self, reply: Any) -> BaseException | None:
        """In the thread: hand the response over and wait until it was sent; return what went wrong, if anything."""
        assert self._job is not None
        self._job.threads.hand_over(self._home.completions, lambda: complete(self._reply, reply, None))
        self._sent.wait()
        return self._error

    def release(self, error: BaseException | None) -> None:
        """Let the thread go on with teardown."""
        self._error = error
        self._sent.set()

    async def finish(self, error: BaseException | None) -> None:
        """Let the thread go on with teardown, and wait for its end."""
        self.release(error)
        if self._job is not None:
            await self._job.outcome()
