"""The wait of one task for one thing that a connection brings, which goes on inside the read that brought it.

An `asyncio.Future` ends a wait in two turns of the loop: one in which the bytes arrive, one in which the task goes on.
`resume` lets the task go on at once, in its own context, if no other task is running at that moment; `complete` does it
in the next turn, as a future does. To the task it is a future: it can be cancelled, and deadlines around it work.

Ordinary Python in Cython's pure mode: interpreted, the same waits end in the same order.
"""

# mypy: ignore-errors

from __future__ import annotations

import asyncio
import sys

try:
    import cython
except ImportError:
    from asteri.wire.interpreted import cython

__all__ = ["OVER", "Over", "Waiter"]

PENDING = cython.declare(cython.int, 0)
DONE = cython.declare(cython.int, 1)
RESUMED = cython.declare(cython.int, 2)
CANCELLED = cython.declare(cython.int, 3)
# PERF: before 3.12 `current_task` is a Python function around this dictionary, 0.1 us.
running = asyncio.tasks._current_tasks.get if sys.version_info < (3, 12) else asyncio.current_task


class Waiter:
    """One wait.

    Args:
        loop: of the task that waits.
    """

    def __init__(self, loop) -> None:
        self._asyncio_future_blocking = False
        self._loop = loop
        self._state = PENDING
        self._callback = None
        self._context = None
        self._message = None

    def resume(self) -> bool:
        """End the wait within this call, if a task waits and no task is running; return whether that was so."""
        callback = self._callback
        if callback is None or self._state != PENDING or running(self._loop) is not None:
            return False
        self._callback = None
        self._state = RESUMED
        self._context.run(callback, self)
        return True

    def reuse(self) -> bool:
        """Begin another wait, if the last one ended by `resume`, so that nobody can still look at this object."""
        if self._state != RESUMED:
            return False
        self._state = PENDING
        return True

    def complete(self) -> None:
        """End the wait; the task goes on in the next turn of the loop."""
        if self._state == PENDING:
            self._state = DONE
            self._call_soon()

    def _call_soon(self):
        callback = self._callback
        if callback is not None:
            self._callback = None
            self._loop.call_soon(callback, self, context=self._context)

    # What a task asks of a future.

    def get_loop(self):
        """Return the loop of the task that waits."""
        return self._loop

    def done(self) -> bool:
        """Tell whether the wait is over."""
        return self._state != PENDING

    def cancelled(self) -> bool:
        """Tell whether the wait was cancelled."""
        return self._state == CANCELLED

    def cancel(self, msg=None) -> bool:
        """End the wait with `CancelledError`; return whether it was not over yet."""
        if self._state != PENDING:
            return False
        self._state = CANCELLED
        self._message = msg
        self._call_soon()
        return True

    def result(self) -> None:
        """Return when the wait is over.

        Raises:
            CancelledError: the wait was cancelled.
            InvalidStateError: it is not over.
        """
        if self._state == CANCELLED:
            raise asyncio.CancelledError() if self._message is None else asyncio.CancelledError(self._message)
        if self._state == PENDING:
            raise asyncio.InvalidStateError("the wait is not over")

    def add_done_callback(self, callback, *, context=None) -> None:
        """Take the callback of the one task that waits."""
        if self._state != PENDING:
            self._loop.call_soon(callback, self, context=context)
        else:
            self._callback = callback
            self._context = context

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        if self._state == PENDING:
            if self._callback is not None:
                raise RuntimeError("one task waits already")
            self._asyncio_future_blocking = True
            return self
        if self._state == CANCELLED:
            self.result()
        raise StopIteration


class Over:
    """What a call returns that had nothing to wait for: a coroutine that has ended.

    PERF: one for all instead of a coroutine for each call, 0.2 us (bench/websocket).
    """

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration

    def send(self, value) -> None:
        """End at once."""
        raise StopIteration

    def throw(self, kind, value=None, traceback=None) -> None:
        """Raise what is thrown in."""
        raise kind if value is None else value

    def close(self) -> None:
        """Do nothing."""


OVER = Over()
