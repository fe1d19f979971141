"""`Depends(scope="app")`: dependencies that are made once, when the application starts.

They may depend on others of this scope and on nothing of a request, of which there is none yet.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fenrir.core.binding import NodeKind
from fenrir.core.declare import Mode, source_of
from fenrir.core.resources import Resource
from fenrir.kit.validation.errors import DependencyScopeError, SignatureError
from fenrir.kit.validation.graph import Dependant, calling_mode

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = ["ResourceReader", "called_as", "value_of"]


def called_as(dependant: Dependant, blocking: Mode) -> tuple[Callable[..., Any], NodeKind, Mode]:
    """Return what is called for a dependency, what that is, and how it runs."""
    if dependant.kind == "generator":
        return contextlib.contextmanager(dependant.call), NodeKind.CONTEXT, blocking
    if dependant.kind == "async generator":
        return contextlib.asynccontextmanager(dependant.call), NodeKind.ASYNC_CONTEXT, Mode.LOOP
    return dependant.call, NodeKind.CALL, calling_mode(dependant.call, blocking)


def value_of(resource: Resource) -> Callable[[RequestContext], Any]:
    """Return the function that finds a resource for a request."""
    return lambda c: c.app.resources.value(resource)


class ResourceReader:
    """Makes resources of dependencies.

    Args:
        replacement: returns what an override puts in the place of a dependency, or the dependency.

    Attributes:
        found: by the user's callable, each after what it depends on.
    """

    def __init__(self, replacement: Callable[[Dependant], Dependant], blocking: Mode) -> None:
        self._replacement = replacement
        self._blocking = blocking
        self.found: dict[Any, Resource] = {}

    def of(self, declared: Dependant, used: Dependant) -> Resource:
        """Return the resource of a dependency.

        Raises:
            DeclarationError: it asks for something of a request, or for what ends before it.
        """
        call = used.call
        name = getattr(call, "__qualname__", type(call).__name__)
        if declared.concurrency is not None:
            raise SignatureError(
                f"{name} is made once, so max_concurrency has no meaning with scope='app'", source_of(call)
            )
        parts: list[tuple[str | None, Resource]] = []
        for argument, positional, part in used.parts:
            if not isinstance(part, Dependant):
                raise SignatureError(
                    f"{name} has scope 'app' and is made before any request, so {argument!r} can only be another"
                    " dependency of this scope",
                    source_of(call),
                )
            if part.scope != "app":
                raise DependencyScopeError(
                    f'The dependency "{name}" has a scope of "app", it cannot depend on {argument!r}, which ends'
                    ' before it: give that Depends scope="app" as well',
                    source_of(call),
                )
            parts.append((None if positional else argument, self.of(part, self._replacement(part))))
        known = self.found.get(call)
        if known is None:
            made, kind, mode = called_as(used, self._blocking)
            known = self.found[call] = Resource(made, mode, kind, tuple(parts), call)
        return known
