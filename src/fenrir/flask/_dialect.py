"""The dialect record: what Flask's way of speaking is to the engine."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException, InternalServerError

from fenrir.core.dialect import Dialect, Fast, Renderer
from fenrir.core.pattern import angles_type_first
from fenrir.core.reply import Reply
from fenrir.core.router import Slashes
from fenrir.flask.exceptions import adopt
from fenrir.flask.globals import DOOR
from fenrir.flask.request import Request
from fenrir.flask.response import Response, reply_of
from fenrir.flask.routing import converters

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext
    from fenrir.core.declare import Route

__all__ = ["DIALECT", "error"]

log = logging.getLogger("fenrir.error")


def _dump(value: Any) -> bytes | None:
    kind = type(value)
    if kind is str:
        return value.encode()  # type: ignore[no-any-return]
    return value if kind is bytes else None


_FAST = Fast(200, ((b"content-type", b"text/html; charset=utf-8"),), _dump)


def _renderer(route: Route) -> Renderer:
    app = route.options["app"]
    if (ready := getattr(app, "ready", None)) is not None:
        return Renderer(_render, about=route.options.get("model"), ready=ready)
    # An application may have its own response class, with another content type and hooks of its own.
    return Renderer(_render, _FAST if app.response_class is Response else None, route.options.get("model"))


def _render(c: RequestContext, value: Any) -> Reply:
    """Return the reply that the value of a view is."""
    if type(value) is Reply:
        return value  # the whole way has been gone
    app = c.app.extensions[DOOR]
    reply: Reply = app.rendered(c, value)
    return reply


def error(c: RequestContext, exc: Exception) -> Reply:
    """Return the page of an error."""
    adopted = adopt(exc)
    if not isinstance(adopted, HTTPException):
        adopted = InternalServerError(original_exception=adopted)
    try:
        app = c.app.extensions[DOOR]
        if app.debug_pages and isinstance(adopted, InternalServerError) and adopted.original_exception is not None:
            from fenrir.flask.tracebacks import traceback_reply

            accept = c.exchange.headers.get("accept") or ""
            return traceback_reply(adopted.original_exception, c.exchange.method, c.exchange.path, accept)
        return reply_of(app.response_class.force_type(adopted.get_response({}), {}))
    except Exception as broken:
        # The page of a user's exception class failed; nobody is left to ask.
        log.error("the answer to %r could not be made", exc, exc_info=broken)
        return reply_of(InternalServerError().get_response({}))


def _request(c: RequestContext) -> Request:
    app = c.app.extensions.get(DOOR)
    if app is None:
        return Request.of(c)
    found: Request = app.context_of(c).request
    return found


def _response(c: RequestContext, reply: Reply) -> Response:
    app = c.app.extensions[DOOR]
    made: Response = app.response_class.over(reply)
    return made


DIALECT = Dialect(
    name="flask",
    parse=angles_type_first,
    converters=converters,
    renderer=_renderer,
    error=error,
    adopt_error=adopt,
    request=_request,
    response=_response,
    reads_body=True,
    slashes=Slashes.APPEND_308,
    head=True,
    options=True,
)
