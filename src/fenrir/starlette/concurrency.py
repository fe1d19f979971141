"""Threads for code that blocks, and several coroutines of which the first to end ends the others."""

from __future__ import annotations

import functools
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, ParamSpec, TypeVar

from fenrir.core.threads import to_thread
from fenrir.starlette.exceptions import StarletteDeprecationWarning

__all__ = ["iterate_in_threadpool", "run_in_threadpool", "run_until_first_complete"]

P = ParamSpec("P")
T = TypeVar("T")
_END: Any = object()


async def run_in_threadpool(func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function in a worker thread, with the context of the caller."""
    return await to_thread(func, *args, **kwargs)


async def iterate_in_threadpool(iterator: Iterable[T]) -> AsyncIterator[T]:
    """Read an iterable in a worker thread, piece by piece."""
    pieces = iter(iterator)
    while (piece := await to_thread(next, pieces, _END)) is not _END:
        yield piece


async def run_until_first_complete(*args: tuple[Callable[..., Awaitable[Any]], dict[str, Any]]) -> None:
    """Run coroutine functions with their keyword arguments, and cancel the others when one returns (deprecated)."""
    import anyio

    warnings.warn(
        "run_until_first_complete is deprecated and will be removed in a future version.",
        StarletteDeprecationWarning,
        stacklevel=2,
    )

    async with anyio.create_task_group() as group:

        async def run(call: Callable[[], Awaitable[Any]]) -> None:
            await call()
            group.cancel_scope.cancel()

        for func, kwargs in args:
            group.start_soon(run, functools.partial(func, **kwargs))
