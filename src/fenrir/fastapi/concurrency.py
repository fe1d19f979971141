"""Threads for code that blocks, under upstream's module name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from typing import TypeVar

from fenrir.starlette.concurrency import iterate_in_threadpool, run_in_threadpool, run_until_first_complete

__all__ = [
    "asynccontextmanager",
    "contextmanager_in_threadpool",
    "iterate_in_threadpool",
    "run_in_threadpool",
    "run_until_first_complete",
]

T = TypeVar("T")


@asynccontextmanager
async def contextmanager_in_threadpool(cm: AbstractContextManager[T]) -> AsyncIterator[T]:
    """Enter and leave a plain context manager in worker threads."""
    value = await run_in_threadpool(cm.__enter__)
    try:
        yield value
    except Exception as error:
        if not await run_in_threadpool(cm.__exit__, type(error), error, error.__traceback__):
            raise
    else:
        await run_in_threadpool(cm.__exit__, None, None, None)
