"""Routes: what a path, a method and a kind of connection lead to.

A route answers two questions: `matches(scope)` - does this request belong here, and what does that add to the scope -
and `url_path_for(name, **params)`. `handle` serves what has matched.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Collection, Sequence
from enum import Enum
from typing import Any, Literal

from fenrir.starlette._calls import is_async_callable
from fenrir.starlette._exception_handler import wrap_app_handling_exceptions
from fenrir.starlette._paths import Compiled, get_name, get_route_path, matched_params, replace_params
from fenrir.starlette.concurrency import run_in_threadpool
from fenrir.starlette.datastructures import URLPath
from fenrir.starlette.exceptions import HTTPException
from fenrir.starlette.middleware import Middleware, wrap
from fenrir.starlette.middleware.body_limit import RequestBodyLimitMiddleware
from fenrir.starlette.requests import Request
from fenrir.starlette.responses import PlainTextResponse, Response
from fenrir.starlette.types import ASGIApp, Receive, Scope, Send
from fenrir.starlette.websockets import WebSocket, WebSocketClose

__all__ = ["BaseRoute", "Match", "NoMatchFound", "Route", "WebSocketRoute", "request_response", "websocket_session"]


class NoMatchFound(Exception):
    """No route has this name with these parameters."""

    def __init__(self, name: str, path_params: dict[str, Any]) -> None:
        super().__init__(f'No route exists for name "{name}" and params "{", ".join(path_params)}".')


class Match(Enum):
    """How well a request belongs to a route; PARTIAL: the path does, the method does not."""

    NONE = 0
    PARTIAL = 1
    FULL = 2


def request_response(func: Callable[[Request], Awaitable[Response] | Response]) -> ASGIApp:
    """Make `func(request) -> response` an ASGI application; one that is not async runs in a thread."""
    call: Callable[[Request], Awaitable[Response]] = (
        func if is_async_callable(func) else functools.partial(run_in_threadpool, func)  # type: ignore[assignment, call-arg]
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request: Request = Request(scope, receive, send)

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            response = await call(request)
            await response(scope, receive, send)

        await wrap_app_handling_exceptions(answer, request)(scope, receive, send)

    return app


def websocket_session(func: Callable[[WebSocket], Awaitable[None]]) -> ASGIApp:
    """Make `async func(websocket)` an ASGI application."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        session: WebSocket = WebSocket(scope, receive=receive, send=send)

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            await func(session)

        await wrap_app_handling_exceptions(serve, session)(scope, receive, send)

    return app


def _is_function(endpoint: Any) -> bool:
    """Whether an endpoint is called with the connection; classes and objects are ASGI applications."""
    while isinstance(endpoint, functools.partial):
        endpoint = endpoint.func
    return inspect.isfunction(endpoint) or inspect.ismethod(endpoint)


class BaseRoute:
    """What a router holds."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Say whether a request belongs here, and what is to be added to its scope."""
        raise NotImplementedError

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Build the path of the route of this name. Raises `NoMatchFound`."""
        raise NotImplementedError

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request that has matched."""
        raise NotImplementedError

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve as an application of one route."""
        match, added = self.matches(scope)
        if match is not Match.NONE:
            scope.update(added)
            await self.handle(scope, receive, send)
        elif scope["type"] == "http":
            await PlainTextResponse("Not Found", status_code=404)(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)


class _PathRoute(Compiled, BaseRoute):
    """What the routes of an exact path have in common."""

    path: str
    endpoint: Callable[..., Any]
    name: str
    app: ASGIApp
    _protocol: Literal["http", "websocket"]

    def _matched(self, scope: Scope) -> dict[str, Any] | None:
        """What a match of the path adds to the scope."""
        if scope["type"] != self._protocol:
            return None
        params = matched_params(self.path_regex, self.param_convertors, get_route_path(scope))
        if params is None:
            return None
        return {"endpoint": self.endpoint, "path_params": {**scope.get("path_params", {}), **params}}

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Build the path, when the name is this route's and the parameters are exactly its own."""
        if name != self.name or path_params.keys() != self.param_convertors.keys():
            raise NoMatchFound(name, path_params)
        path, rest = replace_params(self.path_format, self.param_convertors, path_params)
        assert not rest
        return URLPath(path=path, protocol=self._protocol)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request that has matched."""
        await self.app(scope, receive, send)


class Route(_PathRoute):
    """A path and methods, and the function or ASGI application for them.

    Args:
        endpoint: `func(request) -> response`, async or not; or an ASGI application, as a class (`HTTPEndpoint`) or
            an object, which then sees every method unless `methods` says which.
        middleware: around this route only.
        max_body_size: in bytes, else the limit of the application.
    """

    _protocol = "http"

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        methods: Collection[str] | None = None,
        name: str | None = None,
        include_in_schema: bool = True,
        middleware: Sequence[Middleware] | None = None,
        max_body_size: int | None = None,
    ) -> None:
        assert path.startswith("/"), "Routed paths must start with '/'"
        self.path = path
        self.endpoint = endpoint
        self.name = get_name(endpoint) if name is None else name
        self.include_in_schema = include_in_schema
        if _is_function(endpoint):
            self.app = request_response(endpoint)
            methods = ["GET"] if methods is None else methods
        else:
            self.app = endpoint
        self.app = wrap(self.app, middleware)
        if max_body_size is not None:
            self.app = RequestBodyLimitMiddleware(self.app, max_body_size=max_body_size)
        self.methods: set[str] | None = None
        if methods is not None:
            self.methods = {method.upper() for method in methods}
            if "GET" in self.methods:
                self.methods.add("HEAD")
        self._compile()

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Say whether path and method are this route's."""
        added = self._matched(scope)
        if added is None:
            return Match.NONE, {}
        return (Match.PARTIAL if self._refuses(scope) else Match.FULL), added

    def _refuses(self, scope: Scope) -> bool:
        return bool(self.methods) and scope["method"] not in (self.methods or ())

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request whose path has matched; another method is answered with 405."""
        if not self._refuses(scope):
            await self.app(scope, receive, send)
            return
        headers = {"Allow": ", ".join(self.methods or ())}
        # Inside an application its exception handlers answer.
        if "app" in scope:
            raise HTTPException(status_code=405, headers=headers)
        await PlainTextResponse("Method Not Allowed", status_code=405, headers=headers)(scope, receive, send)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Route)
            and self.path == other.path
            and self.endpoint == other.endpoint
            and self.methods == other.methods
        )

    def __repr__(self) -> str:
        methods = sorted(self.methods or ())
        return f"{type(self).__name__}(path={self.path!r}, name={self.name!r}, methods={methods!r})"


class WebSocketRoute(_PathRoute):
    """A path, and the function or ASGI application for WebSockets on it."""

    _protocol = "websocket"

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        name: str | None = None,
        middleware: Sequence[Middleware] | None = None,
    ) -> None:
        assert path.startswith("/"), "Routed paths must start with '/'"
        self.path = path
        self.endpoint = endpoint
        self.name = get_name(endpoint) if name is None else name
        self.app = wrap(websocket_session(endpoint) if _is_function(endpoint) else endpoint, middleware)
        self._compile()

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Say whether the path is this route's."""
        added = self._matched(scope)
        return (Match.NONE, {}) if added is None else (Match.FULL, added)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WebSocketRoute) and self.path == other.path and self.endpoint == other.endpoint

    def __repr__(self) -> str:
        return f"{type(self).__name__}(path={self.path!r}, name={self.name!r})"
