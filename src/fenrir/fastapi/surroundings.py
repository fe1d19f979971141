"""What a router puts around its routes and a route around itself: middleware, and error handlers before outer ones.

Upstream has both on applications only. They stand around the handler of a route, so they see the request after the
match and the exceptions of dependencies and handlers, not those of validation in another router. At one level error
handlers are inside of middleware; what none of them takes goes through the middleware as an exception.

Middleware is a function `async (request, call_next) -> response`. A class can be one when it needs no ASGI: one over
`BaseHTTPMiddleware`, and those of the toolkit that have another form (`fenrir.starlette.middleware._hook`).
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from fenrir.core.context import RequestContext
from fenrir.core.declare import DeclarationError, Source, caller
from fenrir.core.errors import StatusError, status_of
from fenrir.core.hooks import fail
from fenrir.core.reply import Reply
from fenrir.fastapi._dialect import DIALECT
from fenrir.fastapi._request_exchange import detached
from fenrir.fastapi.requests import Request
from fenrir.fastapi.responses import Response, StreamingResponse
from fenrir.starlette._calls import is_async_callable
from fenrir.starlette._exchange import SCOPE
from fenrir.starlette.concurrency import run_in_threadpool
from fenrir.starlette.middleware import Middleware
from fenrir.starlette.middleware._hook import has_hook, nothing_inside, wrap_hook_of
from fenrir.starlette.middleware.base import BaseHTTPMiddleware

__all__ = ["Surroundings", "can_hook", "checked_handlers", "checked_middleware", "failed_inside", "surrounded"]

F = TypeVar("F", bound=Callable[..., Any])
Handles = Callable[[Request], Coroutine[Any, Any, Response]]


class Surroundings:
    """What stands around routes, and the methods of a router for it.

    Raises:
        DeclarationError: something of it can not stand around a route.
    """

    def __init__(
        self,
        middleware: Iterable[Any] | None = None,
        exception_handlers: Mapping[Any, Callable[..., Any]] | None = None,
        source: Source | None = None,
    ) -> None:
        self.route_middleware: list[Callable[..., Awaitable[Response]]] = [
            _function_of(entry) for entry in checked_middleware(middleware or (), source)
        ]
        self.route_exception_handlers = checked_handlers(exception_handlers or {}, source)

    def middleware(self, middleware_type: str) -> Callable[[F], F]:
        """Register `async (request, call_next) -> response` around the routes of this router; the type is "http".

        The first one registered is the outermost, and those of an outer router are outside.
        """
        if middleware_type != "http":
            raise DeclarationError(f"middleware({middleware_type!r}): only 'http' is known here", caller())

        def register(function: F) -> F:
            self.route_middleware.append(function)
            self._mark_routes_changed()
            return function

        return register

    def exception_handler(self, exc_class_or_status_code: int | type[Exception]) -> Callable[[F], F]:
        """Register `(request, exception) -> response` for what the routes of this router raise."""

        def register(function: F) -> F:
            self.add_exception_handler(exc_class_or_status_code, function)
            return function

        return register

    def add_exception_handler(self, exc_class_or_status_code: int | type[Exception], handler: Any) -> None:
        """Do as `exception_handler`, without decorating."""
        self.route_exception_handlers[exc_class_or_status_code] = handler
        self._mark_routes_changed()

    @property
    def surrounds(self) -> bool:
        """There is something around the routes."""
        return bool(self.route_middleware or self.route_exception_handlers)

    @property
    def state_of_surroundings(self) -> tuple[int, int]:
        """Changes whenever something is added."""
        return len(self.route_middleware), len(self.route_exception_handlers)

    def _mark_routes_changed(self) -> None:
        raise NotImplementedError


def checked_middleware(entries: Iterable[Any], source: Source | None) -> list[Any]:
    """Return the middleware of a route.

    Raises:
        DeclarationError: one of it is nothing that can stand around a route.
    """
    checked = list(entries)
    for entry in checked:
        if isinstance(entry, Middleware):
            if not can_hook(entry):
                name = getattr(entry.cls, "__name__", entry.cls)
                raise DeclarationError(
                    f"{name} is ASGI middleware, which stands around whole applications: put it around this one with "
                    "add_middleware(), or around one that is mounted at the path of the route",
                    source,
                )
        elif inspect.isclass(entry):
            raise DeclarationError(f"middleware={entry.__name__}: write Middleware({entry.__name__}, ...)", source)
        elif not callable(entry):
            raise DeclarationError(
                f"middleware of a route is `async (request, call_next) -> response`, or Middleware(...), not {entry!r}",
                source,
            )
    return checked


def checked_handlers(
    handlers: Mapping[Any, Callable[..., Any]], source: Source | None
) -> dict[Any, Callable[..., Any]]:
    """Return the error handlers of a route.

    Raises:
        DeclarationError: one of them is for no exception and no status, or can not be called.
    """
    for key, handler in handlers.items():
        if not (isinstance(key, int) or (isinstance(key, type) and issubclass(key, Exception))):
            raise DeclarationError(f"exception_handlers: {key!r} is neither an exception class nor a status", source)
        if not callable(handler):
            raise DeclarationError(f"exception_handlers: {handler!r} can not be called", source)
    return dict(handlers)


def can_hook(entry: Middleware) -> bool:
    """Say whether a middleware can be a hook, which needs no ASGI."""
    cls: Any = entry.cls
    if isinstance(cls, type) and issubclass(cls, BaseHTTPMiddleware):
        return cls.__call__ is BaseHTTPMiddleware.__call__
    return has_hook(cls)


def _function_of(entry: Any) -> Callable[..., Awaitable[Response]]:
    if not isinstance(entry, Middleware):
        function: Callable[..., Awaitable[Response]] = entry
        return function
    cls: Any = entry.cls
    if issubclass(cls, BaseHTTPMiddleware):
        dispatch: Callable[..., Awaitable[Response]] = cls(nothing_inside, *entry.args, **entry.kwargs).dispatch_func
        return dispatch
    hook = wrap_hook_of(entry)
    assert hook is not None

    async def call(request: Request, call_next: Handles) -> Response:
        async def following() -> Reply:
            return (await call_next(request)).__reply__()

        c: RequestContext | None = getattr(request, "_c", None)
        if c is None:
            c = detached(request)
            c.note(SCOPE, lambda _: request.scope)
        return StreamingResponse.of_answer(await hook(c, following))

    return call


def surrounded(handle: Handles, around: Sequence[Surroundings]) -> Handles:
    """Return a handler inside of what is around it, the first one outermost."""
    for level in reversed(around):
        if level.route_exception_handlers:
            handle = _caught(handle, level.route_exception_handlers)
        for function in reversed(level.route_middleware):
            handle = _wrapped(handle, function)
    return handle


def failed_inside(around: Sequence[Surroundings]) -> Callable[[RequestContext, Exception], Awaitable[Reply]]:
    """Return what answers an exception that has ended a request from outside: as if its handler had raised it."""

    async def failed(c: RequestContext, exc: Exception) -> Reply:
        try:
            return (await handled(c.view(DIALECT), exc, around)).__reply__()
        except Exception as other:
            return await fail(c, other)

    return failed


async def handled(request: Request, exc: Exception, around: Sequence[Surroundings]) -> Response:
    """Return the answer of the nearest error handler; raise what none of them takes."""

    async def fails(request: Request) -> Response:
        raise exc

    handle: Handles = fails
    handlers = [level.route_exception_handlers for level in reversed(around)]
    for level in filter(None, handlers):
        handle = _caught(handle, level)
    return await handle(request)


def _wrapped(handle: Handles, function: Callable[..., Awaitable[Response]]) -> Handles:
    async def call(request: Request) -> Response:
        return await function(request, handle)

    return call


def _caught(handle: Handles, handlers: Mapping[Any, Callable[..., Any]]) -> Handles:
    async def call(request: Request) -> Response:
        try:
            return await handle(request)
        except Exception as exc:
            adopted = DIALECT.adopt_error(exc)
            handler = _found(handlers, adopted)
            if handler is None:
                raise
            response: Response = await (
                handler(request, adopted)
                if is_async_callable(handler)
                else run_in_threadpool(handler, request, adopted)
            )
            return response

    return call


def _found(handlers: Mapping[Any, Callable[..., Any]], exc: Exception) -> Callable[..., Any] | None:
    stated = isinstance(exc, StatusError)
    if stated and (handler := handlers.get(status_of(exc))) is not None:
        return handler
    found = next((handlers[kind] for kind in type(exc).__mro__ if kind in handlers), None)
    return handlers.get(500) if found is None and not stated else found
