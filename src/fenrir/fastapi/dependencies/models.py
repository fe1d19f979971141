"""A callable and what it depends on, under upstream's names, for code that looks at a route from outside.

The framework itself reads `fenrir.kit.validation.graph`; this is a picture of that. Replacing `call` of a route's
dependant before a handler is made of it replaces what the handler calls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fenrir.kit.validation import graph

__all__ = ["Dependant"]


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
        )
        for value in known.fields:
            getattr(made, f"{value.location}_params").append(value)
        return made

    @property
    def oauth_scopes(self) -> list[str]:
        """The scopes that are asked for, those from above first."""
        own = [scope for scope in self.own_oauth_scopes or () if scope not in (self.parent_oauth_scopes or ())]
        return [*(self.parent_oauth_scopes or ()), *own]
