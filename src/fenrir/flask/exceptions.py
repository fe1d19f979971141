"""HTTP errors as classes, with the names, statuses and texts that Flask's users know from Werkzeug.

The texts are part of the interface: applications and their tests compare them. Every class is a `StatusError` of the
engine, so any dialect can render it, and any error of the engine or of another dialect becomes one of these (`adopt`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

from markupsafe import escape

from fenrir.core import errors
from fenrir.core.errors import StatusError
from fenrir.http.dates import format_date
from fenrir.http.status import phrase

if TYPE_CHECKING:
    from fenrir.flask.response import Response

__all__ = [
    "Aborter",
    "BadGateway",
    "BadRequest",
    "BadRequestKeyError",
    "ClientDisconnected",
    "Conflict",
    "ExpectationFailed",
    "FailedDependency",
    "Forbidden",
    "GatewayTimeout",
    "Gone",
    "HTTPException",
    "HTTPVersionNotSupported",
    "ImATeapot",
    "InternalServerError",
    "LengthRequired",
    "Locked",
    "MethodNotAllowed",
    "MisdirectedRequest",
    "NotAcceptable",
    "NotFound",
    "NotImplemented",
    "PreconditionFailed",
    "PreconditionRequired",
    "RequestEntityTooLarge",
    "RequestHeaderFieldsTooLarge",
    "RequestTimeout",
    "RequestURITooLarge",
    "RequestedRangeNotSatisfiable",
    "SecurityError",
    "ServiceUnavailable",
    "TooManyRequests",
    "Unauthorized",
    "UnavailableForLegalReasons",
    "UnprocessableEntity",
    "UnsupportedMediaType",
    "abort",
    "adopt",
    "default_exceptions",
]

_NAMES = {
    413: "Request Entity Too Large",
    414: "Request URI Too Long",
    416: "Requested Range Not Satisfiable",
    418: "I'm a teapot",
    422: "Unprocessable Entity",
}
"""Phrases in Werkzeug's words where the registry has newer ones."""


def status_name(code: int) -> str:
    """Return the phrase of a status as Flask's pages show it."""
    return _NAMES.get(code) or phrase(code) or "Unknown Error"


class HTTPException(StatusError):
    """An error that is an HTTP response.

    Args:
        description: for the client, may hold HTML if the page is made by a subclass; escaped here.
        response: a finished response to be sent instead of the page.
    """

    code: int | None = None
    description: str | None = None
    _adopted_headers: Sequence[tuple[str, str]] = ()  # of the error of another dialect that this one stands for

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        code = cls.__dict__.get("code")
        if isinstance(code, int):
            cls.http_status = code

    def __init__(self, description: str | None = None, response: Any = None) -> None:
        super().__init__()
        if description is not None:
            self.description = description
        self.response = response

    @property
    def name(self) -> str:
        """The phrase of the status."""
        return status_name(self.code) if self.code is not None else "Unknown Error"

    @property
    def http_detail(self) -> Any:
        return self.description if self.description is not None else self.name

    @property
    def http_headers(self) -> Sequence[tuple[str, str]]:  # type: ignore[override]
        return [pair for pair in self.get_headers() if pair[0].lower() != "content-type"]

    def get_description(self, environ: Any = None, scope: Any = None) -> str:
        """Return the description as HTML."""
        text = str(escape(self.description or "")).replace("\n", "<br>")
        return f"<p>{text}</p>"

    def get_body(self, environ: Any = None, scope: Any = None) -> str:
        """Return the page."""
        return (
            "<!doctype html>\n<html lang=en>\n"
            f"<title>{self.code} {escape(self.name)}</title>\n"
            f"<h1>{escape(self.name)}</h1>\n"
            f"{self.get_description()}\n"
        )

    def get_headers(self, environ: Any = None, scope: Any = None) -> list[tuple[str, str]]:
        """Return the headers of the page."""
        return [("Content-Type", "text/html; charset=utf-8"), *self._adopted_headers]

    def get_response(self, environ: Any = None, scope: Any = None) -> Response:
        """Return the response that this error is."""
        from fenrir.flask.response import Response

        if self.response is not None:
            return Response.force_type(self.response)
        return Response(self.get_body(), self.code or 500, self.get_headers())

    def __str__(self) -> str:
        return f"{self.code if self.code is not None else '???'} {self.name}: {self.description}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} '{self.code if self.code is not None else '???'}: {self.name}'>"


class BadRequest(HTTPException):
    """400."""

    code = 400
    description = "The browser (or proxy) sent a request that this server could not understand."


class BadRequestKeyError(BadRequest, KeyError):
    """400: a key that the view expects is missing in `request.args`, `request.form`, ..."""

    show_exception = False
    _description = BadRequest.description

    def __init__(self, arg: str | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.args = () if arg is None else (arg,)

    @property
    def description(self) -> str:
        text = str(self._description)
        return f"{text}\nKeyError: {self.args[0]!r}" if self.show_exception and self.args else text

    @description.setter
    def description(self, value: str) -> None:
        self._description = value


class ClientDisconnected(BadRequest):
    """400: the client left before its body was complete."""


class SecurityError(BadRequest):
    """400: the request is refused for a reason of security (an untrusted host)."""


class Unauthorized(HTTPException):
    """401."""

    code = 401
    description = (
        "The server could not verify that you are authorized to access the URL requested. You either supplied the"
        " wrong credentials (e.g. a bad password), or your browser doesn't understand how to supply the credentials"
        " required."
    )

    def __init__(self, description: str | None = None, response: Any = None, www_authenticate: Any = None) -> None:
        super().__init__(description, response)
        if www_authenticate is not None and not isinstance(www_authenticate, list | tuple):
            www_authenticate = (www_authenticate,)
        self.www_authenticate = www_authenticate

    def get_headers(self, environ: Any = None, scope: Any = None) -> list[tuple[str, str]]:
        headers = super().get_headers()
        headers.extend(("WWW-Authenticate", str(value)) for value in self.www_authenticate or ())
        return headers


class Forbidden(HTTPException):
    """403."""

    code = 403
    description = (
        "You don't have the permission to access the requested resource. It is either read-protected or not readable"
        " by the server."
    )


class NotFound(HTTPException):
    """404."""

    code = 404
    description = (
        "The requested URL was not found on the server. If you entered the URL manually please check your spelling"
        " and try again."
    )


class MethodNotAllowed(HTTPException):
    """405."""

    code = 405
    description = "The method is not allowed for the requested URL."

    def __init__(
        self, valid_methods: Iterable[str] | None = None, description: str | None = None, response: Any = None
    ) -> None:
        super().__init__(description, response)
        self.valid_methods = valid_methods

    def get_headers(self, environ: Any = None, scope: Any = None) -> list[tuple[str, str]]:
        headers = super().get_headers()
        if self.valid_methods:
            headers.append(("Allow", ", ".join(self.valid_methods)))
        return headers


class NotAcceptable(HTTPException):
    """406."""

    code = 406
    description = (
        "The resource identified by the request is only capable of generating response entities which have content"
        " characteristics not acceptable according to the accept headers sent in the request."
    )


class RequestTimeout(HTTPException):
    """408."""

    code = 408
    description = (
        "The server closed the network connection because the browser didn't finish the request within the specified"
        " time."
    )


class Conflict(HTTPException):
    """409."""

    code = 409
    description = (
        "A conflict happened while processing the request. The resource might have been modified while the request was"
        " being processed."
    )


class Gone(HTTPException):
    """410."""

    code = 410
    description = (
        "The requested URL is no longer available on this server and there is no forwarding address. If you followed a"
        " link from a foreign page, please contact the author of this page."
    )


class LengthRequired(HTTPException):
    """411."""

    code = 411
    description = "A request with this method requires a valid <code>Content-Length</code> header."


class PreconditionFailed(HTTPException):
    """412."""

    code = 412
    description = "The precondition on the request for the URL failed positive evaluation."


class RequestEntityTooLarge(HTTPException):
    """413."""

    code = 413
    description = "The data value transmitted exceeds the capacity limit."


class RequestURITooLarge(HTTPException):
    """414."""

    code = 414
    description = (
        "The length of the requested URL exceeds the capacity limit for this server. The request cannot be processed."
    )


class UnsupportedMediaType(HTTPException):
    """415."""

    code = 415
    description = "The server does not support the media type transmitted in the request."


class RequestedRangeNotSatisfiable(HTTPException):
    """416."""

    code = 416
    description = "The server cannot provide the requested range."

    def __init__(
        self, length: int | None = None, units: str = "bytes", description: str | None = None, response: Any = None
    ) -> None:
        super().__init__(description, response)
        self.length = length
        self.units = units

    def get_headers(self, environ: Any = None, scope: Any = None) -> list[tuple[str, str]]:
        headers = super().get_headers()
        if self.length is not None:
            headers.append(("Content-Range", f"{self.units} */{self.length}"))
        return headers


class ExpectationFailed(HTTPException):
    """417."""

    code = 417
    description = "The server could not meet the requirements of the Expect header"


class ImATeapot(HTTPException):
    """418."""

    code = 418
    description = "This server is a teapot, not a coffee machine"


class MisdirectedRequest(HTTPException):
    """421."""

    code = 421
    description = "The server is not able to produce a response."


class UnprocessableEntity(HTTPException):
    """422."""

    code = 422
    description = "The request was well-formed but was unable to be followed due to semantic errors."


class Locked(HTTPException):
    """423."""

    code = 423
    description = "The resource that is being accessed is locked."


class FailedDependency(HTTPException):
    """424."""

    code = 424
    description = (
        "The method could not be performed on the resource because the requested action depended on another action and"
        " that action failed."
    )


class PreconditionRequired(HTTPException):
    """428."""

    code = 428
    description = 'This request is required to be conditional; try using "If-Match" or "If-Unmodified-Since".'


class _RetryAfter(HTTPException):
    def __init__(
        self, description: str | None = None, response: Any = None, retry_after: datetime | int | None = None
    ) -> None:
        super().__init__(description, response)
        self.retry_after = retry_after

    def get_headers(self, environ: Any = None, scope: Any = None) -> list[tuple[str, str]]:
        headers = super().get_headers()
        if self.retry_after:
            moment = self.retry_after
            headers.append(("Retry-After", format_date(moment) if isinstance(moment, datetime) else str(moment)))
        return headers


class TooManyRequests(_RetryAfter):
    """429."""

    code = 429
    description = "This user has exceeded an allotted request count. Try again later."


class RequestHeaderFieldsTooLarge(HTTPException):
    """431."""

    code = 431
    description = "One or more header fields exceeds the maximum size."


class UnavailableForLegalReasons(HTTPException):
    """451."""

    code = 451
    description = "Unavailable for legal reasons."


class InternalServerError(HTTPException):
    """500.

    Attributes:
        original_exception: what the application raised, if this stands for an unhandled exception.
    """

    code = 500
    description = (
        "The server encountered an internal error and was unable to complete your request. Either the server is"
        " overloaded or there is an error in the application."
    )

    def __init__(
        self,
        description: str | None = None,
        response: Any = None,
        original_exception: BaseException | None = None,
    ) -> None:
        self.original_exception = original_exception
        super().__init__(description, response)


class NotImplemented(HTTPException):
    """501."""

    code = 501
    description = "The server does not support the action requested by the browser."


class BadGateway(HTTPException):
    """502."""

    code = 502
    description = "The proxy server received an invalid response from an upstream server."


class ServiceUnavailable(_RetryAfter):
    """503."""

    code = 503
    description = (
        "The server is temporarily unable to service your request due to maintenance downtime or capacity problems."
        " Please try again later."
    )


class GatewayTimeout(HTTPException):
    """504."""

    code = 504
    description = "The connection to an upstream server timed out."


class HTTPVersionNotSupported(HTTPException):
    """505."""

    code = 505
    description = "The server does not support the HTTP protocol version used in the request."


default_exceptions: dict[int, type[HTTPException]] = {}
"""The class of each status."""


def _collect(base: type[HTTPException]) -> None:
    for cls in base.__subclasses__():
        if cls.code is not None:
            default_exceptions.setdefault(cls.code, cls)
        _collect(cls)


_collect(HTTPException)


class Aborter:
    """Raises the exception of a status; `mapping` may be replaced or extended.

    Args:
        mapping: status -> class, instead of the usual one.
        extra: more of the same.
    """

    def __init__(
        self,
        mapping: dict[int, type[HTTPException]] | None = None,
        extra: dict[int, type[HTTPException]] | None = None,
    ) -> None:
        self.mapping = dict(default_exceptions if mapping is None else mapping)
        self.mapping.update(extra or {})

    def __call__(self, code: Any, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise the exception of a status, or one around a finished response.

        Raises:
            LookupError: no exception has this status.
        """
        if hasattr(code, "__reply__") or callable(code):
            raise HTTPException(response=code)
        if code not in self.mapping:
            raise LookupError(f"no exception for {code!r}")
        raise self.mapping[code](*args, **kwargs)


_abort = Aborter()


def abort(code: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """Raise the exception of a status; the current application's `aborter` decides if there is one."""
    from fenrir.flask.globals import current_app

    aborter: Aborter = current_app.aborter if current_app else _abort
    aborter(code, *args, **kwargs)


def adopt(exc: Exception) -> Exception:
    """Return an error of the engine or of another dialect as one of these; any other exception as it is."""
    if not isinstance(exc, StatusError) or isinstance(exc, HTTPException):
        return exc
    if isinstance(exc, errors.MethodNotAllowed):
        return _caused(MethodNotAllowed(exc.allowed), exc)
    if isinstance(exc, errors.InternalError):
        return _caused(InternalServerError(original_exception=exc.original), exc)
    cls = default_exceptions.get(exc.http_status)
    if cls is None:
        return _caused(_Other(exc.http_status, None if exc.http_detail is None else str(exc.http_detail)), exc)
    # What the engine says of itself is a phrase; the class has the words that users know.
    own = isinstance(exc, errors.BadRequest | errors.NotFound | errors.PayloadTooLarge)
    return _caused(cls() if own or exc.http_detail is None else cls(str(exc.http_detail)), exc)


_OF_THE_PAGE = frozenset({"content-type", "content-length"})


class _Other(HTTPException):
    """A status without a class of its own."""

    def __init__(self, code: int, description: str | None) -> None:
        super().__init__(description)
        self.code = self.http_status = code


def _caused(adopted: HTTPException, exc: StatusError) -> HTTPException:
    adopted.__cause__ = exc
    if not isinstance(exc, errors.MethodNotAllowed):  # whose one header the class writes itself
        adopted._adopted_headers = [pair for pair in exc.http_headers if pair[0].lower() not in _OF_THE_PAGE]
    return adopted
