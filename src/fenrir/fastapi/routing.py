"""Routers: what declares routes, and what may be included in another router.

`router.routes` is the truth. An application's engine asks for it whenever it freezes, and is told when it has changed;
a router on its own is an ASGI application that tries its routes in their order.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Literal, TypeVar, Unpack

from fenrir.core.declare import DeclarationError, caller, checked_timeout
from fenrir.fastapi._body_limit import limited
from fenrir.fastapi._form_limits import check_form_limits
from fenrir.fastapi._scope import (
    EFFECTIVE,
    INCLUDED,
    SPECIFICITY,
    fastapi_scope,
    inherit_form_limits,
    restore,
    update_scope,
)
from fenrir.fastapi.api_route import APIRoute, APIWebSocketRoute
from fenrir.fastapi.choices import get_value_or_default
from fenrir.fastapi.datastructures import Default
from fenrir.fastapi.dependencies.solving import solve_dependencies
from fenrir.fastapi.exceptions import FastAPIError
from fenrir.fastapi.frontend import (
    Directory,
    Fallback,
    FrontendGroup,
    FrontendRoute,
    checks_directory,
    frontend_path,
    joined,
)
from fenrir.fastapi.handler import (
    get_request_handler,
    request_response,
    run_endpoint_function,
    serialize_response,
    websocket_session,
)
from fenrir.fastapi.inclusion import (
    EffectiveRoute,
    IncludeContext,
    IncludedRouter,
    RouteContext,
    effective_route_context,
    iter_route_contexts,
    routes_with_context,
)
from fenrir.fastapi.operation import checked_body_size
from fenrir.fastapi.options import AnyRouteOptions, IncludeOptions, check_options
from fenrir.fastapi.responses import JSONResponse
from fenrir.fastapi.sse import _PING_INTERVAL as _PING_INTERVAL
from fenrir.fastapi.surroundings import Surroundings
from fenrir.fastapi.unique_ids import generate_unique_id
from fenrir.fastapi.verbs import Verbs
from fenrir.starlette import routing
from fenrir.starlette._calls import is_async_callable
from fenrir.starlette.datastructures import URL
from fenrir.starlette.responses import RedirectResponse
from fenrir.starlette.routing import BaseRoute, Match, Mount, NoMatchFound, compile_path, get_name, get_route_path
from fenrir.starlette.types import ASGIApp, Receive, Send

__all__ = [
    "APIRoute",
    "APIRouter",
    "APIWebSocketRoute",
    "BaseRoute",
    "Match",
    "Mount",
    "NoMatchFound",
    "RouteContext",
    "compile_path",
    "get_name",
    "get_request_handler",
    "iter_route_contexts",
    "request_response",
    "run_endpoint_function",
    "serialize_response",
    "solve_dependencies",
    "websocket_session",
]

F = TypeVar("F", bound=Callable[..., Any])
# Upstream's private names of these, which packages and upstream's own tests use.
_IncludedRouter = IncludedRouter
_EffectiveRouteContext = EffectiveRoute
_iter_routes_with_context = routes_with_context
_effective_route_context_var = effective_route_context
_restore_fastapi_scope_key = restore


def _iter_included_route_candidates(routes: Sequence[BaseRoute]) -> Iterator[BaseRoute]:
    for route, place in routes_with_context(routes):
        yield place.starlette_route if place is not None and place.starlette_route is not None else route


class RouterError(DeclarationError, AssertionError):
    """A prefix, an inclusion or an event makes no sense; upstream asserts."""


def _checked_prefix(prefix: str) -> str:
    if prefix and not prefix.startswith("/"):
        raise RouterError("A path prefix must start with '/'", caller())
    if prefix.endswith("/"):
        raise RouterError("A path prefix must not end with '/', as the routes will start with '/'", caller())
    return prefix


class _Events:
    """The lifespan of a router without one: its handlers for "startup" and "shutdown"."""

    def __init__(self, router: APIRouter) -> None:
        self._router = router

    async def __aenter__(self) -> None:
        await self._router._startup()

    async def __aexit__(self, *_: object) -> None:
        await self._router._shutdown()

    def __call__(self, app: object) -> _Events:
        return self


def _lifespan_of(router: APIRouter, lifespan: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    if lifespan is None:
        return _Events(router)
    if inspect.isasyncgenfunction(lifespan):
        return asynccontextmanager(lifespan)
    if not inspect.isgeneratorfunction(lifespan):
        return lifespan
    manager = contextmanager(lifespan)

    @asynccontextmanager
    async def entered(app: Any) -> AsyncIterator[Any]:
        with manager(app) as state:
            yield state

    return entered


def _merged_lifespans(outer: Callable[[Any], Any], inner: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @asynccontextmanager
    async def merged(app: Any) -> AsyncIterator[Any]:
        async with outer(app) as outer_state, inner(app) as inner_state:
            if outer_state is None and inner_state is None:
                yield None
            else:
                yield {**(inner_state or {}), **(outer_state or {})}

    return merged


# Names under which other packages import them.
_DefaultLifespan = _Events
_merge_lifespan_context = _merged_lifespans


class APIRouter(Surroundings, Verbs, routing.Router):
    """A group of routes, to be included in an application or in another router.

    Args:
        prefix, tags, dependencies, responses, callbacks, deprecated, include_in_schema: of all routes here.
        default_response_class, generate_unique_id_function, strict_content_type: unless a route says otherwise.
        dependency_overrides_provider: an object whose `dependency_overrides` replace dependencies.
        route_class: makes the routes.
        on_startup, on_shutdown, lifespan: what runs around the life of the application; a lifespan switches the
            handlers off, as upstream does.
        max_body_size, form_limits, timeout, cancel_on_disconnect: see `RouteOptions`.
    """

    def __init__(
        self,
        *,
        prefix: str = "",
        tags: list[Any] | None = None,
        dependencies: Sequence[Any] | None = None,
        default_response_class: Any = Default(JSONResponse),
        responses: dict[int | str, Any] | None = None,
        callbacks: list[BaseRoute] | None = None,
        routes: list[BaseRoute] | None = None,
        redirect_slashes: bool = True,
        default: ASGIApp | None = None,
        dependency_overrides_provider: Any = None,
        route_class: type[APIRoute] = APIRoute,
        on_startup: Sequence[Callable[[], Any]] | None = None,
        on_shutdown: Sequence[Callable[[], Any]] | None = None,
        lifespan: Callable[[Any], Any] | None = None,
        deprecated: bool | None = None,
        include_in_schema: bool = True,
        generate_unique_id_function: Any = Default(generate_unique_id),
        strict_content_type: Any = Default(True),
        max_body_size: int | None = None,
        form_limits: Mapping[str, int] | None = None,
        timeout: float | None = None,
        cancel_on_disconnect: bool | None = None,
    ) -> None:
        self.max_body_size = checked_body_size(max_body_size)
        self.timeout = checked_timeout(timeout, caller())
        self.cancel_on_disconnect = cancel_on_disconnect
        Surroundings.__init__(self)
        routing.Router.__init__(
            self,
            routes=routes,
            redirect_slashes=redirect_slashes,
            default=default,
            lifespan=_lifespan_of(self, lifespan),
        )
        self.middleware_stack = limited(self.middleware_stack, max_body_size)
        self.prefix = _checked_prefix(prefix)
        self.on_startup: list[Callable[[], Any]] = list(on_startup or ())
        self.on_shutdown: list[Callable[[], Any]] = list(on_shutdown or ())
        self.tags: list[Any] = tags or []
        self.dependencies = list(dependencies or ())
        self.deprecated = deprecated
        self.include_in_schema = include_in_schema
        self.responses = responses or {}
        self.callbacks = callbacks or []
        self.dependency_overrides_provider = dependency_overrides_provider
        self.route_class = route_class
        self.default_response_class = default_response_class
        self.generate_unique_id_function = generate_unique_id_function
        self.form_limits = check_form_limits(form_limits)
        self.strict_content_type = strict_content_type
        self._routes_version = 0
        self._observers: list[Callable[[], object]] = []
        self._low_priority_routes: list[BaseRoute] = []
        self._frontend_routes: FrontendGroup | None = None
        self.watch_routes(self._mark_routes_changed)

    # --------------------------------------------------------------- changes
    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name in ("default", "redirect_slashes") and "_observers" in self.__dict__:
            self._tell()

    def observe(self, changed: Callable[[], None]) -> None:
        """Have a bound method called whenever the routes here, or of a router below, have changed.

        Its object is not kept alive: a router of a module may be included in many applications of tests.
        """
        self._observers.append(weakref.WeakMethod(changed))

    def _mark_routes_changed(self) -> None:
        self._routes_version += 1
        self._tell()

    def _tell(self) -> None:
        for reference in tuple(self._observers):
            changed = reference()
            if changed is None:
                self._observers.remove(reference)
            elif callable(changed):
                changed()

    def _get_routes_version(self) -> int:
        return self._routes_version + sum(
            route.original_router._get_routes_version() for route in self.routes if isinstance(route, IncludedRouter)
        )

    def _contains_router(self, router: APIRouter) -> bool:
        return any(
            route.original_router is router or route.original_router._contains_router(router)
            for route in self.routes
            if isinstance(route, IncludedRouter)
        )

    # ---------------------------------------------------------- declarations
    def route(
        self,
        path: str,
        methods: Collection[str] | None = None,
        name: str | None = None,
        include_in_schema: bool = True,
    ) -> Callable[[F], F]:
        """Declare a plain function `(request) -> response`."""

        def register(function: F) -> F:
            self.add_route(path, function, methods=methods, name=name, include_in_schema=include_in_schema)
            return function

        return register

    def websocket_route(self, path: str, name: str | None = None) -> Callable[[F], F]:
        """Declare a plain function `(websocket) -> None`."""

        def register(function: F) -> F:
            self.add_websocket_route(path, function, name=name)
            return function

        return register

    def add_api_route(  # type: ignore[override]
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        route_class_override: type[APIRoute] | None = None,
        **options: Unpack[AnyRouteOptions],
    ) -> None:
        """Declare a handler for `methods` (GET by default), without decorating it.

        Raises:
            DeclarationError: an option or the signature makes no sense.
        """
        check_options("a route", options, AnyRouteOptions)
        make = route_class_override or self.route_class
        given: dict[str, Any] = dict(options)
        if given.get("form_limits") is None:
            given.pop("form_limits", None)  # route classes of users may not know it
        if given.get("max_body_size") is None:
            given.pop("max_body_size", None)
        for limit in ("max_body_size", "timeout", "cancel_on_disconnect"):
            if given.get(limit) is None and getattr(self, limit) is not None:
                given[limit] = getattr(self, limit)
        given.update(
            tags=[*self.tags, *(given.get("tags") or ())],
            dependencies=[*self.dependencies, *(given.get("dependencies") or ())],
            responses={**self.responses, **(given.get("responses") or {})},
            callbacks=[*self.callbacks, *(given.get("callbacks") or ())],
            deprecated=given.get("deprecated") or self.deprecated,
            include_in_schema=given.get("include_in_schema", True) and self.include_in_schema,
            response_class=get_value_or_default(
                given.get("response_class", Default(JSONResponse)), self.default_response_class
            ),
            generate_unique_id_function=get_value_or_default(
                given.get("generate_unique_id_function", Default(generate_unique_id)),
                self.generate_unique_id_function,
            ),
            strict_content_type=get_value_or_default(
                given.get("strict_content_type", Default(True)), self.strict_content_type
            ),
            dependency_overrides_provider=self.dependency_overrides_provider,
        )
        route = make(self.prefix + path, endpoint=endpoint, **given)
        route.routers = (self,)
        self.routes.append(route)

    def add_api_websocket_route(
        self,
        path: str,
        endpoint: Callable[..., Any],
        name: str | None = None,
        *,
        dependencies: Sequence[Any] | None = None,
    ) -> None:
        """Declare a handler of WebSocket connections, without decorating it."""
        self.routes.append(
            APIWebSocketRoute(
                self.prefix + path,
                endpoint=endpoint,
                name=name,
                dependencies=[*self.dependencies, *(dependencies or ())],
                dependency_overrides_provider=self.dependency_overrides_provider,
            )
        )

    def frontend(
        self,
        path: str,
        *,
        directory: Directory,
        fallback: Fallback = "auto",
        check_dir: bool | Literal["auto"] = "auto",
    ) -> None:
        """Serve the files of a built front end for what no route takes.

        Args:
            fallback: the answer to a path without a file; "auto" takes `404.html`, or `index.html` for pages.
            check_dir: the directory must exist now; "auto" only warns while `FASTAPI_ENV` is "development".
        """
        check = checks_directory(directory, check_dir)
        path = frontend_path(path)
        if self._frontend_routes is None:
            self._frontend_routes = FrontendGroup([], self.dependencies, self.dependency_overrides_provider)
            self._low_priority_routes.append(self._frontend_routes)
        self._frontend_routes.routes.append(
            FrontendRoute(joined(self.prefix, path), directory=directory, fallback=fallback, check_dir=check)
        )
        self._mark_routes_changed()

    def include_router(self, router: APIRouter, **options: Unpack[IncludeOptions]) -> None:
        """Take over all routes of a router, those too that it gets later.

        Raises:
            DeclarationError: the router contains this one, or the prefix is malformed.
            FastAPIError: prefix and path of a route are both empty.
        """
        check_options("include_router", options, IncludeOptions)
        if self is router:
            raise RouterError(
                "Cannot include the same APIRouter instance into itself. Did you mean to include a different router?",
                caller(),
            )
        if router._contains_router(self):
            raise RouterError(
                "Cannot include an APIRouter instance that already includes this router. "
                "Did you mean to include a different router?",
                caller(),
            )
        if not _checked_prefix(options.get("prefix") or ""):
            for context in iter_route_contexts(router.routes):
                if context.path == "":
                    raise FastAPIError(
                        f"Prefix and path cannot be both empty (path operation: {context.name or 'unknown'})"
                    )
        self.routes.append(IncludedRouter(router, IncludeContext.of(self, router, options)))
        router.observe(self._tell)
        for handler in router.on_startup:
            self.add_event_handler("startup", handler)
        for handler in router.on_shutdown:
            self.add_event_handler("shutdown", handler)
        self.lifespan_context = _merged_lifespans(self.lifespan_context, router.lifespan_context)

    # ---------------------------------------------------------------- events
    def add_event_handler(self, event_type: str, func: Callable[[], Any]) -> None:
        """Run a function at "startup" or "shutdown"."""
        if event_type not in ("startup", "shutdown"):
            raise RouterError(f"an event is 'startup' or 'shutdown', not {event_type!r}", caller())
        (self.on_startup if event_type == "startup" else self.on_shutdown).append(func)

    def on_event(self, event_type: str) -> Callable[[F], F]:
        """Register a function for "startup" or "shutdown"."""
        deprecated_event(stacklevel=3)

        def register(function: F) -> F:
            self.add_event_handler(event_type, function)
            return function

        return register

    async def _startup(self) -> None:
        await _run_all(self.on_startup)

    async def _shutdown(self) -> None:
        await _run_all(self.on_shutdown)

    # ------------------------------------------------------------------ ASGI
    async def app(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve a scope with the first route that matches."""
        assert scope["type"] in ("http", "websocket", "lifespan")
        inherit_form_limits(scope, self.form_limits)
        scope.setdefault("router", self)
        if scope["type"] == "lifespan":
            await self.lifespan(scope, receive, send)
            return
        found: tuple[BaseRoute, Any] | None = None
        for route in self.routes:
            match, added = route.matches(scope)
            if match is Match.FULL:
                found = route, added
                break
            if match is Match.PARTIAL and found is None:
                found = route, added
        if found is not None:
            update_scope(scope, found[1])
            await found[0].handle(scope, receive, send)
        elif scope["type"] == "http" and self.redirect_slashes and (url := self._other_slash(scope)) is not None:
            await RedirectResponse(url=url)(scope, receive, send)
        else:
            await self.serve_unmatched(scope, receive, send)

    def _other_slash(self, scope: Any) -> str | None:
        if get_route_path(scope) == "/":
            return None
        path = scope["path"]
        other = {**scope, "path": path.rstrip("/") if path.endswith("/") else f"{path}/"}
        if all(route.matches(other)[0] is Match.NONE for route in self.routes):
            return None
        return str(URL(scope=other))

    async def serve_unmatched(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve what no route takes: the front end with the longest path, else `default`."""
        best: tuple[BaseRoute | EffectiveRoute, Any] | None = None
        taken = Match.NONE
        for candidate in self._low_priority():
            match, added = candidate.matches(scope)
            if match.value > taken.value or (match is taken is not Match.NONE and _is_nearer(added, best)):
                best, taken = (candidate, added), match
        if best is None:
            await self.default(scope, receive, send)
            return
        route, added = best
        update_scope(scope, added)
        if isinstance(route, EffectiveRoute):
            fastapi_scope(scope)[EFFECTIVE] = route
            await route.app(scope, receive, send)
        else:
            await route.handle(scope, receive, send)

    def _low_priority(self) -> Iterator[BaseRoute | EffectiveRoute]:
        yield from self._low_priority_routes
        for route in self.routes:
            if isinstance(route, IncludedRouter):
                yield from route.effective_low_priority_routes()

    def matches(self, scope: Any) -> tuple[Match, Any]:
        """Say whether a request belongs to this router, through the inclusion that asks."""
        included = scope.get("fastapi", {}).get(INCLUDED)
        if isinstance(included, IncludedRouter) and included.original_router is self:
            match, added, _, _ = included._match(scope)
            return match, added
        return Match.NONE, {}

    async def handle(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve a request, through the inclusion by which it came if there is one."""
        included = scope.get("fastapi", {}).get(INCLUDED)
        if isinstance(included, IncludedRouter) and included.original_router is self:
            await included._handle_selected(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def _is_nearer(added: Any, best: tuple[Any, Any] | None) -> bool:
    """Say whether a front end has a longer path than what was found; others keep their order."""
    here = added.get("fastapi", {}).get(SPECIFICITY)
    there = best[1].get("fastapi", {}).get(SPECIFICITY) if best is not None else None
    return here is not None and there is not None and here > there


async def _run_all(handlers: Sequence[Callable[[], Any]]) -> None:
    for handler in handlers:
        if is_async_callable(handler):
            await handler()
        else:
            handler()


def deprecated_event(stacklevel: int) -> None:
    """Say that `on_event` is old."""
    import warnings

    warnings.warn(
        "on_event is deprecated, use lifespan event handlers instead", DeprecationWarning, stacklevel=stacklevel + 1
    )
