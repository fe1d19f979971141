"""Resources: what dependencies of the whole application make, once when it starts, to be left when it stops.

A pool of connections, a client, a model that takes seconds to load: made in every worker after its lifespan has begun
and before the first request, each after what it depends on; left in reverse order when the worker has served its last
request. What an override put there after the start is made when it is first asked for, if it is a plain function.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fenrir.core.binding import NodeKind
from fenrir.core.declare import Mode
from fenrir.core.threads import leave, to_thread

__all__ = ["Resource", "Resources"]


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """How one of them is made.

    Attributes:
        call: the callable, or the factory of its context manager.
        parts: its arguments: the name, None for a positional one, and the resource.
        user: the user's own callable. One resource serves all that depend on the same callable.
    """

    call: Callable[..., Any]
    mode: Mode
    kind: NodeKind
    parts: tuple[tuple[str | None, Resource], ...]
    user: Any

    def made_of(self, values: Callable[[Resource], Any]) -> Any:
        """Call it."""
        positional = [values(part) for name, part in self.parts if name is None]
        return self.call(*positional, **{name: values(part) for name, part in self.parts if name is not None})


class Resources:
    """Those of one application that are there now."""

    def __init__(self) -> None:
        self._values: dict[Any, Any] = {}
        self._lock = threading.RLock()

    def value(self, resource: Resource) -> Any:
        """Return what a resource is.

        Raises:
            RuntimeError: it has not been made.
        """
        try:
            return self._values[resource.user]
        except KeyError:
            return self._late(resource)

    def _late(self, resource: Resource) -> Any:
        name = getattr(resource.user, "__qualname__", repr(resource.user))
        if resource.kind is not NodeKind.CALL or resource.mode is Mode.LOOP:
            raise RuntimeError(
                f"{name} has scope 'app', so it is made when the application starts, and this one has not started: "
                "run its lifespan (a server does; so does a test client in a `with` block)"
            )
        with self._lock:
            if resource.user not in self._values:
                self._values[resource.user] = resource.made_of(self.value)
            return self._values[resource.user]

    @asynccontextmanager
    async def opened(self, resources: Iterable[Resource]) -> AsyncIterator[None]:
        """Make all of them, and leave them at the end."""
        async with AsyncExitStack() as stack:
            stack.callback(self._values.clear)
            for resource in resources:
                if resource.user not in self._values:
                    self._values[resource.user] = await self._make(resource, stack)
            yield

    async def _make(self, resource: Resource, stack: AsyncExitStack) -> Any:
        if resource.kind is NodeKind.ASYNC_CONTEXT:
            return await stack.enter_async_context(resource.made_of(self.value))
        if resource.kind is NodeKind.CONTEXT:
            manager = resource.made_of(self.value)
            value = await to_thread(manager.__enter__)

            async def left(*error: Any) -> Any:
                leave()
                return await to_thread(manager.__exit__, *error)

            stack.push_async_exit(left)
            return value
        if resource.mode is Mode.LOOP:
            return await resource.made_of(self.value)
        return await to_thread(resource.made_of, self.value)
