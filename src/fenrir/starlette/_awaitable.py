"""A value on its way that can be awaited, or used as `async with`, which closes it at the end."""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, Protocol, TypeVar

__all__ = ["AwaitableOrContextManager", "AwaitableOrContextManagerWrapper"]

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
