"""Start and stop of an application, and the background tasks that it owns.

Start runs down four stages (lifespan, before_server_start, startup, after_server_start), each in order of registration;
stop is the exact reverse (paradigms rule 27). If a stage fails, what was started is stopped again and the error goes to
the server, which then refuses to start.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from fenrir.core.declare import Listener, ListenerStage, Mode, mode_of
from fenrir.core.threads import in_worker, on_loop, to_thread

__all__ = ["Lifespan", "Tasks"]

log = logging.getLogger("fenrir")

START = (ListenerStage.LIFESPAN, ListenerStage.BEFORE_START, ListenerStage.STARTUP, ListenerStage.AFTER_START)
STOP = (ListenerStage.BEFORE_STOP, ListenerStage.SHUTDOWN, ListenerStage.AFTER_STOP)

COUNTERPART = {
    ListenerStage.BEFORE_START: ListenerStage.AFTER_STOP,
    ListenerStage.STARTUP: ListenerStage.SHUTDOWN,
    ListenerStage.AFTER_START: ListenerStage.BEFORE_STOP,
}


class Tasks:
    """Background tasks of an application: named, awaited or cancelled at shutdown, errors logged with their name."""

    def __init__(self, grace: float = 1.0) -> None:
        self.grace = grace  # seconds that tasks get to end by themselves at shutdown
        self._waiting: list[tuple[Callable[[], Coroutine[Any, Any, Any]], str | None]] = []
        self._running: set[asyncio.Task[Any]] = set()
        self._by_name: dict[str, asyncio.Task[Any]] = {}

    def add(
        self, work: Coroutine[Any, Any, Any] | Callable[[], Any], name: str | None = None
    ) -> asyncio.Task[Any] | None:
        """Start a task, or keep it until the application starts (None is returned then).

        Args:
            work: a coroutine, or a callable without arguments; a plain callable runs in a worker thread.
            name: unique among living tasks, for `get` and `cancel`.
        """
        make = _as_coroutine(work)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            if in_worker():  # a handler written with `def`
                return on_loop(self._start_here(make, name))
            self._waiting.append((make, name))
            return None
        return self._start(make, name)

    async def _start_here(self, make: Callable[[], Coroutine[Any, Any, Any]], name: str | None) -> asyncio.Task[Any]:
        return self._start(make, name)

    def _start(self, make: Callable[[], Coroutine[Any, Any, Any]], name: str | None) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(make(), name=name)
        self._running.add(task)
        if name is not None:
            self._by_name[name] = task
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background task %r failed", task.get_name(), exc_info=error)

    def get(self, name: str) -> asyncio.Task[Any] | None:
        """Return the task of a name, ended or not; None when there is none."""
        return self._by_name.get(name)

    def __iter__(self) -> Any:
        return iter(tuple(self._running))

    def purge(self) -> None:
        """Forget ended tasks."""
        self._by_name = {name: task for name, task in self._by_name.items() if not task.done()}

    async def cancel(self, name: str, message: str | None = None) -> bool:
        """Cancel a task and wait for its end; False when there is no such task."""
        task = self._by_name.pop(name, None)
        if task is None:
            return False
        task.cancel(message)
        await asyncio.wait([task])
        return True

    def open(self) -> None:
        """Start what was added before the application ran."""
        waiting, self._waiting = self._waiting, []
        for make, name in waiting:
            self._start(make, name)

    async def close(self) -> None:
        """Give the running tasks their grace, then cancel them and wait for their end."""
        here = asyncio.current_task()
        end = asyncio.get_running_loop().time() + self.grace
        # Tasks may start others until they end.
        while pending := self._running - {here}:
            left = end - asyncio.get_running_loop().time()
            if left <= 0:
                for task in pending:
                    task.cancel()
            await asyncio.wait(pending, timeout=left if left > 0 else None)


def _as_coroutine(work: Coroutine[Any, Any, Any] | Callable[[], Any]) -> Callable[[], Coroutine[Any, Any, Any]]:
    if inspect.iscoroutine(work):
        coroutine = work
        return lambda: coroutine
    if not callable(work):
        raise TypeError(f"a task is a coroutine or a callable, not {type(work).__name__}")
    if mode_of(work) is Mode.LOOP:
        return work
    return lambda: to_thread(work)


class Lifespan:
    """One run of an application from start to stop.

    Attributes:
        state: what lifespan context managers yielded, merged; every request's notebook begins with it.
    """

    def __init__(self, listeners: list[Listener], tasks: Tasks) -> None:
        self._listeners = listeners
        self._tasks = tasks
        self._managers = AsyncExitStack()
        self.state: dict[str, Any] = {}

    def _of(self, stage: ListenerStage) -> list[Listener]:
        return [listener for listener in self._listeners if listener.stage is stage]

    async def start(self) -> None:
        """Run the start stages.

        Raises:
            Exception: what a listener raised, after everything already started was stopped.
        """
        ended: list[ListenerStage] = []
        try:
            for stage in START:
                if stage is ListenerStage.STARTUP:
                    self._tasks.open()
                for listener in self._of(stage):
                    if stage is ListenerStage.LIFESPAN:
                        given = await self._managers.enter_async_context(listener.call())
                        if isinstance(given, Mapping):
                            self.state.update(given)
                    else:
                        await _run(listener.call)
                ended.append(stage)
        except BaseException:
            await self._stop([COUNTERPART[stage] for stage in reversed(ended) if stage in COUNTERPART])
            raise

    async def stop(self) -> None:
        """Run the stop stages; every listener runs even if one raises, and the first error is raised at the end."""
        errors = await self._stop(STOP)
        if errors:
            raise errors[0]

    async def _stop(self, stages: Sequence[ListenerStage]) -> list[Exception]:
        errors: list[Exception] = []
        if ListenerStage.SHUTDOWN not in stages:
            await self._tasks.close()
        for stage in stages:
            if stage is ListenerStage.SHUTDOWN:
                await self._tasks.close()
            for listener in reversed(self._of(stage)):
                try:
                    await _run(listener.call)
                except Exception as exc:
                    log.error("listener %s (%s) failed", listener.stage.value, listener.source, exc_info=exc)
                    errors.append(exc)
        try:
            await self._managers.aclose()
        except Exception as exc:
            log.error("lifespan failed while stopping", exc_info=exc)
            errors.append(exc)
        return errors


async def _run(call: Callable[[], Any]) -> None:
    outcome = call()
    if isinstance(outcome, Awaitable):
        await outcome
