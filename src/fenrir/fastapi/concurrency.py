"""Threads for code that blocks, under upstream's module name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, ParamSpec, TypeVar

from fenrir.core.threads import to_thread

__all__ = ["iterate_in_threadpool", "run_in_threadpool"]

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
