"""The list of a router's routes: a list that tells when it changes.

Applications append to it, insert into it, slice it, and assign to `router.routes`. Who has compiled the routes into
something faster has to know: it watches, and is called after each change. So it is with other lists of upstream's that
packages change.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any, Self, SupportsIndex, TypeVar

from fenrir.starlette._route import BaseRoute

__all__ = ["RouteList", "WatchedList"]

T = TypeVar("T")


class WatchedList(list[T]):
    """A list that tells when it changes.

    Attributes:
        watchers: called, without arguments, after each change.
    """

    def __init__(self, items: Iterable[T] = (), watchers: Iterable[Callable[[], None]] = ()) -> None:
        super().__init__(items)
        self.watchers = list(watchers)

    def watch(self, watcher: Callable[[], None]) -> None:
        """Have `watcher` called after each change."""
        self.watchers.append(watcher)

    def changed(self) -> None:
        """Tell the watchers."""
        for watcher in self.watchers:
            watcher()

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Copy the items and who watches, telling nobody: those may be half copied themselves."""
        made = type(self)()
        memo[id(self)] = made
        list.extend(made, copy.deepcopy(list(self), memo))
        made.watchers = copy.deepcopy(self.watchers, memo)
        return made

    def append(self, item: T) -> None:
        super().append(item)
        self.changed()

    def insert(self, index: SupportsIndex, item: T) -> None:
        super().insert(index, item)
        self.changed()

    def extend(self, items: Iterable[T]) -> None:
        super().extend(items)
        self.changed()

    def remove(self, item: T) -> None:
        super().remove(item)
        self.changed()

    def pop(self, index: SupportsIndex = -1) -> T:
        item = super().pop(index)
        self.changed()
        return item

    def clear(self) -> None:
        super().clear()
        self.changed()

    def sort(self, **options: Any) -> None:
        super().sort(**options)
        self.changed()

    def reverse(self) -> None:
        super().reverse()
        self.changed()

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(index, value)
        self.changed()

    def __delitem__(self, index: SupportsIndex | slice) -> None:
        super().__delitem__(index)
        self.changed()

    def __iadd__(self, items: Iterable[T]) -> Self:  # type: ignore[override, misc]
        super().extend(items)
        self.changed()
        return self

    def __imul__(self, times: SupportsIndex) -> Self:
        super().__imul__(times)
        self.changed()
        return self


class RouteList(WatchedList[BaseRoute]):
    """Routes in the order in which they are tried."""
