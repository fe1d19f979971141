"""Error classes: one for each status, some for what goes wrong in a request, and those of the interface itself."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from fenrir.falcon.http_error import HeaderArg, HTTPError, HTTPStatus, code_to_http_status, header_items
from fenrir.http.dates import format_date

__all__ = [
    "CompatibilityError",
    "DelimiterError",
    "HTTPBadGateway",
    "HTTPBadRequest",
    "HTTPConflict",
    "HTTPContentTooLarge",
    "HTTPError",
    "HTTPFailedDependency",
    "HTTPForbidden",
    "HTTPGatewayTimeout",
    "HTTPGone",
    "HTTPInsufficientStorage",
    "HTTPInternalServerError",
    "HTTPInvalidHeader",
    "HTTPInvalidParam",
    "HTTPLengthRequired",
    "HTTPLocked",
    "HTTPLoopDetected",
    "HTTPMethodNotAllowed",
    "HTTPMissingHeader",
    "HTTPMissingParam",
    "HTTPNetworkAuthenticationRequired",
    "HTTPNotAcceptable",
    "HTTPNotFound",
    "HTTPNotImplemented",
    "HTTPPayloadTooLarge",
    "HTTPPreconditionFailed",
    "HTTPPreconditionRequired",
    "HTTPRangeNotSatisfiable",
    "HTTPRequestHeaderFieldsTooLarge",
    "HTTPRouteNotFound",
    "HTTPServiceUnavailable",
    "HTTPStatus",
    "HTTPTooManyRequests",
    "HTTPUnauthorized",
    "HTTPUnavailableForLegalReasons",
    "HTTPUnprocessableEntity",
    "HTTPUnsupportedMediaType",
    "HTTPUriTooLong",
    "HTTPVersionNotSupported",
    "HeaderNotSupported",
    "InvalidMediaRange",
    "InvalidMediaType",
    "MediaMalformedError",
    "MediaNotFoundError",
    "MediaValidationError",
    "MultipartParseError",
    "OperationNotAllowed",
    "PayloadTypeError",
    "UnsupportedError",
    "UnsupportedScopeError",
    "WebSocketDisconnected",
    "WebSocketHandlerNotFound",
    "WebSocketPathNotFound",
    "WebSocketServerError",
]


class HeaderNotSupported(ValueError):
    """A header can not be set or read in this way."""


class CompatibilityError(ValueError):
    """A callable can not be used with this kind of application."""


class InvalidMediaType(ValueError):
    """A media type is malformed."""


class InvalidMediaRange(InvalidMediaType):
    """A range of media types is malformed."""


class UnsupportedScopeError(RuntimeError):
    """An ASGI scope is not served."""


class UnsupportedError(RuntimeError):
    """The server can not do this."""


class OperationNotAllowed(ValueError):
    """The object is not in a state that allows this."""


class DelimiterError(OSError):
    """A delimiter was not found."""


class PayloadTypeError(TypeError):
    """A WebSocket message is of the other type."""


class WebSocketDisconnected(ConnectionError):
    """The client left; `code` says why (RFC 6455 §7.4)."""

    def __init__(self, code: int | None = None) -> None:
        self.code = code or 1000


class WebSocketPathNotFound(WebSocketDisconnected):
    """No route has this path."""


class WebSocketHandlerNotFound(WebSocketDisconnected):
    """The resource has no on_websocket."""


class WebSocketServerError(WebSocketDisconnected):
    """The server failed."""


class _Fixed(HTTPError):
    """An error whose class is its status."""

    def __init__(
        self,
        *,
        title: str | None = None,
        description: str | None = None,
        headers: HeaderArg | None = None,
        **kwargs: Any,
    ) -> None:
        line = code_to_http_status(type(self).http_status)
        super().__init__(line, title=title, description=description, headers=headers, **kwargs)


class _Waiting(_Fixed):
    """An error that says when to come back."""

    def __init__(
        self,
        *,
        title: str | None = None,
        description: str | None = None,
        headers: HeaderArg | None = None,
        retry_after: datetime | int | None = None,
        **kwargs: Any,
    ) -> None:
        if retry_after is not None:
            text = format_date(retry_after) if isinstance(retry_after, datetime) else str(retry_after)
            headers = _with(headers, "Retry-After", text)
        super().__init__(title=title, description=description, headers=headers, **kwargs)


def _with(headers: HeaderArg | None, name: str, value: str) -> dict[str, str]:
    return {**dict(header_items(headers)), name: value}


class HTTPBadRequest(_Fixed):
    """400."""

    http_status = 400


class HTTPForbidden(_Fixed):
    """403."""

    http_status = 403


class HTTPNotFound(_Fixed):
    """404."""

    http_status = 404


class HTTPNotAcceptable(_Fixed):
    """406."""

    http_status = 406


class HTTPConflict(_Fixed):
    """409."""

    http_status = 409


class HTTPGone(_Fixed):
    """410."""

    http_status = 410


class HTTPLengthRequired(_Fixed):
    """411."""

    http_status = 411


class HTTPPreconditionFailed(_Fixed):
    """412."""

    http_status = 412


class HTTPUriTooLong(_Fixed):
    """414."""

    http_status = 414


class HTTPUnsupportedMediaType(_Fixed):
    """415."""

    http_status = 415


class HTTPUnprocessableEntity(_Fixed):
    """422."""

    http_status = 422


class HTTPLocked(_Fixed):
    """423."""

    http_status = 423


class HTTPFailedDependency(_Fixed):
    """424."""

    http_status = 424


class HTTPPreconditionRequired(_Fixed):
    """428."""

    http_status = 428


class HTTPRequestHeaderFieldsTooLarge(_Fixed):
    """431."""

    http_status = 431


class HTTPUnavailableForLegalReasons(_Fixed):
    """451."""

    http_status = 451


class HTTPInternalServerError(_Fixed):
    """500."""

    http_status = 500


class HTTPNotImplemented(_Fixed):
    """501."""

    http_status = 501


class HTTPBadGateway(_Fixed):
    """502."""

    http_status = 502


class HTTPGatewayTimeout(_Fixed):
    """504."""

    http_status = 504


class HTTPVersionNotSupported(_Fixed):
    """505."""

    http_status = 505


class HTTPInsufficientStorage(_Fixed):
    """507."""

    http_status = 507


class HTTPLoopDetected(_Fixed):
    """508."""

    http_status = 508


class HTTPNetworkAuthenticationRequired(_Fixed):
    """511."""

    http_status = 511


class HTTPContentTooLarge(_Waiting):
    """413."""

    http_status = 413


class HTTPTooManyRequests(_Waiting):
    """429."""

    http_status = 429


class HTTPServiceUnavailable(_Waiting):
    """503."""

    http_status = 503


class HTTPPayloadTooLarge(HTTPContentTooLarge):
    """413, under its former name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn("HTTPPayloadTooLarge is deprecated; use HTTPContentTooLarge", DeprecationWarning, stacklevel=2)
        super().__init__(*args, **kwargs)


class HTTPRouteNotFound(HTTPNotFound):
    """404: no route matched."""


class HTTPUnauthorized(_Fixed):
    """401; `challenges` become WWW-Authenticate."""

    http_status = 401

    def __init__(
        self, *, headers: HeaderArg | None = None, challenges: Iterable[str] | None = None, **kwargs: Any
    ) -> None:
        if challenges:
            headers = _with(headers, "WWW-Authenticate", ", ".join(challenges))
        super().__init__(headers=headers, **kwargs)


class HTTPMethodNotAllowed(_Fixed):
    """405, with the methods that are allowed."""

    http_status = 405

    def __init__(self, allowed_methods: Iterable[str], *, headers: HeaderArg | None = None, **kwargs: Any) -> None:
        super().__init__(headers=_with(headers, "Allow", ", ".join(allowed_methods)), **kwargs)


class HTTPRangeNotSatisfiable(_Fixed):
    """416, with the length that there is."""

    http_status = 416

    def __init__(self, resource_length: int, *, headers: HeaderArg | None = None, **kwargs: Any) -> None:
        super().__init__(headers=_with(headers, "Content-Range", f"bytes */{resource_length}"), **kwargs)


class HTTPInvalidHeader(HTTPBadRequest):
    """400: a header has a wrong value."""

    def __init__(self, msg: str, header_name: str, **kwargs: Any) -> None:
        description = f'The value provided for the "{header_name}" header is invalid. {msg}'
        super().__init__(title="Invalid header value", description=description, **kwargs)


class HTTPMissingHeader(HTTPBadRequest):
    """400: a header is missing."""

    def __init__(self, header_name: str, **kwargs: Any) -> None:
        description = f'The "{header_name}" header is required.'
        super().__init__(title="Missing header value", description=description, **kwargs)


class HTTPInvalidParam(HTTPBadRequest):
    """400: a parameter has a wrong value."""

    def __init__(self, msg: str, param_name: str, **kwargs: Any) -> None:
        description = f'The "{param_name}" parameter is invalid. {msg}'
        super().__init__(title="Invalid parameter", description=description, **kwargs)


class HTTPMissingParam(HTTPBadRequest):
    """400: a parameter is missing."""

    def __init__(self, param_name: str, **kwargs: Any) -> None:
        description = f'The "{param_name}" parameter is required.'
        super().__init__(title="Missing parameter", description=description, **kwargs)


class MediaNotFoundError(HTTPBadRequest):
    """400: there is no body."""

    def __init__(self, media_type: str, **kwargs: Any) -> None:
        description = f"Could not parse an empty {media_type} body"
        super().__init__(title=f"Invalid {media_type}", description=description, **kwargs)


class MediaMalformedError(HTTPBadRequest):
    """400: the body is not what its type says; `description` names the cause of the exception."""

    def __init__(self, media_type: str, **kwargs: Any) -> None:
        self._media_type = media_type
        super().__init__(title=f"Invalid {media_type}", **kwargs)

    @property
    def description(self) -> str | None:
        """What the client is told."""
        text = f"Could not parse {self._media_type} body"
        return text if self.__cause__ is None else f"{text} - {self.__cause__}"

    @description.setter
    def description(self, value: str | None) -> None:
        """Keep the description that follows from the cause."""


class MediaValidationError(HTTPBadRequest):
    """400: the body is not what a schema asks for."""


class MultipartParseError(HTTPBadRequest):
    """400: a multipart form is malformed."""

    def __init__(self, *, description: str | None = None, **kwargs: Any) -> None:
        title = "Malformed multipart/form-data request media"
        super().__init__(title=title, description=description, **kwargs)
