"""Routes that can be changed through a picture of what they call: `route.dependant`.

A route calls the endpoint that it was made with, after the dependencies that it was made with; that `endpoint` and
`dependencies` are changed later means nothing, as upstream. A change of the dependant does: the engine reads it back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fenrir.fastapi._changes import tell_applications
from fenrir.fastapi._dialect import given_by_type
from fenrir.fastapi.dependencies.models import Dependant
from fenrir.kit.validation import bind_signature, graph

if TYPE_CHECKING:
    from fenrir.core.binding import Binding
    from fenrir.core.declare import Route
    from fenrir.core.pattern import Pattern

__all__ = ["Pictured"]


class Pictured:
    """What an operation and a route of WebSockets have in common.

    Attributes:
        endpoint, dependencies: for who looks at the route.
    """

    path_format: str
    endpoint: Callable[..., Any]
    dependencies: list[Any]

    _called: Callable[..., Any]
    _called_after: tuple[Any, ...]
    _dependant: Dependant | None = None
    _declared: tuple[Any, Route] | None = None
    _drawn: tuple[int, Binding] | None = None
    _picture = 0  # how often the dependant was changed

    @property
    def pattern(self) -> Pattern:
        """The path as the engine knows it."""
        raise NotImplementedError

    def _call(self, endpoint: Callable[..., Any], dependencies: Sequence[Any]) -> None:
        """Take what is called."""
        self.endpoint, self.dependencies = endpoint, list(dependencies)
        self._called, self._called_after = endpoint, tuple(dependencies)
        self._dependant = self._drawn = None
        self._picture = 0

    @property
    def handler(self) -> Callable[..., Any]:
        """What is called: the endpoint that the route was made with, or what has been put in its place."""
        call = self._dependant.call if self._picture and self._dependant is not None else None
        return call or self._called

    @property
    def dependant(self) -> Dependant:
        """The handler and what it depends on, for code that looks at the route from outside, or changes it."""
        if self._dependant is None:
            names = frozenset(self.pattern.names)
            read = graph.Dependant.read(self._called, path_names=names, reserved=given_by_type)
            read.depend(self._called_after, names, given_by_type)
            self._watch(Dependant.of(read, self.path_format))
        assert self._dependant is not None
        return self._dependant

    @dependant.setter
    def dependant(self, dependant: Dependant) -> None:
        self._watch(dependant)
        self._redraw()

    def _watch(self, dependant: Dependant) -> None:
        dependant.operation = self
        self._dependant = dependant
        dependant.watch(self._redraw)

    def _redraw(self) -> None:
        """Take over a change of the dependant."""
        self._picture += 1
        self.dependant.watch(self._redraw)  # what has been added too
        self._forget()

    def _forget(self) -> None:
        """Have the engine ask again."""
        self._declared = None
        tell_applications()

    def _bind_picture(self, overrides: Mapping[Any, Any], added: Sequence[Any] = (), **options: Any) -> Binding:
        """Bind what somebody has made of the dependant."""
        known = self._drawn
        if known is not None and known[0] == self._picture and not added and not known[1].touched_by(overrides):
            return known[1]
        root = self.dependant.read_back()
        binding = bind_signature(
            self.handler,
            self.pattern,
            reserved=given_by_type,
            overrides=overrides,
            dependencies=added,
            root=root,
            **options,
        )
        if not overrides and not added:
            self._drawn = self._picture, binding
        return binding
