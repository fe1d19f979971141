"""Plans: one route with everything that runs around its handler, in order, compiled to one function.

`link` is called at startup (and again when something was registered late): it asks the dialect for the binding and the
renderer, collects the hooks that apply, and has `emit` write the program. The result is frozen; request time only calls
`run`. OpenAPI, `fenrir routes`, `fenrir explain` and `url_for` read the same object.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fenrir.core.declare import Hook, Route, Scope, Source, Stage
from fenrir.core.emit import Emission, emit

if TYPE_CHECKING:
    from fenrir.core.binding import Binding
    from fenrir.core.context import RequestContext
    from fenrir.core.dialect import Dialect, Renderer

__all__ = ["Plan", "link"]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A compiled route.

    Attributes:
        run: (context, exchange, path values) -> a coroutine, or None when the answer is already written.
        names: the names of the path values.
        text: the program, as `fenrir explain` prints it.
    """

    route: Route
    binding: Binding
    renderer: Renderer | None
    run: Callable[[RequestContext, Any, tuple[Any, ...]], Any]
    names: tuple[str, ...]
    text: str
    hooks: tuple[Hook, ...]
    body_limit: int | None

    @property
    def scope(self) -> Scope:
        """The innermost scope of the route."""
        return self.route.scope

    @property
    def dialect(self) -> Dialect:
        """The dialect in which the route was declared."""
        return self.route.dialect

    @property
    def source(self) -> Source:
        """The user's line."""
        return self.route.source

    @property
    def title(self) -> str:
        """Methods and path."""
        return self.route.title


def link(route: Route, binding: Binding, *, wrapped: bool, limited: bool = False, unrouted: bool = False) -> Plan:
    """Compile a route.

    Args:
        binding: made by `route.bind`, with what the application adds.
        wrapped: WRAP hooks stand around the plan, so it returns its reply and leaves sending to them.
        limited: the application limits bodies.
        unrouted: this is the plan for requests that no route took; only hooks that want those run.
    """
    renderer = None if route.websocket else route.dialect.renderer(route)
    before = _applying(route, Stage.BEFORE_HANDLER, unrouted)
    after = _applying(route, Stage.AFTER_HANDLER, unrouted)[::-1]
    teardown = _applying(route, Stage.TEARDOWN, unrouted)[::-1]
    limited = limited or route.body_limit is not None
    emission: Emission = emit(route, binding, renderer, before, after, teardown, wrapped=wrapped, limited=limited)
    return Plan(
        route=route,
        binding=binding,
        renderer=renderer,
        run=emission.function,
        names=tuple(parameter.name for parameter in route.pattern.parameters),
        text=emission.text,
        hooks=(*before, *after, *teardown),
        body_limit=route.body_limit,
    )


def _applying(route: Route, stage: Stage, unrouted: bool) -> Sequence[Hook]:
    if route.websocket:
        return ()
    return [hook for hook in route.scope.hooks_of(stage) if hook.unrouted or not unrouted]
