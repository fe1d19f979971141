"""Small parts that upstream keeps under this name, and that packages for it import from here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from fenrir.starlette._calls import is_async_callable
from fenrir.starlette._url import ParsedHost, parse_host_header
from fenrir.starlette.types import Scope

if TYPE_CHECKING:
    import anyio.abc

__all__ = [
    "AwaitableOrContextManager",
    "AwaitableOrContextManagerWrapper",
    "ParsedHost",
    "create_collapsing_task_group",
    "get_route_path",
    "is_async_callable",
    "parse_host_header",
]

T_co = TypeVar("T_co", covariant=True)


class Closable(Protocol):
    """What is closed by awaiting `close()`."""

    async def close(self) -> None:
        """Release what it holds."""


C = TypeVar("C", bound=Closable)


class AwaitableOrContextManager(Awaitable[T_co], AbstractAsyncContextManager[T_co], Protocol[T_co]):
    """A value on its way, to be awaited or used as `async with`."""


class AwaitableOrContextManagerWrapper(Generic[C]):
    """Makes an awaitable usable as `async with`, which closes the value at the end."""

    __slots__ = ("_coming", "_value")

    def __init__(self, aw: Awaitable[C]) -> None:
        self._coming = aw

    def __await__(self) -> Generator[Any, None, C]:
        return self._coming.__await__()

    async def __aenter__(self) -> C:
        self._value = await self._coming
        return self._value

    async def __aexit__(self, *_: object) -> None:
        await self._value.close()


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


def get_route_path(scope: Scope) -> str:
    """Return the path below the prefix at which the application is mounted."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    below = path.removeprefix(root)
    return below if root and path.startswith(root) and below[:1] in ("", "/") else path
