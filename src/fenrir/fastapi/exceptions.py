"""The exceptions of this dialect.

`StarletteHTTPException` is the class of the router's own 404 and 405, and the base of the `HTTPException` that
applications raise: a handler for the latter does not see an unknown path, as upstream.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fenrir.core.declare import DeclarationError
from fenrir.core.errors import StatusError
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
from fenrir.kit.validation.parameters import ParameterDeprecationWarning as FastAPIDeprecationWarning

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


class StarletteHTTPException(StatusError):
    """An exception that is an HTTP answer.

    Attributes:
        status_code: the status.
        detail: any JSON value; the phrase of the status by default.
        headers: headers of the answer.
    """

    def __init__(self, status_code: int, detail: Any = None, headers: Mapping[str, str] | None = None) -> None:
        if detail is None:
            detail = HTTPStatus(status_code).phrase if status_code in _PHRASES else ""
        self.status_code = status_code
        self.detail = detail
        self.headers = headers
        super().__init__(status_code, detail)

    @property
    def http_status(self) -> int:  # type: ignore[override]
        """The status, for other dialects."""
        return self.status_code

    @property
    def http_detail(self) -> Any:
        """The detail, for other dialects."""
        return self.detail

    @property
    def http_headers(self) -> Sequence[tuple[str, str]]:  # type: ignore[override]
        """The headers, for other dialects."""
        return tuple(self.headers.items()) if self.headers else ()

    def __str__(self) -> str:
        return f"{self.status_code}: {self.detail}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(status_code={self.status_code!r}, detail={self.detail!r})"


_PHRASES = frozenset(int(status) for status in HTTPStatus)


class HTTPException(StarletteHTTPException):
    """What applications raise to answer with a status."""


class WebSocketException(ChannelError):
    """What applications raise to close a WebSocket.

    Attributes:
        code: of RFC 6455 §7.4.
        reason: for the peer, at most 123 bytes.
    """

    def __init__(self, code: int, reason: str | None = None) -> None:
        super().__init__(code, reason or "")

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}"


class WebSocketRequestValidationError(ValidationException, ChannelError):
    """Parameters of a WebSocket route are invalid: it is closed with 1008."""

    def __init__(self, errors: Sequence[Any], *, body: Any = None, endpoint_ctx: EndpointContext | None = None) -> None:
        super().__init__(errors, endpoint_ctx=endpoint_ctx)
        self.code = 1008
        self.reason = ""
