"""Routing, under upstream's module name: `_route`, `_mount` and `_router` say how it works."""

from fenrir.starlette._lifespan import no_lifespan
from fenrir.starlette._mount import Host, Mount
from fenrir.starlette._paths import (
    PARAM_FORMAT_REGEX,
    PARAM_REGEX,
    compile_path,
    get_name,
    replace_params,
)
from fenrir.starlette._route import (
    BaseRoute,
    Match,
    NoMatchFound,
    Route,
    WebSocketRoute,
    request_response,
    websocket_session,
)
from fenrir.starlette._route_list import RouteList
from fenrir.starlette._router import Router
from fenrir.starlette._utils import get_route_path, is_async_callable

__all__ = [
    "PARAM_FORMAT_REGEX",
    "PARAM_REGEX",
    "BaseRoute",
    "Host",
    "Match",
    "Mount",
    "NoMatchFound",
    "Route",
    "RouteList",
    "Router",
    "WebSocketRoute",
    "compile_path",
    "get_name",
    "get_route_path",
    "is_async_callable",
    "no_lifespan",
    "replace_params",
    "request_response",
    "websocket_session",
]
