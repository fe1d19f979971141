"""Bottle as a dialect: what a handler's value becomes, and how errors look."""

from __future__ import annotations

import contextlib
import itertools
import traceback
from typing import TYPE_CHECKING, Any

from asteri.wsgi import FileWrapper
from fenrir.bottle.request import LocalRequest
from fenrir.bottle.response import BaseResponse, HTTPError, HTTPResponse
from fenrir.bottle.routing import CONVERTERS, parse
from fenrir.bottle.text import html_escape
from fenrir.core import errors
from fenrir.core.context import current
from fenrir.core.declare import Mode
from fenrir.core.dialect import Dialect, Renderer
from fenrir.core.router import Slashes
from fenrir.http.json import dumps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fenrir.core.context import RequestContext
    from fenrir.core.declare import Route
    from fenrir.core.reply import Reply

__all__ = ["DIALECT", "ERRORS", "cast", "cast_alone", "response_of"]

RESPONSE = "bottle.response"
ERRORS = "bottle.errors"


class LocalResponse(BaseResponse):
    """The response under construction."""


def response_of(c: RequestContext) -> LocalResponse:
    """Return the response under construction of a request."""
    response: LocalResponse = c.note(RESPONSE, lambda _: LocalResponse())
    return response


class _Closing:
    """An iterator of pieces that closes what the handler gave."""

    def __init__(self, pieces: Iterator[bytes], close: Any) -> None:
        self._pieces = pieces
        self.close = close

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces


def cast(response: BaseResponse, value: Any) -> Reply:
    """Return the reply that a value means, with the headers of a response.

    None and everything empty is an empty body; text and bytes, lists of them, open files, iterators of text or bytes,
    and responses. A dictionary is JSON also where the JSON plugin could not see it (a coroutine's value).

    Raises:
        HTTPError: the value is one, or it is of no known type.
    """
    if isinstance(value, HTTPError):
        raise value
    if isinstance(value, HTTPResponse):
        value.apply(response)
        return cast(response, value.body)
    if not value:
        response._headers.setdefault("Content-Length", ["0"])
        return _final(response, b"")
    if isinstance(value, dict):
        response.content_type = "application/json"
        return _final(response, dumps(value))
    if isinstance(value, list | tuple) and isinstance(value[0], bytes | str):
        value = value[0][:0].join(value)
    if isinstance(value, str):
        value = value.encode(response.charset)
    if isinstance(value, bytes):
        return _final(response, value)
    give = getattr(value, "__reply__", None)
    if give is not None:
        reply: Reply = give()
        return reply
    if hasattr(value, "read") and (hasattr(value, "close") or not hasattr(value, "__iter__")):
        return response.as_reply(stream=FileWrapper(value))
    return _streamed(response, value)


def _final(response: BaseResponse, body: bytes) -> Reply:
    return response.as_reply(body)


def _streamed(response: BaseResponse, value: Iterable[Any]) -> Reply:
    """Look at the first piece that is not empty: it says what the others are."""
    try:
        pieces = iter(value)
    except TypeError:
        raise HTTPError(500, f"Unsupported response type: {type(value)}") from None
    first: Any = next((piece for piece in pieces if piece), None)
    if first is None:
        _close(value)
        return cast(response, "")
    if isinstance(first, HTTPResponse):
        _close(value)
        return cast(response, first)
    rest = itertools.chain([first], pieces)
    if isinstance(first, str):
        charset = response.charset
        rest = (piece.encode(charset) for piece in rest)  # type: ignore[assignment]
    elif not isinstance(first, bytes):
        _close(value)
        raise HTTPError(500, f"Unsupported response type: {type(first)}")
    return response.as_reply(stream=_Closing(iter(rest), getattr(value, "close", lambda: None)))


def _close(value: Any) -> None:
    if hasattr(value, "close"):
        value.close()


def cast_alone(value: HTTPResponse) -> Reply:
    """Return the reply of a response that a handler of another dialect returned."""
    return cast(BaseResponse(), value) if not isinstance(value, HTTPError) else _page(value, None)


def _render(c: RequestContext, value: Any) -> Reply:
    return cast(response_of(c), value)


_RENDERER = Renderer(_render)


def _renderer(route: Route) -> Renderer:
    return _RENDERER


def _adopt_error(exc: Exception) -> Exception:
    if isinstance(exc, HTTPResponse) or not isinstance(exc, errors.StatusError):
        return exc
    adopted = _adopted(exc)
    adopted.__cause__ = exc
    return adopted


def _adopted(exc: errors.StatusError) -> HTTPError:
    match exc:
        case errors.NotFound():
            context = current.get(None)
            return HTTPError(404, f"Not found: {context.exchange.path if context is not None else ''!r}")
        case errors.MethodNotAllowed():
            return HTTPError(405, "Method not allowed.", Allow=",".join(exc.allowed))
        case errors.PayloadTooLarge():
            return HTTPError(413, "Request entity too large")
        case errors.InternalError():
            original = exc.original
            trace = "".join(traceback.format_exception(original))
            return HTTPError(500, "Internal Server Error", original, trace)
    error = HTTPError(exc.http_status, exc.http_detail)
    for name, value in exc.http_headers:
        error.add_header(name, value)
    return error


def adopted(exc: Exception) -> HTTPResponse:
    """Return any exception as one of Bottle's."""
    known = _adopt_error(exc)
    return known if isinstance(known, HTTPResponse) else _adopted(errors.InternalError(exc))


def _error(c: RequestContext, exc: Exception) -> Reply:
    response = response_of(c)
    known = adopted(exc)
    if not isinstance(known, HTTPError):
        return cast(response, known)
    known.apply(response)
    response._headers.pop("Content-Length", None)
    return _page(known, c)


def _page(error: HTTPError, c: RequestContext | None) -> Reply:
    """Return the default page of an error."""
    url = ""
    if c is not None:
        with contextlib.suppress(ValueError):  # a URL that can not be written is not shown
            url = c.view(DIALECT).url
    debug = c is not None and bool(c.app.extensions.get("bottle.debug"))
    more = ""
    if debug and error.exception is not None:
        more += f"<h2>Exception:</h2><pre>{html_escape(repr(error.exception))}</pre>"
    if debug and error.traceback:
        more += f"<h2>Traceback:</h2><pre>{html_escape(error.traceback)}</pre>"
    status = html_escape(error.status)
    page = (
        '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n'
        f"<html><head><title>Error: {status}</title>\n"
        '<style type="text/css">html {background-color: #eee; font-family: sans-serif;} '
        "body {background-color: #fff; border: 1px solid #ddd; padding: 15px; margin: 15px;} "
        "pre {background-color: #eee; border: 1px solid #ddd; padding: 5px;}</style></head>\n"
        f"<body><h1>Error: {status}</h1>\n"
        f"<p>Sorry, the requested URL <tt>{html_escape(repr(url))}</tt> caused an error:</p>\n"
        f"<pre>{html_escape(str(error.body))}</pre>{more}</body></html>\n"
    )
    return error.as_reply(page.encode())


def _response(c: RequestContext, reply: Reply) -> Any:
    return response_of(c)


DIALECT = Dialect(
    name="bottle",
    parse=parse,
    converters=CONVERTERS,
    renderer=_renderer,
    error=_error,
    adopt_error=_adopt_error,
    request=LocalRequest,
    response=_response,
    reads_body=True,
    blocking=Mode.THREAD,
    slashes=Slashes.STRICT,
    head=True,
    options=False,
    ordered=True,
)
