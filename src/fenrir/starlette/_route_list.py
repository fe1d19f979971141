"""The list of a router's routes: a list that tells when it changes.

Applications append to it, insert into it, slice it, and assign to `router.routes`. Who has compiled the routes into
something faster has to know: it watches, and is called after each change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Self, SupportsIndex

from fenrir.starlette._route import BaseRoute

__all__ = ["RouteList"]


class RouteList(list[BaseRoute]):
    """Routes in the order in which they are tried.

    Attributes:
        watchers: called, without arguments, after each change.
    """

    def __init__(self, routes: Iterable[BaseRoute] = (), watchers: Iterable[Callable[[], None]] = ()) -> None:
        super().__init__(routes)
        self.watchers = list(watchers)

    def watch(self, watcher: Callable[[], None]) -> None:
        """Have `watcher` called after each change."""
        self.watchers.append(watcher)

    def changed(self) -> None:
        """Tell the watchers."""
        for watcher in self.watchers:
            watcher()

    def append(self, route: BaseRoute) -> None:
        super().append(route)
        self.changed()

    def insert(self, index: SupportsIndex, route: BaseRoute) -> None:
        super().insert(index, route)
        self.changed()

    def extend(self, routes: Iterable[BaseRoute]) -> None:
        super().extend(routes)
        self.changed()

    def remove(self, route: BaseRoute) -> None:
        super().remove(route)
        self.changed()

    def pop(self, index: SupportsIndex = -1) -> BaseRoute:
        route = super().pop(index)
        self.changed()
        return route

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

    def __iadd__(self, routes: Iterable[BaseRoute]) -> Self:  # type: ignore[override, misc]
        super().extend(routes)
        self.changed()
        return self

    def __imul__(self, times: SupportsIndex) -> Self:
        super().__imul__(times)
        self.changed()
        return self
