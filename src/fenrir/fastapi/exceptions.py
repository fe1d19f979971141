"""The exceptions of this dialect.

`StarletteHTTPException` is the class of the router's own 404 and 405, and the base of the `HTTPException` that
applications raise: a handler for the latter does not see an unknown path, as upstream.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fenrir.core.declare import DeclarationError
from fenrir.core.websocket import ChannelError
from fenrir.kit.validation.errors import (
    DependencyScopeError,
    EndpointContext,
    FastAPIError,
    PydanticV1NotSupportedError,
    RequestValidationError,
    ResponseValidationError,
    ValidationException,
)
from fenrir.kit.validation.parameters import FastAPIDeprecationWarning
from fenrir.starlette.exceptions import HTTPException as StarletteHTTPException
from fenrir.starlette.exceptions import WebSocketException as StarletteWebSocketException

__all__ = [
    "DeclarationError",
    "DependencyScopeError",
    "EndpointContext",
    "FastAPIDeprecationWarning",
    "FastAPIError",
    "HTTPException",
    "PydanticV1NotSupportedError",
    "RequestValidationError",
    "ResponseValidationError",
    "StarletteHTTPException",
    "ValidationException",
    "WebSocketException",
    "WebSocketRequestValidationError",
]


class HTTPException(StarletteHTTPException):
    """What applications raise to answer with a status."""


class WebSocketException(StarletteWebSocketException):
    """What applications raise to close a WebSocket."""


class WebSocketRequestValidationError(ValidationException, ChannelError):
    """Parameters of a WebSocket route are invalid: it is closed with 1008."""

    def __init__(self, errors: Sequence[Any], *, body: Any = None, endpoint_ctx: EndpointContext | None = None) -> None:
        super().__init__(errors, endpoint_ctx=endpoint_ctx)
        self.code = 1008
        self.reason = ""
