"""Groups of tasks, on asyncio and trio."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import anyio.abc

__all__ = ["create_collapsing_task_group"]


@asynccontextmanager
async def create_collapsing_task_group() -> AsyncIterator[anyio.abc.TaskGroup]:
    """Open a task group that raises its error as it is when there is only one."""
    import anyio

    try:
        async with anyio.create_task_group() as group:
            yield group
    except BaseExceptionGroup as errors:
        if len(errors.exceptions) > 1:
            raise
        only = errors.exceptions[0]
        raise only from only.__cause__ or (None if only.__suppress_context__ else only.__context__)
