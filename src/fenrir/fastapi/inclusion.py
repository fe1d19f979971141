"""Inclusions: one router inside another one, with everything that the inclusion says and that stands around it.

A router may be included several times, and may get routes after that. An inclusion therefore copies nothing: it is a
route of the outer router that asks the inner one for its routes, and makes an `EffectiveRoute` of each for the place
where it stands. They are made again only when a router below has changed.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fenrir.core.declare import caller, checked_timeout
from fenrir.fastapi._asgi_app import asgi_app
from fenrir.fastapi._body_limit import limited
from fenrir.fastapi._form_limits import check_form_limits
from fenrir.fastapi._scope import EFFECTIVE, INCLUDED, fastapi_scope, in_scope, inherit_form_limits, update_scope
from fenrir.fastapi.api_route import APIRoute, APIWebSocketRoute
from fenrir.fastapi.choices import first_limit, get_value_or_default
from fenrir.fastapi.datastructures import Default
from fenrir.fastapi.frontend import FrontendGroup
from fenrir.fastapi.handler import engine_handler
from fenrir.fastapi.operation import Operation, checked_body_size
from fenrir.fastapi.responses import JSONResponse
from fenrir.fastapi.surroundings import Surroundings, surrounded
from fenrir.fastapi.unique_ids import generate_unique_id
from fenrir.starlette.datastructures import URLPath
from fenrir.starlette.routing import (
    BaseRoute,
    Host,
    Match,
    Mount,
    NoMatchFound,
    Route,
    Router,
    WebSocketRoute,
    compile_path,
    get_route_path,
    replace_params,
)
from fenrir.starlette.types import ASGIApp, Receive, Send

if TYPE_CHECKING:
    from fenrir.fastapi.routing import APIRouter

__all__ = ["EffectiveRoute", "IncludeContext", "IncludedRouter", "RouteContext", "iter_route_contexts"]

effective_route_context: ContextVar[Any] = ContextVar("fastapi_effective_route_context", default=None)
"""The inclusion for which a route is just making its handler."""


@dataclass
class IncludeContext:
    """What an inclusion says, with what the router around it says."""

    included_router: APIRouter
    prefix: str = ""
    tags: list[Any] = field(default_factory=list)
    dependencies: list[Any] = field(default_factory=list)
    default_response_class: Any = field(default_factory=lambda: Default(JSONResponse))
    responses: dict[int | str, Any] = field(default_factory=dict)
    callbacks: list[Any] = field(default_factory=list)
    deprecated: bool | None = None
    include_in_schema: bool = True
    generate_unique_id_function: Any = field(default_factory=lambda: Default(generate_unique_id))
    strict_content_type: Any = field(default_factory=lambda: Default(True))
    dependency_overrides_provider: Any = None
    max_body_size: int | None = None
    form_limits: Mapping[str, int] = field(default_factory=dict)
    timeout: float | None = None
    cancel_on_disconnect: bool | None = None
    scopes: tuple[APIRouter, ...] = ()  # the routers on the way, the outermost first

    @classmethod
    def of(cls, around: APIRouter, router: APIRouter, options: Mapping[str, Any]) -> IncludeContext:
        """Return what the options of an inclusion mean inside a router."""
        said = options.get
        return cls(
            included_router=router,
            prefix=around.prefix + (said("prefix") or ""),
            tags=[*around.tags, *(said("tags") or ())],
            dependencies=[*around.dependencies, *(said("dependencies") or ())],
            default_response_class=get_value_or_default(
                said("default_response_class", Default(JSONResponse)), around.default_response_class
            ),
            responses={**around.responses, **(said("responses") or {})},
            callbacks=[*around.callbacks, *(said("callbacks") or ())],
            deprecated=said("deprecated") or around.deprecated,
            include_in_schema=around.include_in_schema and said("include_in_schema", True),
            generate_unique_id_function=get_value_or_default(
                said("generate_unique_id_function", Default(generate_unique_id)), around.generate_unique_id_function
            ),
            strict_content_type=around.strict_content_type,
            dependency_overrides_provider=around.dependency_overrides_provider,
            max_body_size=first_limit(
                router.max_body_size, checked_body_size(said("max_body_size")), around.max_body_size
            ),
            form_limits={**check_form_limits(said("form_limits")), **router.form_limits},
            timeout=first_limit(router.timeout, checked_timeout(said("timeout"), caller()), around.timeout),
            cancel_on_disconnect=first_limit(
                router.cancel_on_disconnect, said("cancel_on_disconnect"), around.cancel_on_disconnect
            ),
            scopes=(router,),
        )

    def combine(self, inner: IncludeContext) -> IncludeContext:
        """Return what an inclusion inside this one means."""
        return IncludeContext(
            included_router=inner.included_router,
            prefix=self.prefix + inner.prefix,
            tags=[*self.tags, *inner.tags],
            dependencies=[*self.dependencies, *inner.dependencies],
            default_response_class=get_value_or_default(inner.default_response_class, self.default_response_class),
            responses={**self.responses, **inner.responses},
            callbacks=[*self.callbacks, *inner.callbacks],
            deprecated=self.deprecated or inner.deprecated,
            include_in_schema=self.include_in_schema and inner.include_in_schema,
            generate_unique_id_function=get_value_or_default(
                inner.generate_unique_id_function, self.generate_unique_id_function
            ),
            strict_content_type=get_value_or_default(inner.strict_content_type, self.strict_content_type),
            dependency_overrides_provider=self.dependency_overrides_provider,
            max_body_size=first_limit(inner.max_body_size, self.max_body_size),
            form_limits={**self.form_limits, **inner.form_limits},
            timeout=first_limit(inner.timeout, self.timeout),
            cancel_on_disconnect=first_limit(inner.cancel_on_disconnect, self.cancel_on_disconnect),
            scopes=(*self.scopes, *inner.scopes),
        )

    def path_for(self, route: Any) -> str:
        """Return the path of a route in this inclusion."""
        return f"{self.prefix}{route.path}"


class EffectiveRoute(Operation):
    """A route as an inclusion makes it.

    Attributes:
        original_route: the route of the included router.
        starlette_route: a copy at the right path, of routes that are no operations.
    """

    starlette_route: Any = None
    frontend_prefix = ""
    _app: ASGIApp | None = None

    def __init__(self, original_route: BaseRoute, context: IncludeContext) -> None:
        self.original_route = original_route
        self.context = context
        self.dependency_overrides_provider = context.dependency_overrides_provider

    @classmethod
    def of(cls, route: BaseRoute, context: IncludeContext) -> EffectiveRoute | None:
        """Return a route in an inclusion; None when nothing is known of its kind."""
        made = cls(route, context)
        if isinstance(route, APIRoute):
            made._describe_inclusion(route)
            if made.is_custom:
                made.handle_request = made._handler_of(route)
            return made
        if isinstance(route, FrontendGroup):
            made.frontend_prefix = context.prefix
            made.dependencies = [*context.dependencies, *route.dependencies]
            made.starlette_route = route.elsewhere(made.dependencies, context)
            return made
        made.starlette_route = _elsewhere(route, context)
        return made if made.starlette_route is not None else None

    handle_request: Any = None

    def _describe_inclusion(self, route: APIRoute) -> None:
        context = self.context
        router = context.included_router
        self._describe(
            context.path_for(route),
            route.endpoint,
            source=route.source,
            like=route,
            response_model=route.response_model,
            status_code=route.status_code,
            tags=[*context.tags, *route.tags],
            dependencies=[*context.dependencies, *route.dependencies],
            summary=route.summary,
            description=route.description,
            response_description=route.response_description,
            responses={**context.responses, **route.responses},
            deprecated=route.deprecated or context.deprecated,
            name=route.name,
            methods=route.methods,
            operation_id=route.operation_id,
            response_model_include=route.response_model_include,
            response_model_exclude=route.response_model_exclude,
            response_model_by_alias=route.response_model_by_alias,
            response_model_exclude_unset=route.response_model_exclude_unset,
            response_model_exclude_defaults=route.response_model_exclude_defaults,
            response_model_exclude_none=route.response_model_exclude_none,
            include_in_schema=route.include_in_schema and context.include_in_schema,
            response_class=get_value_or_default(
                route.response_class, router.default_response_class, context.default_response_class
            ),
            dependency_overrides_provider=context.dependency_overrides_provider,
            callbacks=[*context.callbacks, *(route.callbacks or ())],
            openapi_extra=route.openapi_extra,
            generate_unique_id_function=get_value_or_default(
                route.generate_unique_id_function,
                router.generate_unique_id_function,
                context.generate_unique_id_function,
            ),
            strict_content_type=get_value_or_default(
                route.strict_content_type, router.strict_content_type, context.strict_content_type
            ),
            stream_item_type=route.stream_item_type,
            max_body_size=first_limit(route.max_body_size, context.max_body_size),
            form_limits={**context.form_limits, **route.form_limits},
            timeout=first_limit(route.timeout, context.timeout),
            cancel_on_disconnect=first_limit(route.cancel_on_disconnect, context.cancel_on_disconnect),
        )

    def _handler_of(self, route: APIRoute) -> Any:
        token = effective_route_context.set(self)
        try:
            return route.get_route_handler()
        finally:
            effective_route_context.reset(token)

    @property
    def is_custom(self) -> bool:
        """The original route stands around the handling of a request, or something around or in it does."""
        return self.original_route.is_custom or any(around.surrounds for around in self.surroundings)

    def custom_handler(self) -> Any:
        """Return what serves a request when the route's class has a way of its own."""
        if self.handle_request is None and self.is_custom:
            self.handle_request = self._handler_of(self.original_route)
        if self.handle_request is None:
            return None
        return engine_handler(surrounded(self.handle_request, self.surroundings))

    @property
    def surroundings(self) -> tuple[Surroundings, ...]:
        """The routers on the way here, and what the route has itself."""
        return (*self.context.scopes, self.original_route._own_surroundings)

    @property
    def app(self) -> ASGIApp:
        """The route as an ASGI application that looks neither at the path nor at the method."""
        if self._app is None:
            if self.starlette_route is not None:
                self._app = limited(self.starlette_route.handle, self.context.max_body_size)
            else:
                self._app = asgi_app(self, self.handle_request or self._handler_of(self.original_route))
        return self._app

    def matches(self, scope: Any) -> tuple[Match, Any]:
        """Say whether a request belongs here."""
        if self.starlette_route is not None:
            found: tuple[Match, Any] = self.starlette_route.matches(scope)
            return found
        if scope["type"] != "http":
            return Match.NONE, {}
        match = self.path_regex.match(get_route_path(scope))
        if match is None:
            return Match.NONE, {}
        params = {name: self.param_convertors[name].convert(value) for name, value in match.groupdict().items()}
        added = {"endpoint": self.endpoint, "path_params": {**scope.get("path_params", {}), **params}}
        return Match.FULL if scope["method"] in self.methods else Match.PARTIAL, added

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Return the path of this route. Raises `NoMatchFound`."""
        if self.starlette_route is not None:
            made: URLPath = self.starlette_route.url_path_for(name, **path_params)
            return made
        if name != self.name or path_params.keys() != self.param_convertors.keys():
            raise NoMatchFound(name, path_params)
        path, _ = replace_params(self.path_format, self.param_convertors, path_params)
        return URLPath(path=path, protocol="http")


def _elsewhere(route: BaseRoute, context: IncludeContext) -> BaseRoute | None:
    """Return a route that is no operation at the path of an inclusion."""
    if isinstance(route, Route):
        return Route(
            context.path_for(route),
            endpoint=route.endpoint,
            methods=list(route.methods or ()),
            name=route.name,
            include_in_schema=route.include_in_schema,
        )
    if isinstance(route, APIWebSocketRoute):
        dependencies = [*context.dependencies, *route.dependencies]
        return route.elsewhere(context.path_for(route), dependencies, context.dependency_overrides_provider)
    if isinstance(route, WebSocketRoute):
        return WebSocketRoute(context.path_for(route), route.endpoint, name=route.name)
    if isinstance(route, Mount):
        mount = copy.copy(route)
        mount.path = context.path_for(route).rstrip("/")
        mount.path_regex, mount.path_format, mount.param_convertors = compile_path(f"{mount.path}/{{path:path}}")
        return mount
    if isinstance(route, Host):
        app: ASGIApp = Router(routes=[Mount(context.prefix, app=route.app)]) if context.prefix else route.app
        return Host(route.host, app=app, name=route.name)
    return None


@dataclass(frozen=True)
class RouteContext:
    """A route with its place: attributes are those of the route as it is there."""

    route: BaseRoute
    effective: EffectiveRoute | None = field(default=None, repr=False)

    @property
    def original_route(self) -> BaseRoute:
        """The route of the router on which it was declared."""
        original: BaseRoute = self.effective.original_route if self.effective is not None else self.route
        return original

    @property
    def effective_route(self) -> Any:
        """The route as it is at its place."""
        if self.effective is None:
            return self.route
        return self.effective.starlette_route or self.effective

    @property
    def path(self) -> str | None:
        """The whole path; None of a route without one."""
        return getattr(self.effective_route, "path", None)

    @property
    def path_format(self) -> str | None:
        """The path without converters."""
        return getattr(self.effective_route, "path_format", None)

    @property
    def name(self) -> str | None:
        """The name."""
        return getattr(self.effective_route, "name", None)

    @property
    def methods(self) -> set[str] | None:
        """The methods; None of a route that has none."""
        return getattr(self.effective_route, "methods", None)

    @property
    def endpoint(self) -> Any:
        """What serves it."""
        return getattr(self.effective_route, "endpoint", None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.effective_route, name)


def routes_with_context(routes: Iterable[BaseRoute]) -> Iterator[tuple[BaseRoute, EffectiveRoute | None]]:
    """Iterate over routes, and over those of the inclusions among them with their places."""
    for route in routes:
        if isinstance(route, IncludedRouter):
            for place in route.effective_route_contexts():
                yield place.original_route, place
        else:
            yield route, None


def iter_route_contexts(routes: Iterable[BaseRoute | RouteContext]) -> Iterator[RouteContext]:
    """Iterate over all routes with their places, at any depth of inclusion."""
    for route in routes:
        if isinstance(route, RouteContext):
            yield route
        else:
            for original, place in routes_with_context([route]):
                yield RouteContext(original, place)


class IncludedRouter(BaseRoute):
    """An inclusion, as a route of the outer router.

    Attributes:
        original_router: the included one.
        include_context: what the inclusion says.
    """

    def __init__(self, original_router: APIRouter, include_context: IncludeContext) -> None:
        self.original_router = original_router
        self.include_context = include_context
        self._effective_routes_lock = threading.Lock()
        self._effective_candidates: list[EffectiveRoute | IncludedRouter] = []
        self._effective_candidates_version: int | None = None
        self._effective_low_priority_routes: list[EffectiveRoute] = []
        self._effective_low_priority_routes_version: int | None = None

    def effective_candidates(self) -> list[EffectiveRoute | IncludedRouter]:
        """Return the routes and inclusions inside, each as it is here."""
        if self._effective_candidates_version != self.original_router._get_routes_version():
            with self._effective_routes_lock:
                version = self.original_router._get_routes_version()
                if self._effective_candidates_version != version:
                    self._effective_candidates = list(self._candidates())
                    self._effective_candidates_version = version
        return self._effective_candidates

    def _candidates(self) -> Iterator[EffectiveRoute | IncludedRouter]:
        known = {
            id(item.original_route): item for item in self._effective_candidates if isinstance(item, EffectiveRoute)
        }
        for route in self.original_router.routes:
            if isinstance(route, IncludedRouter):
                yield self._inside(route)
                continue
            found = known.get(id(route)) or EffectiveRoute.of(route, self.include_context)
            if found is not None:
                yield found

    def _inside(self, route: IncludedRouter) -> IncludedRouter:
        return IncludedRouter(route.original_router, self.include_context.combine(route.include_context))

    def effective_low_priority_routes(self) -> list[EffectiveRoute]:
        """Return the front ends inside, which are tried when no route matches."""
        if self._effective_low_priority_routes_version != self.original_router._get_routes_version():
            with self._effective_routes_lock:
                version = self.original_router._get_routes_version()
                if self._effective_low_priority_routes_version != version:
                    self._effective_low_priority_routes = list(self._low_priority())
                    self._effective_low_priority_routes_version = version
        return self._effective_low_priority_routes

    def _low_priority(self) -> Iterator[EffectiveRoute]:
        for route in self.original_router._low_priority_routes:
            found = EffectiveRoute.of(route, self.include_context)
            if found is not None:
                yield found
        for route in self.original_router.routes:
            if isinstance(route, IncludedRouter):
                yield from self._inside(route).effective_low_priority_routes()

    def effective_route_contexts(self) -> Iterator[EffectiveRoute]:
        """Iterate over all routes inside, at any depth."""
        for candidate in self.effective_candidates():
            if isinstance(candidate, IncludedRouter):
                yield from candidate.effective_route_contexts()
            else:
                yield candidate

    # ------------------------------------------------------------------ ASGI
    def _match(self, scope: Any) -> tuple[Match, Any, Any, EffectiveRoute | None]:
        """Find what serves a request: how well, what it adds to the scope, the route and its place."""
        partial: tuple[Match, Any, Any, EffectiveRoute | None] | None = None
        for candidate in self.effective_candidates():
            place = None if isinstance(candidate, IncludedRouter) else candidate
            route: Any = candidate
            if place is not None:
                route = place.starlette_route or place.original_route
            if place is not None and place.starlette_route is None:
                with in_scope(scope, EFFECTIVE, place):
                    match, added = place.original_route.matches(scope)
            else:
                match, added = candidate.matches(scope)
            if match is Match.FULL:
                return match, added, route, place
            if match is Match.PARTIAL and partial is None:
                partial = match, added, route, place
        return partial or (Match.NONE, {}, None, None)

    def matches(self, scope: Any) -> tuple[Match, Any]:
        """Say whether a request belongs to a route inside."""
        with in_scope(scope, INCLUDED, self):
            match, _ = self.original_router.matches(scope)
        return match, {}

    async def handle(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve a request that has matched."""
        inherit_form_limits(scope, self.include_context.form_limits)
        fastapi_scope(scope)[INCLUDED] = self
        await self.original_router.handle(scope, receive, send)

    async def _handle_selected(self, scope: Any, receive: Receive, send: Send) -> None:
        match, added, route, place = self._match(scope)
        if match is Match.NONE or route is None:
            default = limited(self.original_router.default, self.include_context.max_body_size)
            await default(scope, receive, send)
            return
        update_scope(scope, added)
        if place is not None and place.starlette_route is None:
            fastapi_scope(scope)[EFFECTIVE] = place
            scope["route"] = place.original_route
            await route.handle(scope, receive, send)
            return
        await limited(route.handle, self.include_context.max_body_size)(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Return the path of a route inside. Raises `NoMatchFound`."""
        for place in self.effective_route_contexts():
            try:
                return place.url_path_for(name, **path_params)
            except NoMatchFound:
                continue
        raise NoMatchFound(name, path_params)
