"""The application: a router inside exception handlers inside middleware."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from fenrir.starlette.datastructures import State, URLPath
from fenrir.starlette.middleware import Middleware, _MiddlewareFactory, wrap
from fenrir.starlette.middleware.body_limit import RequestBodyLimitMiddleware
from fenrir.starlette.middleware.errors import ServerErrorMiddleware
from fenrir.starlette.middleware.exceptions import ExceptionMiddleware
from fenrir.starlette.requests import Request
from fenrir.starlette.responses import Response
from fenrir.starlette.routing import BaseRoute, Router
from fenrir.starlette.types import ASGIApp, ExceptionHandler, Lifespan, Receive, Scope, Send

__all__ = ["Starlette"]

AppType = TypeVar("AppType", bound="Starlette")
P = ParamSpec("P")


class Starlette:
    """An ASGI application.

    From the outside in: `ServerErrorMiddleware`, which answers what nobody handles and raises it again; the limit of
    request bodies; the middleware of the user, in order; `ExceptionMiddleware` with the handlers; the router.

    Args:
        debug: answer an unhandled exception with its traceback.
        exception_handlers: by status or class of exception; the one for 500 or `Exception` is told of what is
            unhandled.
        lifespan: a function from the application to an async context manager.
        max_body_size: in bytes; None does not limit.
    """

    def __init__(
        self: AppType,
        debug: bool = False,
        routes: Sequence[BaseRoute] | None = None,
        middleware: Sequence[Middleware] | None = None,
        exception_handlers: Mapping[Any, ExceptionHandler] | None = None,
        lifespan: Lifespan[AppType] | None = None,
        *,
        max_body_size: int | None = None,
    ) -> None:
        self.debug = debug
        self.state = State()
        self.router = Router(routes, lifespan=lifespan)
        self.max_body_size = max_body_size
        self.exception_handlers: dict[Any, ExceptionHandler] = dict(exception_handlers or {})
        self.user_middleware: list[Middleware] = list(middleware or ())
        self.middleware_stack: ASGIApp | None = None

    def build_middleware_stack(self) -> ASGIApp:
        """Return the router inside all middleware."""
        handlers = self.exception_handlers
        last_resort = None
        for key, handler in handlers.items():
            if key in (500, Exception):
                last_resort = handler
        others = {key: handler for key, handler in handlers.items() if key not in (500, Exception)}
        stack = [Middleware(ServerErrorMiddleware, handler=last_resort, debug=self.debug)]
        if self.max_body_size is not None:
            stack.append(Middleware(RequestBodyLimitMiddleware, max_body_size=self.max_body_size))
        stack += self.user_middleware
        stack.append(Middleware(ExceptionMiddleware, handlers=others, debug=self.debug))
        return wrap(self.router, stack)

    @property
    def routes(self) -> list[BaseRoute]:
        """The router's routes."""
        return self.router.routes

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Build the path of the route of this name. Raises `NoMatchFound`."""
        return self.router.url_path_for(name, **path_params)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        await self.middleware_stack(scope, receive, send)

    def mount(self, path: str, app: ASGIApp, name: str | None = None) -> None:
        """Serve an application below a path."""
        self.router.mount(path, app=app, name=name)

    def host(self, host: str, app: ASGIApp, name: str | None = None) -> None:
        """Serve an application under a host name."""
        self.router.host(host, app=app, name=name)

    def add_middleware(self, middleware_class: _MiddlewareFactory[P], *args: P.args, **kwargs: P.kwargs) -> None:
        """Put a middleware around what is there. Raises `RuntimeError` after the first request."""
        if self.middleware_stack is not None:
            raise RuntimeError("Cannot add middleware after an application has started")
        self.user_middleware.insert(0, Middleware(middleware_class, *args, **kwargs))

    def add_exception_handler(self, exc_class_or_status_code: int | type[Exception], handler: ExceptionHandler) -> None:
        """Have exceptions of a class, or HTTP exceptions of a status, answered by `handler(request, exc)`."""
        self.exception_handlers[exc_class_or_status_code] = handler

    def add_route(
        self,
        path: str,
        route: Callable[[Request], Awaitable[Response] | Response],
        methods: list[str] | None = None,
        name: str | None = None,
        include_in_schema: bool = True,
    ) -> None:
        """Append a route."""
        self.router.add_route(path, route, methods=methods, name=name, include_in_schema=include_in_schema)
