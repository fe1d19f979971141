"""The policies of this dialect: how errors look, what hooks are shown.

Two records: of the drop-in application, whose habits are all upstream's, and of a door beside other dialects, where
GET answers HEAD and OPTIONS is answered by itself on every path (paradigms rule 25).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fenrir.core.converters import DEFAULT
from fenrir.core.dialect import Dialect, Renderer
from fenrir.core.errors import InternalError, MethodNotAllowed, NotFound, StatusError
from fenrir.falcon import errors as errors_module
from fenrir.falcon._round import round_of
from fenrir.falcon.constants import MEDIA_JSON, MEDIA_XML
from fenrir.falcon.errors import (
    HTTPInternalServerError,
    HTTPMethodNotAllowed,
    HTTPRangeNotSatisfiable,
    HTTPRouteNotFound,
)
from fenrir.falcon.http_error import HTTPError, HTTPStatus, code_to_http_status
from fenrir.falcon.request import Request
from fenrir.falcon.response import Response
from fenrir.falcon.routing.template import read_template

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext
    from fenrir.core.declare import Route
    from fenrir.core.reply import Reply

__all__ = ["DIALECT", "SHARED", "adopt_error", "compose", "serialize_error"]

_BY_STATUS: dict[int, type[errors_module._Fixed]] = {
    cls.http_status: cls
    for cls in vars(errors_module).values()
    if isinstance(cls, type)
    and issubclass(cls, errors_module._Fixed)
    and "http_status" in vars(cls)
    and cls not in (HTTPMethodNotAllowed, HTTPRangeNotSatisfiable)  # these need more than a description
}


def adopt_error(exc: Exception) -> Exception:
    """Return an engine's or another dialect's error as an `HTTPError`."""
    if not isinstance(exc, StatusError) or isinstance(exc, (HTTPError, HTTPStatus)):
        return exc
    if isinstance(exc, NotFound):
        return HTTPRouteNotFound()
    if isinstance(exc, MethodNotAllowed):
        return HTTPMethodNotAllowed(exc.allowed)
    if isinstance(exc, InternalError):
        return HTTPInternalServerError()
    line = code_to_http_status(exc.http_status)
    if exc.http_status < 400:
        return HTTPStatus(line, list(exc.http_headers))
    told = exc.http_detail if isinstance(exc.http_detail, str) and exc.http_detail != line[4:] else None
    cls = _BY_STATUS.get(exc.http_status)
    made: HTTPError
    if cls is not None:
        made = cls(description=told, headers=list(exc.http_headers))
    else:
        made = HTTPError(line, description=told, headers=list(exc.http_headers))
    made.__cause__ = exc
    return made


def serialize_error(req: Request, resp: Response, error: HTTPError) -> None:
    """Write an error as the client accepts it: JSON, XML, or a type for which there is a handler."""
    options = resp.options
    own = [MEDIA_JSON, "text/xml", MEDIA_XML] if options.xml_error_serialization else [MEDIA_JSON]
    preferred = req.client_prefers([*own, *(kind for kind in options.media_handlers if kind not in own)])
    if preferred is None:
        accept = req.accept.lower()
        preferred = MEDIA_JSON if "+json" in accept else MEDIA_XML if "+xml" in accept else None
    if preferred is not None:
        handler = options.media_handlers.find(preferred, MEDIA_JSON)
        if preferred == MEDIA_JSON:
            resp.data = error.to_json(handler)
        elif handler is not None:
            resp.media = error.to_dict()
        elif options.xml_error_serialization:
            resp.data = error.to_xml()
        resp.content_type = preferred
    resp.append_header("Vary", "Accept")


def compose(c: RequestContext, exc: Exception) -> None:
    """Write an `HTTPError` or `HTTPStatus` to the response."""
    run = round_of(c)
    resp = run.resp
    resp.status = exc.status if isinstance(exc, (HTTPError, HTTPStatus)) else 500
    if isinstance(exc, HTTPStatus):
        if exc.headers is not None:
            resp.set_headers(exc.headers)
        resp.text = exc.text
    elif isinstance(exc, HTTPError):
        if exc.headers is not None:
            resp.set_headers(exc.headers)
        (run.settings.serialize_error or serialize_error)(run.req, resp, exc)


def _error(c: RequestContext, exc: Exception) -> Reply:
    run = round_of(c)
    run.match()
    run.succeeded = False
    run.resp.bind(c.reply)
    run.resp.reset()
    compose(c, adopt_error(exc))
    return run.resp.commit()


def _render(c: RequestContext, value: object) -> Reply:
    if not hasattr(value, "__reply__"):
        return round_of(c).resp.__reply__()  # the adapter of the responder has committed it
    reply: Reply = value.__reply__()
    return reply


def _renderer(route: Route) -> Renderer:
    return Renderer(_render)


def _response(c: RequestContext, reply: Reply) -> Response:
    resp = round_of(c).resp
    resp.bind(reply)
    return resp


DIALECT = Dialect(
    name="falcon",
    parse=read_template,
    converters=DEFAULT,
    renderer=_renderer,
    error=_error,
    adopt_error=adopt_error,
    request=lambda c: round_of(c).req,
    response=_response,
    head=False,
    options=False,
    unrouted_hooks=False,
)
SHARED = replace(DIALECT, head=True, options=True)
