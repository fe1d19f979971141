"""Plans: one route with everything that runs around its handler, in order, compiled to one function.

`link` is called at startup (and again when something was registered late): it asks the dialect for the binding and the
renderer, collects the hooks that apply, and has `emit` write the program. The result is frozen; request time only calls
`run`. OpenAPI, `fenrir routes`, `fenrir explain` and `url_for` read the same object.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
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
    """A route with everything around its handler.

    Attributes:
        names: the names of the path values.
        leaving: it is cancelled when the client leaves.
        emission: writes and compiles the program.
        run: (context, exchange, path values) -> a coroutine, or None when the answer is already written. The program
            is written for the first request: an application with many routes starts sooner.
    """

    route: Route
    binding: Binding
    renderer: Renderer | None
    names: tuple[str, ...]
    hooks: tuple[Hook, ...]
    body_limit: int | None
    wrapped: bool
    leaving: bool
    emission: Callable[[], Emission]
    run: Callable[[RequestContext, Any, tuple[Any, ...]], Any] = field(init=False)
    _text: str | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        object.__setattr__(self, "run", self._first)

    def _first(self, c: RequestContext, x: Any, values: tuple[Any, ...]) -> Any:
        self._emit()
        return self.run(c, x, values)

    def _emit(self) -> str:
        made = self.emission()
        object.__setattr__(self, "_text", made.text)
        run = made.function
        if self.route.around:
            from fenrir.core.around import surrounded

            run = surrounded(run, self.route.around, wrapped=self.wrapped)
        if _is_scoped(self.route, self.leaving):
            from fenrir.core.cancellation import scoped

            run = scoped(run, self.route.timeout, leaving=self.leaving, wrapped=self.wrapped)
        object.__setattr__(self, "run", run)
        return made.text

    @property
    def text(self) -> str:
        """The program, as `fenrir explain` prints it."""
        return self._text if self._text is not None else self._emit()

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


def _is_scoped(route: Route, leaving: bool) -> bool:
    return not route.websocket and (leaving or route.timeout is not None)


def link(
    route: Route,
    binding: Binding,
    *,
    wrapped: bool,
    limited: bool = False,
    unrouted: bool = False,
    leaving: bool = False,
) -> Plan:
    """Compile a route.

    Args:
        binding: made by `route.bind`, with what the application adds.
        wrapped: WRAP hooks stand around the plan, so it returns its reply and leaves sending to them.
        limited: the application limits bodies.
        unrouted: this is the plan for requests that no route took; only hooks that want those run.
        leaving: requests are cancelled when the client leaves, where the route says nothing about it.
    """
    renderer = None if route.websocket else route.dialect.renderer(route)
    before = _applying(route, Stage.BEFORE_HANDLER, unrouted)
    after = _applying(route, Stage.AFTER_HANDLER, unrouted)[::-1]
    teardown = _applying(route, Stage.TEARDOWN, unrouted)[::-1]
    limited = limited or route.body_limit is not None
    if route.cancel_on_disconnect is not None:
        leaving = route.cancel_on_disconnect
    return Plan(
        route=route,
        binding=binding,
        renderer=renderer,
        names=tuple(parameter.name for parameter in route.pattern.parameters),
        hooks=(*route.around, *before, *after, *teardown),
        body_limit=route.body_limit,
        wrapped=wrapped,
        leaving=leaving,
        emission=partial(
            emit,
            route,
            binding,
            renderer,
            before,
            after,
            teardown,
            wrapped=wrapped or bool(route.around),
            limited=limited,
            scoped=_is_scoped(route, leaving),
        ),
    )


def _applying(route: Route, stage: Stage, unrouted: bool) -> Sequence[Hook]:
    if route.websocket:
        return ()
    return [hook for hook in route.scope.hooks_of(stage) if hook.unrouted or not unrouted]
