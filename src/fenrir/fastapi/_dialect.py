"""How FastAPI is spoken: the record of policies, and the functions that it points to."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fenrir.core.binding import ArgumentSource, Given
from fenrir.core.converters import Converters, floating, integer, string, tail, unique
from fenrir.core.declare import Mode, Route
from fenrir.core.dialect import Dialect, Renderer
from fenrir.core.errors import InternalError, MethodNotAllowed, NotFound, StatusError
from fenrir.core.exits import SwallowedError
from fenrir.core.pattern import braces
from fenrir.core.reply import Reply
from fenrir.core.router import Slashes
from fenrir.fastapi._scope import FORM_LIMITS, KEY
from fenrir.fastapi.exceptions import FastAPIError, StarletteHTTPException
from fenrir.fastapi.requests import HTTPConnection, Request
from fenrir.fastapi.responses import Response
from fenrir.fastapi.websockets import WebSocket
from fenrir.http.headers import MutableHeaders
from fenrir.http.json import dumps
from fenrir.http.status import forbids_body
from fenrir.kit.background import BackgroundTasks
from fenrir.kit.validation import RequestValidationError
from fenrir.kit.validation.shapes import is_class
from fenrir.starlette._forms import as_form
from fenrir.starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = ["DIALECT", "HandedResponse", "given_by_type", "handed_response", "handed_tasks"]

log = logging.getLogger("fenrir.error")

TASKS = "fastapi.tasks"
HANDED = "fastapi.response"

CONVERTERS = Converters(string()).extend(
    {
        "str": string(),
        "path": tail(regex=".*"),
        "int": integer(signed=False),
        "float": floating(signed=False),
        "uuid": unique(),
    }
)


class HandedResponse(Response):
    """The response that a handler is given to set headers, cookies and a status on; the body is what it returns."""

    _has_status = False


def handed_response(c: RequestContext) -> HandedResponse:
    """Return the response that this request's handler and dependencies share."""
    c.plain = False
    handed: HandedResponse = c.note(HANDED, lambda c: HandedResponse.over(c.reply))
    return handed


def handed_tasks(c: RequestContext) -> BackgroundTasks:
    """Return the tasks that this request's handler and dependencies share."""
    c.plain = False
    tasks: BackgroundTasks = c.note(TASKS, lambda c: BackgroundTasks())
    return tasks


def the_connection(c: RequestContext) -> Any:
    """Return the request or the WebSocket."""
    return c.view(DIALECT)


handed_response.shares_reply = True  # type: ignore[attr-defined]


def given_by_type(name: str, annotation: Any, position: int) -> ArgumentSource | None:
    """Say which arguments are given because of their annotation."""
    if is_class(annotation, HTTPConnection):
        return Given(the_connection)
    if is_class(annotation, Response):
        return Given(handed_response)
    if is_class(annotation, BackgroundTasks):
        return Given(handed_tasks)
    return None


def _request(c: RequestContext) -> HTTPConnection:
    return WebSocket.of(c) if c.plan is not None and c.plan.route.websocket else Request.of(c)


NOT_ANSWERED = (
    "Response not awaited: most likely the application is raising an exception and a dependency with yield catches it "
    "(a bare `except`, or `except Exception`) without raising it again, or another one"
)


async def _read_form(c: RequestContext) -> None:
    """Read the form of a request as `request.form()` does, within the limits of its route."""
    own = c.plan.route.options.get("form_limits") if c.plan is not None else None
    above = getattr(c.exchange, "scope", {}).get(KEY, {}).get(FORM_LIMITS, {})
    try:
        form = await c.view(DIALECT).form(**{**above, **(own or {})})
    except (StatusError, ClientDisconnect):
        raise
    except Exception as exc:
        raise StarletteHTTPException(400, "There was an error parsing the body") from exc
    if c.kept_form is None:  # a request object of the user's own
        c.adopt_form(as_form(form))


def _adopt(exc: Exception) -> Exception:
    """Return an engine's or another dialect's exception as the users of this dialect know it."""
    if isinstance(exc, SwallowedError):
        swallowed = FastAPIError(NOT_ANSWERED)
        swallowed.__cause__ = exc.__cause__
        return swallowed
    if isinstance(exc, (StarletteHTTPException, RequestValidationError)) or not isinstance(exc, StatusError):
        return exc
    if isinstance(exc, InternalError):
        return exc
    detail = exc.http_detail
    if isinstance(exc, (NotFound, MethodNotAllowed)):
        detail = None  # the phrase
    adopted = StarletteHTTPException(exc.http_status, detail, dict(exc.http_headers) or None)
    adopted.__cause__ = exc
    return adopted


def _error(c: RequestContext, exc: Exception) -> Reply:
    """Answer `{"detail": ...}`, and nothing but the phrase for what nobody expected."""
    if isinstance(exc, InternalError) or not isinstance(exc, StatusError):
        return _internal()
    reply = Reply(exc.http_status, MutableHeaders(exc.http_headers))
    if forbids_body(exc.http_status):
        return reply
    try:
        reply.body = dumps({"detail": exc.http_detail})
    except (TypeError, ValueError) as broken:
        log.error("the detail of %s can not be written as JSON", type(exc).__name__, exc_info=broken)
        return _internal()
    reply.headers.setdefault("content-type", "application/json")
    return reply


def _location(c: RequestContext, path: str) -> str:
    """Return an absolute address where it can not lose the scheme: a proxy may have ended TLS before plain HTTP."""
    host = c.http.headers.get("host")
    return f"https://{host}{path}" if host and c.http.connection.scheme == "https" else path


def _internal() -> Reply:
    headers = MutableHeaders([(b"content-type", b"text/plain; charset=utf-8")])
    return Reply(500, headers, b"Internal Server Error")


def _renderer(route: Route) -> Renderer:
    """Return the renderer that was made when the route was declared."""
    make: Callable[[], Renderer] = route.options["renderer"]
    return make()


DIALECT = Dialect(
    name="fastapi",
    parse=braces,
    converters=CONVERTERS,
    renderer=_renderer,
    error=_error,
    adopt_error=_adopt,
    request=_request,
    response=lambda c, reply: Response.over(reply),
    reads_body=False,
    read_form=_read_form,
    blocking=Mode.THREAD,
    slashes=Slashes.REDIRECT_307,
    head=False,
    options=False,
    ordered=True,
    unrouted_hooks=True,
    error_of_error=True,
    location=_location,
    wraps_raise=True,
    closes_unmatched=True,
)
