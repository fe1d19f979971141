"""What a router puts around its own routes: functions of middleware, and error handlers that come before outer ones.

Upstream has both on applications only. They stand around the handler of a route, so they see the request after the
match and the exceptions of dependencies and handlers, not those of validation in another router.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from fenrir.core.declare import DeclarationError, caller
from fenrir.core.errors import StatusError, status_of
from fenrir.fastapi._dialect import DIALECT
from fenrir.fastapi.requests import Request
from fenrir.fastapi.responses import Response
from fenrir.starlette._calls import is_async_callable
from fenrir.starlette.concurrency import run_in_threadpool

__all__ = ["Surroundings", "surrounded"]

F = TypeVar("F", bound=Callable[..., Any])
Handles = Callable[[Request], Coroutine[Any, Any, Response]]


class Surroundings:
    """The methods of a router for what stands around its routes."""

    def __init__(self) -> None:
        self.route_middleware: list[Callable[..., Awaitable[Response]]] = []
        self.route_exception_handlers: dict[Any, Callable[..., Any]] = {}

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


def surrounded(handle: Handles, routers: Sequence[Surroundings]) -> Handles:
    """Return a handler inside what routers put around it, the first router outermost."""
    for router in reversed(routers):
        if router.route_exception_handlers:
            handle = _caught(handle, router.route_exception_handlers)
        for function in reversed(router.route_middleware):
            handle = _wrapped(handle, function)
    return handle


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
    if isinstance(exc, StatusError) and (handler := handlers.get(status_of(exc))) is not None:
        return handler
    return next((handlers[kind] for kind in type(exc).__mro__ if kind in handlers), None)
