"""Sanic's exceptions: each is an HTTP answer with a message, headers, and how loudly it is logged.

`context` is shown to the client, `extra` only in debug mode, `quiet` keeps the traceback out of the log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fenrir.core.errors import StatusError
from fenrir.http import status

__all__ = [
    "BadRequest",
    "BadURL",
    "ContentRangeError",
    "ExpectationFailed",
    "FileNotFound",
    "Forbidden",
    "HTTPException",
    "HeaderExpectationFailed",
    "HeaderNotFound",
    "InvalidHeader",
    "InvalidRangeType",
    "InvalidSignal",
    "InvalidUsage",
    "LoadFileException",
    "MethodNotAllowed",
    "MethodNotSupported",
    "NotFound",
    "PayloadTooLarge",
    "RangeNotSatisfiable",
    "RequestTimeout",
    "SanicException",
    "ServerError",
    "ServiceUnavailable",
    "URITooLong",
    "URLBuildError",
    "Unauthorized",
    "WebsocketClosed",
]


_PHRASES = {
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    416: "Requested Range Not Satisfiable",
    418: "I'm a teapot",
    422: "Unprocessable Entity",
}


def phrase(code: int) -> str:
    """Return the phrase of a status as upstream writes it."""
    return _PHRASES.get(code) or status.phrase(code)


class SanicException(StatusError):
    """An exception that is an HTTP answer.

    Args:
        message: what the client is told; by default the phrase of the status.
        quiet: keep it out of the log.
        context: shown to the client.
        extra: shown in debug mode only.
        headers: added to the answer.
    """

    status_code: int = 500
    quiet: bool | None = False
    headers: dict[str, str] = {}  # noqa: RUF012 - a default that subclasses override, as upstream's users do
    message: str = ""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "status_code" in cls.__dict__:
            cls.http_status = cls.status_code

    def __init__(
        self,
        message: str | bytes | None = None,
        status_code: int | None = None,
        *,
        quiet: bool | None = None,
        context: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status_code = status_code or type(self).status_code
        self.http_status = self.status_code
        self.context = context
        self.extra = extra
        self.quiet = quiet if quiet is not None else type(self).quiet
        self.headers = dict(headers) if headers else dict(type(self).headers)
        if message is None:
            message = self.message or phrase(self.status_code)
        elif isinstance(message, bytes):
            message = message.decode()
        super().__init__(message)
        self.message = message or self.message

    @property
    def http_detail(self) -> str:
        """The message."""
        return str(self)

    @property
    def http_headers(self) -> Sequence[tuple[str, str]]:  # type: ignore[override]
        """The headers."""
        return [(name, str(value)) for name, value in self.headers.items()]


class HTTPException(SanicException):
    """The parent of the exceptions with a fixed status."""

    def __init__(
        self,
        message: str | bytes | None = None,
        *,
        quiet: bool | None = None,
        context: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, quiet=quiet, context=context, extra=extra, headers=headers)


class BadRequest(HTTPException):
    """400."""

    status_code = 400
    quiet = True


InvalidUsage = BadRequest
BadURL = BadRequest


class Unauthorized(HTTPException):
    """401; `scheme` and further keywords make the WWW-Authenticate header."""

    status_code = 401
    quiet = True

    def __init__(
        self,
        message: str | bytes | None = None,
        scheme: str | None = None,
        *,
        quiet: bool | None = None,
        context: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **challenges: Any,
    ) -> None:
        super().__init__(message, quiet=quiet, context=context, extra=extra, headers=headers)
        if scheme is not None:
            values = [f'{name}="{value}"' for name, value in challenges.items()]
            self.headers["WWW-Authenticate"] = f"{scheme} {', '.join(values)}".rstrip()


class Forbidden(HTTPException):
    """403."""

    status_code = 403
    quiet = True


class NotFound(HTTPException):
    """404."""

    status_code = 404
    quiet = True


class FileNotFound(NotFound):
    """404, of a file."""

    def __init__(
        self,
        message: str | bytes | None = None,
        path: Any = None,
        relative_url: str | None = None,
        *,
        quiet: bool | None = None,
        context: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, quiet=quiet, context=context, extra=extra, headers=headers)
        self.path = path
        self.relative_url = relative_url


class MethodNotAllowed(HTTPException):
    """405; the allowed methods make the Allow header."""

    status_code = 405
    quiet = True

    def __init__(
        self,
        message: str | bytes | None = None,
        method: str = "",
        allowed_methods: Sequence[str] | None = None,
        *,
        quiet: bool | None = None,
        context: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, quiet=quiet, context=context, extra=extra, headers=headers)
        if allowed_methods:
            self.headers["Allow"] = ", ".join(allowed_methods)
        self.method = method
        self.allowed_methods = allowed_methods


MethodNotSupported = MethodNotAllowed


class RequestTimeout(HTTPException):
    """408."""

    status_code = 408
    quiet = True


class PayloadTooLarge(HTTPException):
    """413."""

    status_code = 413
    quiet = True


class URITooLong(HTTPException):
    """414."""

    status_code = 414
    quiet = True


class RangeNotSatisfiable(HTTPException):
    """416; `content_range` has the size of the file as `total`."""

    status_code = 416
    quiet = True

    def __init__(
        self,
        message: str | bytes | None = None,
        content_range: Any = None,
        *,
        quiet: bool | None = None,
        context: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, quiet=quiet, context=context, extra=extra, headers=headers)
        if content_range is not None:
            self.headers["Content-Range"] = f"bytes */{content_range.total}"


ContentRangeError = RangeNotSatisfiable


class InvalidRangeType(RangeNotSatisfiable):
    """416: the unit is not bytes."""


class ExpectationFailed(HTTPException):
    """417."""

    status_code = 417
    quiet = True


HeaderExpectationFailed = ExpectationFailed


class ServerError(HTTPException):
    """500."""

    status_code = 500


class URLBuildError(HTTPException):
    """500: `url_for` can not build the URL."""

    status_code = 500


class ServiceUnavailable(HTTPException):
    """503."""

    status_code = 503
    quiet = True


class HeaderNotFound(BadRequest):
    """400: a header is missing."""


class InvalidHeader(BadRequest):
    """400: a header is malformed."""


class LoadFileException(SanicException):
    """A configuration file can not be read."""


class InvalidSignal(SanicException):
    """The name of a signal is malformed, or nobody listens to it."""


class WebsocketClosed(SanicException):
    """The WebSocket is closed."""

    quiet = True
