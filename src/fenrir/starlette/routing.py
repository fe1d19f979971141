"""Routing, under upstream's module name: `_route`, `_mount` and `_router` say how it works.

What upstream's module imports can be imported from here too, as its users do.
"""

from fenrir.starlette._calls import is_async_callable
from fenrir.starlette._exception_handler import wrap_app_handling_exceptions as wrap_app_handling_exceptions
from fenrir.starlette._lifespan import DefaultLifespan as _DefaultLifespan
from fenrir.starlette._mount import Host, Mount
from fenrir.starlette._paths import (
    PARAM_FORMAT_REGEX,
    PARAM_REGEX,
    compile_path,
    get_name,
    get_route_path,
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
from fenrir.starlette._url import parse_host_header as parse_host_header
from fenrir.starlette.concurrency import run_in_threadpool as run_in_threadpool
from fenrir.starlette.convertors import CONVERTOR_TYPES as CONVERTOR_TYPES
from fenrir.starlette.convertors import Convertor as Convertor
from fenrir.starlette.datastructures import URL as URL
from fenrir.starlette.datastructures import Headers as Headers
from fenrir.starlette.datastructures import URLPath as URLPath
from fenrir.starlette.exceptions import HTTPException as HTTPException
from fenrir.starlette.middleware import Middleware as Middleware
from fenrir.starlette.requests import Request as Request
from fenrir.starlette.responses import PlainTextResponse as PlainTextResponse
from fenrir.starlette.responses import RedirectResponse as RedirectResponse
from fenrir.starlette.responses import Response as Response
from fenrir.starlette.websockets import WebSocket as WebSocket
from fenrir.starlette.websockets import WebSocketClose as WebSocketClose

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
    "_DefaultLifespan",
    "compile_path",
    "get_name",
    "get_route_path",
    "is_async_callable",
    "replace_params",
    "request_response",
    "websocket_session",
]
