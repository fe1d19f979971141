"""Routes: an operation on its router, and a WebSocket on it.

Requests run on the engine, which asks a route for its `declared` form. A route is an ASGI application as well, for who
calls `matches` and `handle`: `fenrir.fastapi.handler` runs the engine's plan of the route then.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from fenrir.core.context import RequestContext
from fenrir.core.declare import Mode, Route, Scope, Source, caller
from fenrir.core.router import Slashes
from fenrir.fastapi._asgi_app import asgi_app
from fenrir.fastapi._changes import tell_applications
from fenrir.fastapi._dialect import DIALECT, given_by_type
from fenrir.fastapi._form_limits import check_form_limits
from fenrir.fastapi._patterns import pattern_of_path
from fenrir.fastapi._pictured import Pictured
from fenrir.fastapi.exceptions import WebSocketRequestValidationError
from fenrir.fastapi.handler import engine_handler, functions_replaced, websocket_session
from fenrir.fastapi.operation import Operation
from fenrir.fastapi.options import OperationOptions, check_options
from fenrir.fastapi.surroundings import Surroundings, surrounded
from fenrir.kit.validation import bind_signature
from fenrir.starlette.exceptions import HTTPException
from fenrir.starlette.responses import PlainTextResponse, Response
from fenrir.starlette.routing import Match, WebSocketRoute
from fenrir.starlette.routing import Route as StarletteRoute
from fenrir.starlette.types import ASGIApp, Receive, Send

if TYPE_CHECKING:
    from fenrir.core.binding import Binding
    from fenrir.core.pattern import Pattern
    from fenrir.fastapi.inclusion import EffectiveRoute
    from fenrir.fastapi.requests import Request

__all__ = ["APIRoute", "APIWebSocketRoute"]


class APIRoute(Operation, StarletteRoute):  # type: ignore[misc]  # its methods are never None
    """A handler at a path; see `fenrir.fastapi.options.RouteOptions`.

    Subclasses may give `get_route_handler` another meaning; a router takes them as its `route_class`.

    Raises:
        DeclarationError: an option or the signature of the handler makes no sense.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Unpack[OperationOptions]) -> None:
        check_options(type(self).__name__, options, OperationOptions)
        described: dict[str, Any] = {**options, "form_limits": check_form_limits(options.get("form_limits"))}
        source = caller()
        self._own_surroundings = Surroundings(
            described.pop("middleware", None), described.pop("exception_handlers", None), source
        )
        self.original_route = self
        self._app: ASGIApp | None = None
        self._handler: Callable[[Request], Coroutine[Any, Any, Response]] | None = None
        self._describe(path, endpoint, source=source, **described)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return `async (request) -> response`: everything that this route does with a request."""
        from fenrir.fastapi import routing  # integrations put their own function there
        from fenrir.fastapi.inclusion import effective_route_context

        effective = effective_route_context.get()
        here: Operation = effective if effective is not None and effective.original_route is self else self
        return routing.get_request_handler(
            dependant=here.dependant,
            body_field=here.body_field,
            status_code=here.status_code,
            response_class=here.response_class,
            response_field=here.response_field,
            response_model_include=here.response_model_include,
            response_model_exclude=here.response_model_exclude,
            response_model_by_alias=here.response_model_by_alias,
            response_model_exclude_unset=here.response_model_exclude_unset,
            response_model_exclude_defaults=here.response_model_exclude_defaults,
            response_model_exclude_none=here.response_model_exclude_none,
            dependency_overrides_provider=here.dependency_overrides_provider,
            strict_content_type=here.strict_content_type,
            form_limits=self.form_limits,
            stream_item_field=here.stream_item_field,
            is_json_stream=here.is_json_stream,
        )

    def custom_handler(self) -> Callable[[RequestContext], Any] | None:
        """Return what serves a request when `get_route_handler` is not the one of this class."""
        if not self.is_custom:
            return None
        if self._handler is None:
            self._handler = self.get_route_handler()
        return engine_handler(surrounded(self._handler, self.surroundings))

    @property
    def surroundings(self) -> tuple[Surroundings, ...]:
        """The router that it was declared on, and what the route has itself."""
        return (*self.routers, self._own_surroundings)

    @property
    def is_custom(self) -> bool:
        """Its class, or an integration, stands around the handling of a request."""
        from fenrir.fastapi import handler, routing

        return (
            self._handler is not None
            or any(around.surrounds for around in self.surroundings)
            or type(self).get_route_handler is not APIRoute.get_route_handler
            or "get_route_handler" in self.__dict__
            or routing.get_request_handler is not handler.get_request_handler
            or handler.functions_replaced()
        )

    @property
    def app(self) -> ASGIApp:
        """The route as an ASGI application that looks neither at the path nor at the method."""
        if self._app is None:
            self._app = asgi_app(self, self._handler or self.get_route_handler())
        return self._app

    @app.setter
    def app(self, app: ASGIApp) -> None:
        self._app = app
        self._handler = getattr(app, "handles", None)
        # An application of a handler goes on running on the engine; another one has to be called for each request.
        self.replaced = self._handler is None
        self._declared = None
        tell_applications()

    replaced = False
    routers: tuple[Surroundings, ...] = ()  # the one that it was declared on
    _own_surroundings: Surroundings
    _handler: Callable[[Request], Coroutine[Any, Any, Response]] | None = None

    def matches(self, scope: Any) -> tuple[Match, Any]:
        """Say whether a request belongs here, at the path of the inclusion that asks if there is one."""
        effective = effective_route(scope)
        if effective is not None and effective.original_route is self:
            match, added = effective.matches(scope)
        else:
            match, added = super().matches(scope)
        if match is not Match.NONE:
            added["route"] = self
        return match, added

    async def handle(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve a request that has matched."""
        effective = effective_route(scope)
        if effective is None or effective.original_route is not self:
            await super().handle(scope, receive, send)
        elif effective.methods and scope["method"] not in effective.methods:
            headers = {"Allow": ", ".join(effective.methods)}
            if "app" in scope:
                raise HTTPException(status_code=405, headers=headers)
            await PlainTextResponse("Method Not Allowed", 405, headers)(scope, receive, send)
        else:
            await effective.app(scope, receive, send)


def effective_route(scope: Any) -> EffectiveRoute | None:
    """Return the inclusion through which a request came to a route."""
    found: EffectiveRoute | None = scope.get("fastapi", {}).get("effective_route_context")
    return found


class APIWebSocketRoute(Pictured, WebSocketRoute):
    """A handler of WebSocket connections at a path.

    Raises:
        DeclarationError: the signature of the handler makes no sense.
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        name: str | None = None,
        dependencies: Sequence[Any] | None = None,
        dependency_overrides_provider: Any = None,
    ) -> None:
        self.path = path
        self._call(endpoint, dependencies or ())
        self.name = getattr(endpoint, "__name__", type(endpoint).__name__) if name is None else name
        self.dependency_overrides_provider = dependency_overrides_provider
        self.source = caller()
        self.original_route = self
        self._compile()
        self._app: ASGIApp | None = None
        self._binding: Binding | None = None
        self._declared = None
        self.bind({})

    def elsewhere(self, path: str, dependencies: Sequence[Any], provider: Any) -> APIWebSocketRoute:
        """Return the same route in an inclusion."""
        made = APIWebSocketRoute(
            path, self.endpoint, name=self.name, dependencies=dependencies, dependency_overrides_provider=provider
        )
        made.source = self.source
        made.original_route = self.original_route
        return made

    @property
    def app(self) -> ASGIApp:
        """The route as an ASGI application that does not look at the path."""
        if self._app is None:
            self._app = websocket_session(self)
        return self._app

    @app.setter
    def app(self, app: ASGIApp) -> None:
        self._app = app
        self._has_own_app = True
        self._forget()

    _has_own_app = False

    @property
    def replaced(self) -> bool:
        """Connections have to go through `app`."""
        return self._has_own_app or functions_replaced()

    @property
    def pattern(self) -> Pattern:
        """The path as the engine knows it."""
        return pattern_of_path(self.path if self.path.startswith("/") else f"/{self.path}", self.source)

    def matches(self, scope: Any) -> tuple[Match, Any]:
        """Say whether a connection belongs here."""
        match, added = super().matches(scope)
        if match is not Match.NONE:
            added["route"] = self
        return match, added

    def bind(self, overrides: Mapping[Any, Any]) -> Binding:
        """Return how the handler gets its arguments."""
        if self._picture:
            return self._bind_picture(overrides, invalid=WebSocketRequestValidationError)
        if self._binding is None:
            self._binding = self._read({})
        if overrides and self._binding.touched_by(overrides):
            return self._read(overrides)
        return self._binding

    def _read(self, overrides: Mapping[Any, Any]) -> Binding:
        return bind_signature(
            self._called,
            self.pattern,
            reserved=given_by_type,
            overrides=overrides,
            dependencies=self._called_after,
            invalid=WebSocketRequestValidationError,
        )

    def declared(
        self, scope: Scope, slashes: Slashes, name: str | None, form_limits: Mapping[str, int] | None = None
    ) -> Route:
        """Return the engine's route."""
        key = (scope, slashes, name)
        if self._declared is None or self._declared[0] != key:
            self._declared = key, self._declare(scope, slashes, name)
        return self._declared[1]

    def plain(self, scope: Scope) -> Route:
        """Return the engine's route, of no application."""
        return self._declare(scope, Slashes.STRICT, None)

    def _declare(self, scope: Scope, slashes: Slashes, name: str | None) -> Route:
        return Route(
            pattern=pattern_of_path(self.path, self.source),
            methods=frozenset(),
            handler=self.handler,
            user=self.endpoint,
            mode=Mode.LOOP,
            name=name,
            dialect=DIALECT,
            scope=scope,
            source=self.source or Source("", 0),
            bind=self.bind,
            options={"name": self.name, "slashes": slashes, "route": self.original_route},
            websocket=True,
            document=False,
        )
