"""Routers, and what they have in common with the application: one method for each kind of declaration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, Unpack

from fenrir.core.declare import DeclarationError, caller
from fenrir.fastapi.options import AnyRouteOptions, IncludeOptions, RouteOptions, check_options
from fenrir.fastapi.place import Declared, Inclusion, Place
from fenrir.fastapi.sse import _PING_INTERVAL as _PING_INTERVAL

__all__ = ["APIRouter", "Registrar"]

F = TypeVar("F", bound=Callable[..., Any])


class Registrar:
    """The methods that declare routes; subclasses say what becomes of a declaration."""

    def _take(self, item: Declared | Inclusion) -> None:
        raise NotImplementedError

    def api_route(self, path: str, **options: Unpack[AnyRouteOptions]) -> Callable[[F], F]:
        """Declare a handler for `methods` (GET by default)."""
        check_options("api_route", options, AnyRouteOptions)
        methods = options.pop("methods", None) or ["GET"]
        return self._declare(path, methods, options)

    def _declare(self, path: str, methods: Sequence[str], options: RouteOptions) -> Callable[[F], F]:
        check_options("a route", options, RouteOptions)
        source = caller()

        def register(handler: F) -> F:
            if not callable(handler):
                raise DeclarationError(f"a handler must be callable, not {type(handler).__name__}", source)
            self._take(Declared(path, handler, frozenset(map(str.upper, methods)), options, source))
            return handler

        return register

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Unpack[AnyRouteOptions]) -> None:
        """Declare a handler, without decorating it."""
        self.api_route(path, **options)(endpoint)

    def get(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Declare a handler for GET."""
        return self._declare(path, ["GET"], options)

    def put(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Declare a handler for PUT."""
        return self._declare(path, ["PUT"], options)

    def post(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Declare a handler for POST."""
        return self._declare(path, ["POST"], options)

    def delete(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Declare a handler for DELETE."""
        return self._declare(path, ["DELETE"], options)

    def options(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Declare a handler for OPTIONS."""
        return self._declare(path, ["OPTIONS"], options)

    def head(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Declare a handler for HEAD."""
        return self._declare(path, ["HEAD"], options)

    def patch(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Declare a handler for PATCH."""
        return self._declare(path, ["PATCH"], options)

    def trace(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Declare a handler for TRACE."""
        return self._declare(path, ["TRACE"], options)

    def websocket(
        self, path: str, name: str | None = None, *, dependencies: Sequence[Any] | None = None
    ) -> Callable[[F], F]:
        """Declare a handler for WebSocket connections."""
        source = caller()

        def register(handler: F) -> F:
            self._take(Declared(path, handler, None, {"name": name, "dependencies": dependencies}, source))
            return handler

        return register

    def add_api_websocket_route(
        self,
        path: str,
        endpoint: Callable[..., Any],
        name: str | None = None,
        *,
        dependencies: Sequence[Any] | None = None,
    ) -> None:
        """Declare a handler for WebSocket connections, without decorating it."""
        self.websocket(path, name, dependencies=dependencies)(endpoint)

    def include_router(self, router: APIRouter, **options: Unpack[IncludeOptions]) -> None:
        """Take over all routes of a router, those too that it gets later.

        Raises:
            DeclarationError: the router contains this one, or the prefix is malformed.
        """
        check_options("include_router", options, IncludeOptions)
        source = caller()
        if not isinstance(router, APIRouter):
            raise DeclarationError(f"include_router() takes an APIRouter, not {type(router).__name__}", source)
        if router is self or (isinstance(self, APIRouter) and router.contains(self)):
            raise DeclarationError("a router can not include itself", source)
        _check_prefix(options.get("prefix") or "", source)
        self._take(Inclusion(router, options, source))


def _check_prefix(prefix: str, source: Any) -> None:
    if prefix and not prefix.startswith("/"):
        raise DeclarationError("A path prefix must start with '/'", source)
    if prefix.endswith("/"):
        raise DeclarationError("A path prefix must not end with '/', as the routes will start with '/'", source)


class APIRouter(Registrar):
    """A group of routes, to be included in an application or in another router.

    Attributes:
        prefix: before every path.
        options_given: what was given to the constructor.
    """

    def __init__(self, **options: Unpack[IncludeOptions]) -> None:
        check_options("APIRouter", options, IncludeOptions)
        self.prefix = options.get("prefix") or ""
        _check_prefix(self.prefix, caller())
        self.options_given: IncludeOptions = options
        self._items: list[Declared | Inclusion] = []
        self._places: list[Place] = []

    def _take(self, item: Declared | Inclusion) -> None:
        self._items.append(item)
        for place in self._places:
            place.take(item)

    def settle(self, place: Place) -> None:
        """Give everything that was declared here to a place, and everything that will be."""
        self._places.append(place)
        for item in self._items:
            place.take(item)

    def contains(self, other: object) -> bool:
        """Say whether another router is included here, at any depth."""
        return any(
            item.router is other or item.router.contains(other) for item in self._items if isinstance(item, Inclusion)
        )
