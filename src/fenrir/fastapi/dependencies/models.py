"""A callable and what it depends on, under upstream's names, for code that looks at a route from outside.

The framework itself reads `fenrir.kit.validation.graph`; this is a picture of that. Who changes the picture of a route
(another `call`, more dependencies) changes the route: the engine's form is read back from it then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from fenrir.core.binding import ArgumentSource
from fenrir.kit.validation import graph
from fenrir.kit.validation.fields import Field
from fenrir.starlette._route_list import WatchedList

__all__ = ["Dependant"]

_LISTS = ("path_params", "query_params", "header_params", "cookie_params", "body_params", "dependencies")


@dataclass
class Dependant:
    """A callable with its parameters by place, and its dependencies.

    Attributes:
        operation: the route that it belongs to, when it is a route's own.
    """

    path_params: list[Any] = field(default_factory=list)
    query_params: list[Any] = field(default_factory=list)
    header_params: list[Any] = field(default_factory=list)
    cookie_params: list[Any] = field(default_factory=list)
    body_params: list[Any] = field(default_factory=list)
    dependencies: list[Dependant] = field(default_factory=list)
    name: str | None = None
    call: Callable[..., Any] | None = None
    own_oauth_scopes: list[str] | None = None
    parent_oauth_scopes: list[str] | None = None
    use_cache: bool = True
    path: str | None = None
    scope: str | None = None
    operation: Any = field(default=None, repr=False, compare=False)
    _known: graph.Dependant | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, known: graph.Dependant, path: str | None = None) -> Dependant:
        """Return the picture of a callable that has been read."""
        made = cls(
            name=known.name,
            call=known.call,
            own_oauth_scopes=list(known.own_scopes) or None,
            parent_oauth_scopes=[scope for scope in known.scopes if scope not in known.own_scopes] or None,
            use_cache=known.use_cache,
            path=path,
            scope=known.scope,
            dependencies=[cls.of(child, path) for child in known.children],
            _known=known,
        )
        for value in known.fields:
            getattr(made, f"{value.location}_params").append(value)
        return made

    @property
    def oauth_scopes(self) -> list[str]:
        """The scopes that are asked for, those from above first."""
        own = [scope for scope in self.own_oauth_scopes or () if scope not in (self.parent_oauth_scopes or ())]
        return [*(self.parent_oauth_scopes or ()), *own]

    # --------------------------------------------------------------- changes
    def watch(self, changed: Callable[[], None]) -> None:
        """Have a function called after every change, here and below."""
        for name in _LISTS:
            self.__dict__[name] = WatchedList(getattr(self, name), [self._change])
        for child in self.dependencies:
            child.watch(self._change)
        self.__dict__["_watcher"] = changed

    def _change(self) -> None:
        self.__dict__.pop("_plans", None)
        self.__dict__["_watcher"]()

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name != "operation" and "_watcher" in self.__dict__:
            self._change()

    def plans(self) -> dict[Any, Any]:
        """Return where to keep what was compiled of it; empty again after every change."""
        if "_watcher" not in self.__dict__:
            self.watch(lambda: None)
        kept: dict[Any, Any] = self.__dict__.setdefault("_plans", {})
        return kept

    def read_back(self) -> graph.Dependant:
        """Return what the picture shows now, for the engine."""
        known = self._known
        assert self.call is not None
        made = graph.Dependant(self.call) if known is None else replace(known, call=self.call, before=[], parts=[])
        if known is None:
            made.own_scopes = tuple(self.own_oauth_scopes or ())
            made.scopes = tuple(self.oauth_scopes)
        made.name, made.use_cache, made.scope = self.name, self.use_cache, self.scope
        same = known is not None and known.call is self.call
        children = {id(child._known): child for child in self.dependencies if child._known is not None}
        fields = {id(value): value for name in _LISTS[:-1] for value in getattr(self, name)}
        for name, positional, part in known.parts if known is not None else ():
            kept: Field | graph.Dependant | ArgumentSource = part
            if isinstance(part, graph.Dependant):
                child = children.pop(id(part), None)
                if child is None:
                    continue
                kept = child.read_back()
            elif isinstance(part, Field) and fields.pop(id(part), None) is None:
                continue
            made.parts.append((name, positional and same, kept))
        made.parts += [(value.name, False, value) for value in fields.values()]
        for child in self._others():
            if child.name is None:
                made.before.append(child.read_back())
            else:
                made.parts.append((child.name, False, child.read_back()))
        return made

    def _others(self) -> Iterator[Dependant]:
        """Iterate over the dependencies that are no parameters of the callable as it was read."""
        parts = self._known.parts if self._known is not None else ()
        known = {id(part) for _, _, part in parts if isinstance(part, graph.Dependant)}
        return (child for child in self.dependencies if id(child._known) not in known)
