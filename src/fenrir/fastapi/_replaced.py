"""What integrations replace on the toolkit's classes at run time (tracing, error reporting).

The engine calls none of these methods. When one of them is not ours any more, requests take upstream's way, on which
all of them are called.
"""

from __future__ import annotations

from fenrir.fastapi.api_route import APIRoute, APIWebSocketRoute
from fenrir.starlette.applications import Starlette
from fenrir.starlette.middleware.errors import ServerErrorMiddleware
from fenrir.starlette.middleware.exceptions import ExceptionMiddleware
from fenrir.starlette.routing import Mount, Route, Router, WebSocketRoute

__all__ = ["replaced"]

_METHODS: tuple[tuple[type, tuple[str, ...]], ...] = (
    (Starlette, ("__call__", "build_middleware_stack")),
    (ServerErrorMiddleware, ("__init__", "__call__")),
    (ExceptionMiddleware, ("__init__", "__call__")),
    (Router, ("__call__", "app")),
    (Route, ("matches", "handle")),
    (WebSocketRoute, ("matches", "handle")),
    (Mount, ("matches", "handle")),
    (APIRoute, ("matches", "handle")),
    (APIWebSocketRoute, ("matches", "handle")),
)
_ORIGINALS = [(cls, name, getattr(cls, name)) for cls, names in _METHODS for name in names]


def replaced() -> str:
    """Return a method that is not ours any more, "" when all of them are."""
    return next((f"{cls.__name__}.{name}" for cls, name, ours in _ORIGINALS if getattr(cls, name) is not ours), "")
