"""Collecting: the routes of a router as the engine's declarations.

Operations become plans. Routes of Starlette's toolkit and mounted applications become targets of the engine's router
that are ASGI applications. What no table of paths can hold (a host, a prefix with parameters, a class of route that
decides by itself what matches) makes the router refuse: its application tries the routes one by one then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from asteri.asgi import asgi_doors
from asteri.exchange import Doors
from fenrir.core.application import Application
from fenrir.core.context import current
from fenrir.core.declare import Mount as EngineMount
from fenrir.core.declare import Route as EngineRoute
from fenrir.core.declare import Scope, Source
from fenrir.core.doors.asgi import ASGIChannel
from fenrir.core.errors import NotFound
from fenrir.core.mount import MountedChannel, MountedExchange
from fenrir.core.router import Slashes
from fenrir.fastapi._body_limit import limited
from fenrir.fastapi._dialect import DIALECT
from fenrir.fastapi._patterns import PathError, pattern_of_path
from fenrir.fastapi._scope import inherit_form_limits, update_scope
from fenrir.fastapi.api_route import APIRoute, APIWebSocketRoute
from fenrir.fastapi.inclusion import EffectiveRoute, IncludedRouter
from fenrir.starlette._exchange import scope_of
from fenrir.starlette.middleware.exceptions import ExceptionMiddleware
from fenrir.starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from fenrir.starlette.types import ASGIApp, Receive, Send

if TYPE_CHECKING:
    from fenrir.core.application import WEBSOCKET  # noqa: F401
    from fenrir.fastapi.routing import APIRouter

__all__ = ["Collector", "can_collect", "unmatched_mount"]

_NOWHERE = Source("", 0)
_CHANNEL = frozenset({"<websocket>"})


def can_collect(router: APIRouter) -> bool:
    """Say whether the engine can serve all routes of a router by its own table of paths."""
    return all(_is_plain(route) for route in router.routes)


def _is_plain(route: Any) -> bool:
    kind = type(route)
    if isinstance(route, IncludedRouter):
        return kind is IncludedRouter and _is_plain_router(route.original_router)
    if isinstance(route, APIRoute):
        return kind.matches is APIRoute.matches and kind.handle is APIRoute.handle and not route.is_elsewhere
    if isinstance(route, APIWebSocketRoute):
        return kind.matches is APIWebSocketRoute.matches and kind.handle is WebSocketRoute.handle
    if isinstance(route, Route):
        return kind.matches is Route.matches and kind.handle is Route.handle and _is_path(route.path)
    if isinstance(route, WebSocketRoute):
        return kind.matches is WebSocketRoute.matches and kind.handle is WebSocketRoute.handle
    if isinstance(route, Mount):
        return kind.matches is Mount.matches and kind.handle is Mount.handle and "{" not in route.path
    return False


def _is_path(path: str) -> bool:
    try:
        pattern_of_path(path, _NOWHERE)
    except PathError:
        return False
    return True


def _is_plain_router(router: APIRouter) -> bool:
    from fenrir.fastapi.routing import APIRouter

    kind = type(router)
    return kind.matches is APIRouter.matches and kind.handle is APIRouter.handle and can_collect(router)


class Collector:
    """Gives the declarations of one router's routes.

    Args:
        scope: where hooks and error handlers of the application apply.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._names: dict[str, Any] = {}

    def collect(self, router: APIRouter) -> Iterator[EngineRoute | EngineMount]:
        """Iterate over the declarations, in the order of the routes."""
        self._names.clear()
        self._slashes = Slashes.REDIRECT_307 if router.redirect_slashes else Slashes.STRICT
        self._limits = router.form_limits
        self._max_body_size = router.max_body_size
        mounted: list[str] = []
        for route in router.routes:
            for declaration in self.declarations(route):
                # The most specific route wins, but a mount is a whole application: what is registered below it
                # afterwards is a note about that, not a part of it.
                if not (mounted and _path_of(declaration).startswith(tuple(mounted))):
                    yield declaration
            if type(route) is Mount and route.path:
                mounted.append(f"{route.path}/")

    _slashes = Slashes.REDIRECT_307
    _limits: Mapping[str, int] = {}
    _max_body_size: int | None = None

    def declarations(self, route: BaseRoute) -> Iterator[EngineRoute | EngineMount]:
        """Iterate over the declarations of one route."""
        if isinstance(route, IncludedRouter):
            for place in route.effective_route_contexts():
                yield from self._placed(place)
        elif isinstance(route, (APIRoute, APIWebSocketRoute)) and route.replaced:
            yield self._target(route, route)
        elif isinstance(route, (APIRoute, APIWebSocketRoute)):
            if route.path.startswith("/"):  # upstream's regular expression of another path matches nothing
                yield self._declared(route)
        elif _is_plain(route):
            yield self._target(route, route)

    def _placed(self, place: EffectiveRoute) -> Iterator[EngineRoute | EngineMount]:
        if place.starlette_route is None:
            if place.path.startswith("/"):
                yield self._declared(place)
        elif isinstance(place.starlette_route, APIWebSocketRoute):
            yield from self.declarations(place.starlette_route)
        elif _is_plain(place.starlette_route):
            context = place.context
            yield self._target(place.starlette_route, place.original_route, context.max_body_size, context.form_limits)

    def _declared(self, route: Any) -> EngineRoute:
        name = self._name(route.name, route.endpoint)
        declared: EngineRoute = route.declared(self._scope, self._slashes, name, self._limits)
        return declared

    def _name(self, name: str, endpoint: Any) -> str | None:
        """Return the name for the engine's table; the first route of a name has it, as upstream looks names up."""
        return name if self._names.setdefault(name, endpoint) is endpoint else None

    def _target(
        self,
        route: Any,
        original: BaseRoute,
        max_body_size: int | None = None,
        form_limits: Mapping[str, int] | None = None,
    ) -> EngineMount:
        limits = {**self._limits, **(form_limits or {})}
        max_body_size = self._max_body_size if max_body_size is None else max_body_size
        serve = limited(_serving(route, limits), max_body_size)
        options = {"route": original}
        if isinstance(route, Mount):
            call = _call(serve, None if limits or max_body_size is not None else _direct_app(route))
            return EngineMount(
                route.path,
                _below(call, self._slashes) if route.path else call,
                _channel(serve),
                route.app,
                "ASGI",
                DIALECT,
                self._scope,
                _NOWHERE,
                options=options,
            )
        websocket = isinstance(route, WebSocketRoute)
        methods = getattr(route, "methods", None)
        return EngineMount(
            "",
            _call(serve, None),
            _channel(serve) if websocket else None,
            route.endpoint,
            "ASGI",
            DIALECT,
            self._scope,
            _NOWHERE,
            pattern=pattern_of_path(route.path, _NOWHERE),
            methods=_CHANNEL if websocket else frozenset(methods) if methods is not None else None,
            slashes=self._slashes,
            options=options,
        )


def _path_of(declaration: EngineRoute | EngineMount) -> str:
    if declaration.pattern is not None:
        return declaration.pattern.text
    return f"{declaration.prefix}/"


def unmatched_mount(app: ASGIApp, scope: Scope) -> EngineMount:
    """Return what serves requests that no route takes."""
    return EngineMount("", _call(app, None), None, app, "ASGI", DIALECT, scope, _NOWHERE)


def _direct_app(mount: Mount) -> Any:
    """Return a mounted application that has an engine with a direct door and nothing around it."""
    app = mount.app
    return (
        app
        if hasattr(app, "__asteri__")
        and isinstance(getattr(app, "engine", None), Application)
        and getattr(mount, "_base_app", app) is app
        else None
    )


def _serving(route: Any, form_limits: Mapping[str, int]) -> ASGIApp:
    async def serve(scope: Any, receive: Receive, send: Send) -> None:
        inherit_form_limits(scope, form_limits)
        _, added = route.matches(scope)
        update_scope(scope, added)
        await route.handle(scope, receive, send)

    return serve


def _call(app: ASGIApp, direct: Any) -> Any:
    async def inner(scope: Any, receive: Receive, send: Send) -> None:
        # The view of a mounted application has the prefix in its root path; the route finds it out by itself.
        c = current.get()
        known = scope_of(c)
        extra = {key: value for key, value in known.items() if key not in _WIRE}
        await app({**scope, **extra, "root_path": c.exchange.connection.root_path}, receive, send)

    over_asgi = asgi_doors(inner)
    doors: Doors | None = None
    asked = -1

    async def call(exchange: MountedExchange, prefix: str) -> None:
        nonlocal doors, asked
        if exchange.over_asgi is not None:
            await exchange.passed(app, dict(scope_of(current.get())))
            return
        if direct is not None and (direct.engine.version != asked or asked < 0):
            # PERF: an application looks at all its routes to answer: 38 us with 300 of them.
            doors = direct.__asteri__(1)
            asked = direct.engine.version
        exchange.around = current.get() if doors is not None else None
        serving = (doors or over_asgi).http(exchange)
        if serving is not None:
            await serving

    return call


def _below(call: Any, slashes: Slashes) -> Any:
    """Return a mount's call for which the prefix itself is not below the prefix: it lacks a slash, as upstream."""

    async def below(exchange: MountedExchange, prefix: str) -> None:
        if exchange.rest:
            await call(exchange, prefix)
            return
        if slashes is Slashes.STRICT:
            raise NotFound
        query = b"?" + exchange.query if exchange.query else b""
        location = quote(exchange.connection.root_path).encode() + b"/" + query
        exchange.respond(307, [(b"location", location), (b"content-length", b"0")], b"")

    return below


_WIRE = frozenset(
    {"type", "asgi", "http_version", "method", "scheme", "path", "raw_path", "query_string", "root_path", "headers",
     "client", "server", "extensions"}
)  # fmt: skip


def _channel(app: ASGIApp) -> Any:
    async def handling(scope: Any, receive: Receive, send: Send) -> None:
        # Errors are handled inside the handshake's messages, as the engine's channel is not told of those.
        facade = current.get().app.facade
        handlers = getattr(facade, "exception_handlers", {})
        others = {key: call for key, call in handlers.items() if key not in (500, Exception)}
        await ExceptionMiddleware(app, others, getattr(facade, "debug", False))(scope, receive, send)

    async def inner(scope: Any, receive: Receive, send: Send) -> None:
        c = current.get()
        known = scope_of(c, "websocket")
        extra = {key: value for key, value in known.items() if key not in _WIRE}
        await handling({**scope, **extra, "root_path": c.exchange.connection.root_path}, receive, send)

    over_asgi = asgi_doors(inner)

    async def serve(channel: MountedChannel, prefix: str) -> None:
        outer = channel._outer
        if isinstance(outer, ASGIChannel):
            await outer.hand_over(handling, dict(scope_of(current.get(), "websocket")))
        else:
            await over_asgi.websocket(channel)

    return serve
