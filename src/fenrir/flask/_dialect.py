"""The dialect record: what Flask's way of speaking is to the engine."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from fenrir.core.dialect import Dialect, Fast, Renderer
from fenrir.core.errors import MethodNotAllowed as EngineMethodNotAllowed
from fenrir.core.errors import NotFound as EngineNotFound
from fenrir.core.pattern import angles_type_first
from fenrir.core.reply import Reply
from fenrir.core.router import NotAllowed, Slashes
from fenrir.flask.ctx import DOOR, door_of, run_after_this_request
from fenrir.flask.exceptions import HTTPException, InternalServerError, adopt
from fenrir.flask.request import Request
from fenrir.flask.response import Response
from fenrir.flask.routing import converters
from fenrir.flask.values import make_reply

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext
    from fenrir.core.declare import Route

__all__ = ["DIALECT", "error", "routing_error"]

log = logging.getLogger("fenrir.error")

_HTML = ((b"content-type", b"text/html; charset=utf-8"),)


def _dump(value: Any) -> bytes | None:
    kind = type(value)
    if kind is str:
        return value.encode()  # type: ignore[no-any-return]
    return value if kind is bytes else None


_FAST = Fast(200, _HTML, _dump)


def _renderer(route: Route) -> Renderer:
    # An application may have its own response class, with another content type and hooks of its own.
    plain = route.options["app"].response_class is Response
    return Renderer(make_reply, _FAST if plain else None)


def error(c: RequestContext, exc: Exception) -> Reply:
    """Return the page of an error."""
    adopted = adopt(exc)
    if not isinstance(adopted, HTTPException):
        adopted = InternalServerError(original_exception=adopted)
    try:
        return run_after_this_request(c, adopted.get_response().__reply__())
    except Exception as broken:
        # The page of a user's exception class, or a function of after_this_request, failed; nobody is left to ask.
        log.error("the answer to %r could not be made", exc, exc_info=broken)
        return InternalServerError().get_response().__reply__()


def routing_error(c: RequestContext) -> Exception | None:
    """Return why no route took a request, None if one did."""
    if c.plan is not None:
        return None
    if isinstance(c.miss, NotAllowed):
        return adopt(EngineMethodNotAllowed(sorted(c.miss.methods)))
    return adopt(EngineNotFound()) if c.miss is None else None


def _request(c: RequestContext) -> Request:
    door = c.app.extensions.get(DOOR)
    cls: type[Request] = door.request_class if door is not None else Request
    return cls(c)


def _response(c: RequestContext, reply: Reply) -> Response:
    return door_of(c.app).response_class.over(reply)


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
