"""Async dependencies in plain code: what opens them, holds them and closes them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from fenrir.core.background import wait_for
from fenrir.core.binding import NodeKind

if TYPE_CHECKING:
    from fenrir.core.exits import Places

__all__ = ["in_one_task", "waiting", "within_places"]


class in_one_task(AbstractContextManager[Any]):
    """An async context manager as a plain one. A task enters it and leaves it: task groups want it to be one."""

    def __init__(self, manager: AbstractAsyncContextManager[Any]) -> None:
        self._manager = manager
        self._task: asyncio.Task[bool | None]
        self._entered: asyncio.Future[Any]
        self._ending: asyncio.Future[BaseException | None]

    def __enter__(self) -> Any:
        return wait_for(self._begin())

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return wait_for(self._end(exc))

    async def _begin(self) -> Any:
        loop = asyncio.get_running_loop()
        self._entered, self._ending = loop.create_future(), loop.create_future()
        self._task = loop.create_task(self._live())
        await asyncio.wait((self._entered, self._task), return_when=asyncio.FIRST_COMPLETED)
        return self._entered.result() if self._entered.done() else self._task.result()

    async def _live(self) -> bool | None:
        self._entered.set_result(await self._manager.__aenter__())
        error = await self._ending
        trace = error.__traceback__ if error is not None else None
        return await self._manager.__aexit__(type(error) if error is not None else None, error, trace)

    async def _end(self, error: BaseException | None) -> bool | None:
        self._ending.set_result(error)
        return await self._task


def within_places(
    call: Callable[..., Any], limit: Callable[[], Places], kind: NodeKind, *, awaited: bool
) -> Callable[..., Any]:
    """Return a dependency that holds one of a number of places while it is called, or until it has been left."""

    async def release(places: Places) -> None:
        places.release()

    @contextmanager
    def held() -> Iterator[None]:
        places = wait_for(_acquired(limit))
        try:
            yield
        finally:
            wait_for(release(places))

    def called(*args: Any, **kwargs: Any) -> Any:
        with held():
            return wait_for(call(*args, **kwargs)) if awaited else call(*args, **kwargs)

    @contextmanager
    def entered(*args: Any, **kwargs: Any) -> Iterator[Any]:
        with held(), call(*args, **kwargs) as value:
            yield value

    return called if kind is NodeKind.CALL else entered


async def _acquired(limit: Callable[[], Places]) -> Places:
    places = limit()  # those of the running loop
    await places.acquire()
    return places


def waiting(call: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    """Return a plain function that waits for an asynchronous one."""

    async def run() -> None:
        await call()

    return lambda: wait_for(run())
