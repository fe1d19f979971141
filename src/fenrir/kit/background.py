"""Work that a handler leaves for after its response; each piece is a callable with its arguments.

A plain function runs in a worker thread, a coroutine function on the loop, one after the other in the order in which
they were added. An exception ends the series.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ParamSpec

from fenrir.core.declare import Mode, mode_of
from fenrir.core.threads import to_thread

__all__ = ["BackgroundTask", "BackgroundTasks"]

P = ParamSpec("P")


class BackgroundTask:
    """One call, made later."""

    def __init__(self, func: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> None:
        self.func = func
        self.args = args
        self.kwargs = kwargs
        self.is_async = mode_of(func) is Mode.LOOP

    async def __call__(self) -> None:
        if self.is_async:
            await self.func(*self.args, **self.kwargs)
        else:
            await to_thread(self.func, *self.args, **self.kwargs)


class BackgroundTasks(BackgroundTask):
    """A series of calls, made later."""

    def __init__(self, tasks: Sequence[BackgroundTask] | None = None) -> None:
        self.tasks = list(tasks) if tasks else []

    def add_task(self, func: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> None:
        """Add a call to the end of the series."""
        self.tasks.append(BackgroundTask(func, *args, **kwargs))

    async def __call__(self) -> None:
        for task in self.tasks:
            await task()
