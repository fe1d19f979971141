"""The short way of typed views: gathered, validated and called by the route itself when nothing stands around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from fenrir.core.threads import to_thread
from fenrir.flask.engine import _failed, _finished, _question

if TYPE_CHECKING:
    from fenrir.core.binding import Binding
    from fenrir.core.context import RequestContext
    from fenrir.core.declare import Route
    from fenrir.core.reply import Reply
    from fenrir.flask.engine import FlaskEngine
    from fenrir.flask.injection import Injection

__all__ = ["by_method", "described", "short_handler", "typed"]


def short_handler(
    engine: FlaskEngine,
    endpoint: str,
    view: Callable[..., Any],
    inner: Callable[..., Any],
    whole: Callable[[RequestContext], Reply],
    injection: Injection,
) -> Callable[..., Any]:
    """Return the handler of a typed view.

    Args:
        view: what stands in `view_functions` for it.
        inner: the function of the user.
    """
    app = engine.flask
    views = app.view_functions
    is_short = _question(engine)

    def call(c: RequestContext) -> Any:
        if not is_short(c) or views.get(endpoint) is not view:
            return whole(c)
        if not app._got_first_request:
            app._got_first_request = True
        try:
            value = injection.call(app.context_of(c), inner)
        except Exception as exc:
            return _failed(app, c, exc)
        return value if c.plain else _finished(app, c, value)

    async def awaited(c: RequestContext) -> Any:
        if not is_short(c) or views.get(endpoint) is not view:
            return await to_thread(whole, c)
        if not app._got_first_request:
            app._got_first_request = True
        try:
            value = await injection.awaited(app.context_of(c), inner)
        except Exception as exc:
            return await to_thread(_failed, app, c, exc)
        return value if c.plain else await to_thread(_finished, app, c, value)

    return awaited if iscoroutinefunction(inner) else call


def typed(route: Route, injection: Injection) -> Route:
    """Return a route as that of a typed view: its handler takes the request alone, documents know what it gathers."""
    own = route.bind({})
    bound = replace(own, arguments=own.arguments[:1])
    return _about(route, bound, injection)


def described(route: Route, injection: Injection) -> Route:
    """Return a route of what calls a typed view, as documents know it."""
    return _about(route, route.bind({}), injection)


def by_method(route: Route, methods: Mapping[str, Injection]) -> list[Route]:
    """Return a route for each typed method of a view that is a class, and one for the others."""
    bound = route.bind({})
    rest = (route.methods or frozenset()) - methods.keys()
    made: list[Route] = []
    for verb, injection in methods.items():
        verbs = {verb}
        if verb == "GET" and "HEAD" in rest:
            verbs.add("HEAD")
            rest -= {"HEAD"}
        made.append(replace(_about(route, bound, injection), methods=frozenset(verbs)))
    return [*made, replace(route, methods=rest)] if rest else made


def _about(route: Route, bound: Binding, injection: Injection) -> Route:
    about, resources = injection.binding.about, injection.binding.resources
    before = bound.about
    if before is not None:  # what the view depends on, of which the method knows nothing
        about = replace(
            about,
            parameters=(*before.parameters, *(item for item in about.parameters if item.location != "path")),
            security=(*before.security, *about.security),
            body=about.body or before.body,
            validates=about.validates or before.validates,
        )
    made = replace(bound, about=about, resources=(*bound.resources, *resources))
    return replace(route, bind=lambda _: made, options={**route.options, "model": injection.model})
