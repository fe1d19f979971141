"""Running an application's coroutine without a task for as long as it does not wait.

Most handlers never wait, and a task costs more than such a handler: on CPython 3.11, 3 to 4 microseconds, most of them
for a second turn of the loop and for asyncio's register of tasks. So the first step is made here (`start_by_hand`),
under these rules, so that no application can tell the difference:

    1. The whole coroutine, first step or later, runs in one and the same context: a ContextVar may be reset later.
    2. The first step already has its task: `current_task()` returns the very object that will drive the rest. It is a
       `asyncio.Task` that is not initialised before the coroutine waits, or before anybody asks anything of it
       (`asyncio.timeout`, a task group, anyio and a cancellation all do).
    3. What the first step waits for is given to that task as if it had made the step itself.

From 3.12 on asyncio itself starts tasks eagerly (`start_eagerly`). That still costs 0.35 microseconds more, so it is
used only where this has not been seen to work: from 3.14 on.

`owner.finished(exchange, error)` is called once, at the end.
"""

# mypy: ignore-errors

from __future__ import annotations

import asyncio
import sys
from asyncio.tasks import _enter_task, _leave_task
from functools import partial

try:
    import cython
except ImportError:
    from asteri.wire.interpreted import cython

if cython.compiled:
    from cython.cimports.cpython.contextvars import PyContext_Enter, PyContext_Exit
    from cython.cimports.cpython.object import PyObject
    from cython.cimports.cpython.ref import Py_DECREF

__all__ = ["LazyTask", "Rest", "start", "start_by_hand", "start_eagerly"]

EAGER = cython.declare(cython.bint, sys.version_info >= (3, 14))
NOTHING = object()
ENDED = object()
# Everything that can be asked of a task by a method. What is an attribute is true before the initialisation as well.
QUESTIONS = (
    "add_done_callback remove_done_callback cancel cancelling uncancel cancelled done result exception set_result "
    "set_exception get_loop get_name set_name get_context get_stack print_stack __await__ __iter__ __repr__"
)


class LazyTask(asyncio.Task):
    """A task that is initialised when it is first needed."""

    __slots__ = ("rest",)

    def begin(self) -> None:
        """Become a real task."""
        rest: Rest = self.rest
        if not rest.begun:
            rest.begun = True
            super().__init__(rest, loop=rest.loop, context=rest.context)

    def get_coro(self):
        """Return the application's coroutine."""
        rest: Rest = self.rest
        return rest.coroutine

    @property
    def _coro(self):
        return self.get_coro()


def _asking(name: str):
    method = getattr(asyncio.Task, name)

    def ask(self, *args, **kwargs):
        self.begin()
        return method(self, *args, **kwargs)

    return ask


for _name in QUESTIONS.split():
    if hasattr(asyncio.Task, _name):
        setattr(LazyTask, _name, _asking(_name))


class Rest:
    """A coroutine from its first wait on, itself a coroutine for the task that drives it.

    Attributes:
        begun: there is a task that drives it.
    """

    def __iter__(self):
        return self

    def __await__(self):
        return self

    def __next__(self):
        return self.send(None)

    def send(self, value):
        """Make the next step."""
        if self.first is not NOTHING:
            first, self.first = self.first, NOTHING
            return first
        if self.ended:
            if self.error is not None:
                raise self.error
            raise StopIteration
        try:
            return self.coroutine.send(value)
        except BaseException as error:
            self._end(error)

    def throw(self, *args):
        """Raise an exception where the coroutine waits."""
        if self.first is not NOTHING:
            # A task that was cancelled in its first step cancels what that step waits for.
            first, self.first = self.first, NOTHING
            if first is not None and first.cancel():
                return first
        if self.ended:
            raise args[0] if len(args) == 1 else args[1]
        try:
            return self.coroutine.throw(*args)
        except BaseException as error:
            self._end(error)

    def close(self) -> None:
        """End the coroutine."""
        if not self.ended:
            self.coroutine.close()

    def _end(self, error):
        """Tell the owner, and end as the coroutine did."""
        self.ended = True
        if isinstance(error, StopIteration):
            self.owner.finished(self.exchange, None)
            raise StopIteration
        self.owner.finished(self.exchange, error)
        if isinstance(error, Exception):
            raise StopIteration
        raise error


async def _drive(owner, exchange, coroutine) -> None:
    """Be the whole life of a coroutine in a task of its own."""
    try:
        await coroutine
    except Exception as error:
        owner.finished(exchange, error)
    except BaseException as error:
        owner.finished(exchange, error)
        raise
    else:
        owner.finished(exchange, None)


def _future_ended(owner, exchange, future) -> None:
    error = asyncio.CancelledError() if future.cancelled() else future.exception()
    owner.finished(exchange, error)


def start(owner, exchange, coroutine, loop, context):
    """Run a coroutine in a context; return its task if it has to wait, None if it has ended already.

    Args:
        owner: its `finished(exchange, error)` is called at the end, with None or the exception. An `Exception` is then
            forgotten; any other ends the task, or the loop, as asyncio has it.
        coroutine: or another awaitable; a future needs no task.
    """
    if not hasattr(coroutine, "send"):
        if asyncio.isfuture(coroutine):
            coroutine.add_done_callback(partial(_future_ended, owner, exchange), context=context)
            return coroutine
        return loop.create_task(_drive(owner, exchange, coroutine), context=context)
    if EAGER:
        return start_eagerly(owner, exchange, coroutine, loop, context)
    return start_by_hand(owner, exchange, coroutine, loop, context)


def start_eagerly(owner, exchange, coroutine, loop, context):
    """Do what `start` says with an eager task (CPython 3.12)."""
    task = asyncio.Task(_drive(owner, exchange, coroutine), loop=loop, context=context, eager_start=True)
    return None if task.done() else task


def start_by_hand(owner, exchange, coroutine, loop, context):
    """Do what `start` says without a task as long as nobody needs one."""
    rest: Rest = Rest.__new__(Rest)
    rest.owner = owner
    rest.exchange = exchange
    rest.coroutine = coroutine
    rest.loop = loop
    rest.context = context
    rest.first = NOTHING
    rest.error = None
    rest.begun = rest.ended = False
    task = LazyTask.__new__(LazyTask)
    task.rest = rest
    try:
        _enter_task(loop, task)
    except RuntimeError:  # inside another task, which could not be resumed afterwards
        return loop.create_task(_drive(owner, exchange, coroutine), context=context)
    try:
        first = _step(coroutine, context)
    except BaseException as error:
        rest.ended = True
        context.run(owner.finished, exchange, error)
        if not isinstance(error, Exception):
            if rest.begun:
                rest.error = error
            elif not isinstance(error, asyncio.CancelledError):
                loop.call_soon(_raise, error)
        return task if rest.begun else None
    finally:
        _leave_task(loop, task)
    if first is not ENDED:
        rest.first = first
        task.begin()
        return task
    rest.ended = True
    owner.finished(exchange, None)
    return task if rest.begun else None


@cython.cfunc
def _step(coroutine, context):
    """Make the first step; return what the coroutine waits for, or `ENDED`."""
    if cython.compiled:
        result: cython.pointer(PyObject) = cython.NULL
        PyContext_Enter(context)
        try:
            state: cython.int = PyIter_Send(coroutine, None, cython.address(result))  # noqa: F821 - from step_cy.pxd
        finally:
            PyContext_Exit(context)
        value = cython.cast(object, result)
        Py_DECREF(value)
        return value if state else ENDED
    else:
        try:
            return context.run(coroutine.send, None)
        except StopIteration:
            return ENDED


def _raise(error: BaseException) -> None:
    """Let an exception end the loop."""
    raise error
