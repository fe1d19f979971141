"""The methods that declare routes, one for each verb; routers, applications and doors have them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, Unpack

from fenrir.fastapi.options import AnyRouteOptions, RouteOptions, check_options

__all__ = ["Verbs"]

F = TypeVar("F", bound=Callable[..., Any])


class Verbs:
    """Decorators over `add_api_route` and `add_api_websocket_route`; options are those of `RouteOptions`."""

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Declare a handler for `methods` (GET by default), without decorating it."""
        raise NotImplementedError

    def add_api_websocket_route(
        self,
        path: str,
        endpoint: Callable[..., Any],
        name: str | None = None,
        *,
        dependencies: Sequence[Any] | None = None,
    ) -> None:
        """Declare a handler of WebSocket connections, without decorating it."""
        raise NotImplementedError

    def api_route(self, path: str, **options: Unpack[AnyRouteOptions]) -> Callable[[F], F]:
        """Declare a handler for `methods` (GET by default)."""
        check_options("a route", options, AnyRouteOptions)

        def register(handler: F) -> F:
            self.add_api_route(path, handler, **options)
            return handler

        return register

    def get(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Declare a handler for GET."""
        return self.api_route(path, **options, methods=["GET"])

    def put(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Declare a handler for PUT."""
        return self.api_route(path, **options, methods=["PUT"])

    def post(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Declare a handler for POST."""
        return self.api_route(path, **options, methods=["POST"])

    def delete(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Declare a handler for DELETE."""
        return self.api_route(path, **options, methods=["DELETE"])

    def options(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Declare a handler for OPTIONS."""
        return self.api_route(path, **options, methods=["OPTIONS"])

    def head(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Declare a handler for HEAD."""
        return self.api_route(path, **options, methods=["HEAD"])

    def patch(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Declare a handler for PATCH."""
        return self.api_route(path, **options, methods=["PATCH"])

    def trace(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[F], F]:
        """Declare a handler for TRACE."""
        return self.api_route(path, **options, methods=["TRACE"])

    def websocket(
        self, path: str, name: str | None = None, *, dependencies: Sequence[Any] | None = None
    ) -> Callable[[F], F]:
        """Declare a handler of WebSocket connections."""

        def register(handler: F) -> F:
            self.add_api_websocket_route(path, handler, name=name, dependencies=dependencies)
            return handler

        return register
