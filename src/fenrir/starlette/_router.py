"""The router: the first route that matches serves the request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Any

from fenrir.starlette._lifespan import as_lifespan, serve_lifespan
from fenrir.starlette._mount import Host, Mount
from fenrir.starlette._paths import get_route_path
from fenrir.starlette._route import BaseRoute, Match, NoMatchFound, Route, WebSocketRoute
from fenrir.starlette._route_list import RouteList
from fenrir.starlette.datastructures import URL, URLPath
from fenrir.starlette.exceptions import HTTPException
from fenrir.starlette.middleware import Middleware, wrap
from fenrir.starlette.middleware.body_limit import RequestBodyLimitMiddleware
from fenrir.starlette.requests import Request
from fenrir.starlette.responses import PlainTextResponse, RedirectResponse, Response
from fenrir.starlette.types import ASGIApp, Lifespan, Receive, Scope, Send
from fenrir.starlette.websockets import WebSocket, WebSocketClose

__all__ = ["Router"]


class Router:
    """An ASGI application of routes.

    Args:
        redirect_slashes: answer a path that only lacks or has a slash at its end with a redirect.
        default: serves what no route matches, instead of a 404.
        lifespan: a function from the application to an async context manager, which may give a state.
        middleware: around this router.
        max_body_size: in bytes, for requests that this router serves.
    """

    def __init__(
        self,
        routes: Sequence[BaseRoute] | None = None,
        redirect_slashes: bool = True,
        default: ASGIApp | None = None,
        lifespan: Lifespan[Any] | None = None,
        *,
        middleware: Sequence[Middleware] | None = None,
        max_body_size: int | None = None,
    ) -> None:
        self._routes = RouteList(routes or ())
        self.redirect_slashes = redirect_slashes
        self.default: ASGIApp = self.not_found if default is None else default
        self.lifespan_context: Lifespan[Any] = as_lifespan(lifespan, self)
        self.middleware_stack: ASGIApp = wrap(self.app, middleware)
        if max_body_size is not None:
            self.middleware_stack = RequestBodyLimitMiddleware(self.middleware_stack, max_body_size=max_body_size)

    @property
    def routes(self) -> list[BaseRoute]:
        """The routes, in the order in which they are tried; may be changed in any way."""
        return self._routes

    @routes.setter
    def routes(self, routes: Iterable[BaseRoute]) -> None:
        self._routes = RouteList(routes, self._routes.watchers)
        self._routes.changed()

    def watch_routes(self, watcher: Callable[[], None]) -> None:
        """Have `watcher` called whenever the routes have changed."""
        self._routes.watch(watcher)

    async def not_found(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what no route matches."""
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
        elif "app" in scope:
            # Inside an application its exception handlers answer.
            raise HTTPException(status_code=404)
        else:
            await PlainTextResponse("Not Found", status_code=404)(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Build the path of the first route of this name and these parameters. Raises `NoMatchFound`."""
        for route in self.routes:
            try:
                return route.url_path_for(name, **path_params)
            except NoMatchFound:
                continue
        raise NoMatchFound(name, path_params)

    async def lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a lifespan scope."""
        await serve_lifespan(self.lifespan_context, scope, receive, send)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.middleware_stack(scope, receive, send)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a scope, inside this router's middleware."""
        assert scope["type"] in ("http", "websocket", "lifespan")
        scope.setdefault("router", self)
        if scope["type"] == "lifespan":
            await self.lifespan(scope, receive, send)
            return
        partial: tuple[BaseRoute, Scope] | None = None
        for route in self.routes:
            match, added = route.matches(scope)
            if match is Match.FULL:
                partial = route, added
                break
            if match is Match.PARTIAL and partial is None:
                partial = route, added  # answers with 405, unless another route takes the method
        if partial is not None:
            scope["route"] = partial[0]
            scope.update(partial[1])
            await partial[0].handle(scope, receive, send)
        elif scope["type"] == "http" and self.redirect_slashes and (url := self._other_slash(scope)) is not None:
            await RedirectResponse(url=url)(scope, receive, send)
        else:
            await self.default(scope, receive, send)

    def _other_slash(self, scope: Scope) -> str | None:
        """The location of the same resource with, or without, a slash at its end, when there is such a route.

        It is relative where it could lose the scheme: a proxy may have ended TLS before plain HTTP.
        """
        path = get_route_path(scope)
        if path == "/":
            return None
        other = {**scope, "path": scope["path"].rstrip("/") if path.endswith("/") else scope["path"] + "/"}
        if all(route.matches(other)[0] is Match.NONE for route in self.routes):
            return None
        url = URL(scope=other)
        # SECURITY: `//name/` alone would be a location on another host.
        if url.scheme == "https" or url.path.startswith("//"):
            return str(url)
        return str(url.replace(scheme="", netloc=""))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Router) and self.routes == other.routes

    def mount(self, path: str, app: ASGIApp, name: str | None = None) -> None:
        """Serve an application below a path."""
        self.routes.append(Mount(path, app=app, name=name))

    def host(self, host: str, app: ASGIApp, name: str | None = None) -> None:
        """Serve an application under a host name."""
        self.routes.append(Host(host, app=app, name=name))

    def add_route(
        self,
        path: str,
        endpoint: Callable[[Request], Awaitable[Response] | Response],
        methods: Collection[str] | None = None,
        name: str | None = None,
        include_in_schema: bool = True,
    ) -> None:
        """Append a route."""
        self.routes.append(
            Route(path, endpoint=endpoint, methods=methods, name=name, include_in_schema=include_in_schema)
        )

    def add_websocket_route(
        self, path: str, endpoint: Callable[[WebSocket], Awaitable[None]], name: str | None = None
    ) -> None:
        """Append a route for WebSockets."""
        self.routes.append(WebSocketRoute(path, endpoint=endpoint, name=name))
