"""Sanic as a dialect: what its handlers return, and how its errors look."""

from __future__ import annotations

import logging
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from fenrir.core import errors
from fenrir.core.context import current
from fenrir.core.declare import Mode
from fenrir.core.dialect import Dialect, Renderer
from fenrir.core.router import Slashes
from fenrir.sanic.errorpages import FALLBACK_TEXT, error_response
from fenrir.sanic.exceptions import (
    BadRequest,
    ExpectationFailed,
    Forbidden,
    HTTPException,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    RangeNotSatisfiable,
    RequestTimeout,
    SanicException,
    ServerError,
    ServiceUnavailable,
    Unauthorized,
    URITooLong,
)
from fenrir.sanic.request import Request
from fenrir.sanic.response import BaseHTTPResponse, text
from fenrir.sanic.routes import CONVERTERS, parse
from fenrir.sanic.settings import settings_of

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext
    from fenrir.core.declare import Route
    from fenrir.core.reply import Reply

__all__ = ["DIALECT"]

OWN_RESPONSE = "sanic.response"
log = logging.getLogger("sanic.error")


def _render(c: RequestContext, value: Any) -> Reply:
    give = getattr(value, "__reply__", None)
    if give is None:
        if isinstance(value, Coroutine):
            value.close()
        raise ServerError(f"Invalid response type {value!r} (need HTTPResponse)")
    if c.plan is not None and c.plan.hooks and isinstance(value, BaseHTTPResponse):
        c.note(OWN_RESPONSE, lambda _: value)
    reply: Reply = give()
    return reply


_RENDERER = Renderer(_render)


def _renderer(route: Route) -> Renderer:
    return _RENDERER


def _adopt_error(exc: Exception) -> Exception:
    if isinstance(exc, SanicException) or not isinstance(exc, errors.StatusError):
        return exc
    adopted = _adopted(exc)
    adopted.__cause__ = exc
    return adopted


_BY_STATUS: Mapping[int, type[HTTPException]] = {
    cls.http_status: cls
    for cls in (
        BadRequest,
        Unauthorized,
        Forbidden,
        NotFound,
        MethodNotAllowed,
        RequestTimeout,
        PayloadTooLarge,
        URITooLong,
        RangeNotSatisfiable,
        ExpectationFailed,
        ServerError,
        ServiceUnavailable,
    )
}
"""The class of an error that another dialect raised: a handler for it takes that error too."""


def _adopted(exc: errors.StatusError) -> SanicException:
    context = current.get(None)
    path = context.exchange.path if context is not None else ""
    match exc:
        case errors.MethodNotAllowed():
            method = getattr(context.exchange, "method", "GET") if context is not None else ""
            return MethodNotAllowed(f"Method {method} not allowed for URL {path}", method, exc.allowed)
        case errors.NotFound():
            return NotFound(f"Requested URL {path} not found")
        case errors.PayloadTooLarge():
            return PayloadTooLarge("Request body exceeds the size limit")
        case errors.BadRequest():
            return BadRequest(str(exc.http_detail))
        case errors.InternalError():
            return ServerError(FALLBACK_TEXT)
    detail = exc.http_detail if isinstance(exc.http_detail, str) else None
    headers, quiet = dict(exc.http_headers), exc.http_status < 500
    if exc.http_status in _BY_STATUS:
        return _BY_STATUS[exc.http_status](detail, quiet=quiet, headers=headers)
    return SanicException(detail, exc.http_status, quiet=quiet, headers=headers)


def _error(c: RequestContext, exc: Exception) -> Reply:
    settings = settings_of(c.app)
    request = c.view(DIALECT)
    shown = exc.original if isinstance(exc, errors.InternalError) else _adopt_error(exc)
    if isinstance(shown, SanicException) and shown.quiet is False:
        log.error("Exception occurred while handling uri: %r", request.url, exc_info=shown)
    handler = settings.error_handler
    if handler is not None and isinstance(shown, Exception):
        try:
            reply: Reply = handler.default(request, shown).__reply__()
            return reply
        except Exception as second:
            log.exception("the error handler of the application failed", exc_info=second)
            return text("An error occurred while handling an error", 500).__reply__()
    return error_response(request, shown, settings.config.FALLBACK_ERROR_FORMAT, settings.debug).__reply__()


def _request(c: RequestContext) -> Request:
    make: type[Request] = settings_of(c.app).request_class or Request
    return make(c)


def _response(c: RequestContext, reply: Reply) -> BaseHTTPResponse:
    """Return the response that middleware sees: the handler's own object if it is one of ours."""
    own: BaseHTTPResponse | None = (c.notes or {}).get(OWN_RESPONSE)
    if own is not None and own.__reply__() is reply:
        return own
    return BaseHTTPResponse.over(reply)


DIALECT = Dialect(
    name="sanic",
    parse=parse,
    converters=CONVERTERS,
    renderer=_renderer,
    error=_error,
    adopt_error=_adopt_error,
    request=_request,
    response=_response,
    reads_body=True,
    blocking=Mode.INLINE,
    slashes=Slashes.EITHER,
    head=False,
    options=False,
)
