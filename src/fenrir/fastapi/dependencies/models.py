"""A callable and what it depends on, under upstream's names, for code that looks at a route from outside.

The framework itself reads `fenrir.kit.validation.graph`; this is a picture of that. Who changes the picture of a route
(another `call`, more dependencies) changes the route: the engine's form is read back from it then.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Annotated, Any, get_args, get_origin

from fenrir.core.binding import ArgumentSource, Given
from fenrir.fastapi.model_field import ModelField
from fenrir.kit.validation import graph
from fenrir.kit.validation.fields import Field
from fenrir.kit.validation.shapes import is_class, unalias
from fenrir.starlette._route_list import WatchedList

__all__ = ["Dependant"]

GIVEN = (
    "request_param_name",
    "websocket_param_name",
    "http_connection_param_name",
    "response_param_name",
    "background_tasks_param_name",
    "security_scopes_param_name",
)
"""Names of the parameters that a callable is given because of their type."""

_LISTS = ("path_params", "query_params", "header_params", "cookie_params", "body_params", "dependencies")


@dataclass
class Dependant:
    """A callable with its parameters by place, and its dependencies.

    Attributes:
        operation: the route that it belongs to, when it is a route's own.
    """

    path_params: list[ModelField] = field(default_factory=list)
    query_params: list[ModelField] = field(default_factory=list)
    header_params: list[ModelField] = field(default_factory=list)
    cookie_params: list[ModelField] = field(default_factory=list)
    body_params: list[ModelField] = field(default_factory=list)
    dependencies: list[Dependant] = field(default_factory=list)
    name: str | None = None
    call: Callable[..., Any] | None = None
    request_param_name: str | None = None
    websocket_param_name: str | None = None
    http_connection_param_name: str | None = None
    response_param_name: str | None = None
    background_tasks_param_name: str | None = None
    security_scopes_param_name: str | None = None
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
            getattr(made, f"{value.location}_params").append(ModelField.of(value))
        if any(isinstance(part, ArgumentSource) for _, _, part in known.parts):
            made._name_given(known)
        return made

    def _name_given(self, known: graph.Dependant) -> None:
        types = _given_types()
        given = {name for name, _, part in known.parts if isinstance(part, ArgumentSource)}
        for name, parameter in graph.signature_of(known.call).parameters.items():
            annotation = unalias(parameter.annotation)
            if get_origin(annotation) is Annotated:
                annotation = get_args(annotation)[0]
            found = next((kind for kind, cls in types if is_class(annotation, cls)), None)
            if name in given and found is not None:
                setattr(self, found, name)

    @property
    def oauth_scopes(self) -> list[str]:
        """The scopes that are asked for, those from above first."""
        own = [scope for scope in self.own_oauth_scopes or () if scope not in (self.parent_oauth_scopes or ())]
        return [*(self.parent_oauth_scopes or ()), *own]

    # --------------------------------------------------------------- changes
    def watch(self, changed: Callable[[], None]) -> None:
        """Have a function called after every change, here and below."""
        for name in _LISTS:
            known = getattr(self, name)
            if not isinstance(known, WatchedList) or known.watchers != [self._change]:  # somebody may hold the list
                self.__dict__[name] = WatchedList(known, [self._change])
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
        values = [value.declared for name in _LISTS[:-1] for value in getattr(self, name)]
        left = {id(value): value for value in values}
        for name, positional, part in known.parts if known is not None else ():
            kept: Field | graph.Dependant | ArgumentSource = part
            if isinstance(part, graph.Dependant):
                child = children.pop(id(part), None)
                if child is None:
                    continue
                kept = child.read_back()
            elif isinstance(part, Field) and left.pop(id(part), None) is None:
                continue
            made.parts.append((name, positional and same, kept))
        made.parts += [(value.name, False, value) for value in left.values()]
        made.parts += [(name, False, source) for name, source in self._added(made)]
        for child in self._others():
            if child.name is None:
                made.before.append(child.read_back())
            else:
                made.parts.append((child.name, False, child.read_back()))
        return made

    def _added(self, read: graph.Dependant) -> Iterator[tuple[str, ArgumentSource]]:
        """Iterate over the names under which it is to be given what its signature does not ask for."""
        there = {name for name, _, _ in read.parts}
        for kind in GIVEN:
            name = getattr(self, kind)
            if name is not None and name not in there:
                yield name, _given(kind, tuple(read.scopes))

    def __deepcopy__(self, memo: dict[int, Any]) -> Dependant:
        """Copy all but the route, unless that is what is being copied."""
        given: dict[str, Any] = {
            one.name: copy.deepcopy(getattr(self, one.name), memo)
            for one in fields(self)
            if one.name not in ("operation", "_known")
        }
        made = type(self)(**{**given, **{name: list(given[name]) for name in _LISTS}})
        made._known = self._known
        memo[id(self)] = made
        copied = memo.get(id(self.operation))
        if copied is not None:
            made.operation = copied
            made.watch(copied._redraw)
        return made

    def _others(self) -> Iterator[Dependant]:
        """Iterate over the dependencies that are no parameters of the callable as it was read."""
        parts = self._known.parts if self._known is not None else ()
        known = {id(part) for _, _, part in parts if isinstance(part, graph.Dependant)}
        return (child for child in self.dependencies if id(child._known) not in known)


def _given_types() -> tuple[tuple[str, type], ...]:
    from fenrir.starlette.background import BackgroundTasks
    from fenrir.starlette.requests import HTTPConnection, Request
    from fenrir.starlette.responses import Response
    from fenrir.starlette.websockets import WebSocket

    classes = (Request, WebSocket, HTTPConnection, Response, BackgroundTasks, graph.SecurityScopes)
    return tuple(zip(GIVEN, classes, strict=True))


def _given(kind: str, scopes: tuple[str, ...]) -> ArgumentSource:
    from fenrir.fastapi._dialect import handed_response, handed_tasks, the_connection

    if kind == "response_param_name":
        return Given(handed_response)
    if kind == "background_tasks_param_name":
        return Given(handed_tasks)
    if kind == "security_scopes_param_name":
        return Given(lambda c: graph.SecurityScopes(scopes))
    return Given(the_connection)
